"""Puts a bug into River's code for a while: a line of one function that says something else."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any


@dataclass(frozen=True)
class Edit:
    """In the function at `where` (`module:Class.method`) `old` becomes `new`."""

    where: str
    old: str
    new: str


@dataclass(frozen=True)
class Plant:
    """A bug: its name says what it breaks."""

    name: str
    edits: tuple[Edit, ...]


def plant(name: str, *edits: tuple[str, str, str]) -> Plant:
    """A bug of River's: where (without `riverd.`), what stands there, and what comes instead."""
    return Plant(name, tuple(Edit(f"riverd.{where}", old, new) for where, old, new in edits))


@contextmanager
def planted(bug: Plant) -> Iterator[None]:
    """Have the bug while this lasts."""
    edits: dict[str, list[Edit]] = {}
    for edit in bug.edits:
        edits.setdefault(edit.where, []).append(edit)
    restore: list[tuple[Any, str, Any]] = []
    try:
        for where, here in edits.items():
            owner, name = _found(where)
            original = vars(owner)[name]
            edited = _edited(original, here)
            restore.append((owner, name, original))
            setattr(owner, name, edited)
        yield
    finally:
        for owner, name, original in restore:
            setattr(owner, name, original)


def _found(where: str) -> tuple[Any, str]:
    module, _, path = where.partition(":")
    *owners, name = path.split(".")
    found: Any = importlib.import_module(module)
    for owner in owners:
        found = getattr(found, owner)
    return found, name


def _edited(original: Any, edits: Iterable[Edit]) -> Any:
    of_property = isinstance(original, property)
    function: FunctionType = original.fget if of_property else original
    source = textwrap.dedent(inspect.getsource(function))
    for edit in edits:
        count = source.count(edit.old)
        assert count == 1, f"{edit.where} has {edit.old!r} {count} times: the plant is out of date"
        source = source.replace(edit.old, edit.new)
    namespace: dict[str, Any] = {}
    code = compile(source, f"<{function.__qualname__} with a bug>", "exec")
    exec(code, function.__globals__, namespace)  # noqa: S102  that is what planting is
    # The decorator is a part of the source.
    return namespace[function.__name__]
