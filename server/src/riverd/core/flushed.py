"""What a flush of the hub did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from riverd.core.channel import Channel


class Flushed(msgspec.Struct, frozen=True, gc=False):
    """Whether another one is due, and what the caller has to see to."""

    more: bool
    notified_of_changes: int
    """How many live sessions were sent joins and leaves."""
    channels: Iterable[Channel]
    """Those whose live sessions were sent something."""
