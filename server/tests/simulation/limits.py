"""River's own limits, made so small that a short run meets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import ModuleType

from msgspec.structs import replace

from riverd.channels import rules
from riverd.core import hub
from riverd.healing import acceptance
from riverd.node.replicas import attachment

SMALL: tuple[tuple[ModuleType, str, object], ...] = (
    (attachment, "EARLY_MAX", 2),
    (hub, "LISTED_MAX", 1),
    (rules, "CONTROL_POLICY", replace(rules.CONTROL_POLICY, history_size=2)),
)


HEALED: tuple[tuple[ModuleType, str, object], ...] = ((acceptance, "KEPT_S", 6.0),)
"""Of where a broker is healed."""


@contextmanager
def drawn_limits(dice: Random, *, heals: bool) -> Iterator[None]:
    """While this lasts each limit is small or as it was."""
    limits = SMALL + (HEALED if heals else ())
    before = [(module, name, getattr(module, name)) for module, name, _ in limits]
    try:
        for module, name, value in limits:
            if dice.random() < 0.3:
                setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
