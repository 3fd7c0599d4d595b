"""Where in a channel's log a subscriber begins."""

import msgspec

from riverd.core.channel_log import Log
from riverd.model import Position, Publication, Subscribe


class Start(msgspec.Struct, frozen=True):
    """The held offset after which a subscriber begins, and what became of its wish to resume."""

    after: int
    recovered: bool = False
    reason: str | None = None


def start_of(request: Subscribe, log: Log[Publication]) -> Start:
    """Resume after the client's position if the log still has what it missed.

    Otherwise from the log's end, with the contract's reason: `epoch` (the log began again),
    `window` (too long ago) or `unknown` (no such offset was given yet).
    """
    wanted = request.position
    if wanted is None:
        return Start(log.last(request.history))
    if wanted.epoch != log.epoch:
        return _lost(request, log, reason="epoch")
    if wanted.offset > log.offset:
        return _lost(request, log, reason="unknown")
    if wanted.offset < log.oldest:
        return _lost(request, log, reason="window")
    return Start(wanted.offset, recovered=True)


def is_ahead(wanted: Position | None, log: Log[Publication]) -> bool:
    """Whether a client claims what this node does not have: it may come from one that was ahead.

    Also in another epoch: nobody but the broker knows which of the two is the newer one.
    """
    return wanted is not None and (wanted.epoch != log.epoch or wanted.offset > log.offset)


def _lost(request: Subscribe, log: Log[Publication], *, reason: str) -> Start:
    return Start(log.last(request.history), reason=reason)
