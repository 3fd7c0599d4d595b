"""Where in a channel's log a subscriber starts, and why it cannot go on where it was."""

import msgspec

from riverd.core.channel_log import Log
from riverd.model.commands import Subscribe
from riverd.model.log import Position, Publication, Tail


class Start(msgspec.Struct, frozen=True):
    """The held offset after which a subscriber starts, and what became of its resume."""

    after: int
    recovered: bool = False
    reason: str | None = None


def start_of(request: Subscribe, log: Log[Publication]) -> Start:
    """After the client's position if the log has everything since; else at the log's end."""
    wanted = request.position
    if wanted is None:
        return Start(log.last(request.history) if request.history else log.offset)
    reason = wanted.why_lost(log.position, oldest=log.oldest)
    if reason is None:
        return Start(wanted.offset, recovered=True)
    return Start(log.last(request.history), reason=reason)


def kept_start(request: Subscribe, log: Log[Publication]) -> Position:
    """The cursor of a page that is new to a channel, until it proves more.

    What the answer has with `wants_last` is missed if the answer is.
    """
    newest = newest_of_back_end(log) if request.wants_last else None
    return log.position if newest is None else Position(log.epoch, newest.offset - 1)


def held_tail(log: Log[Publication], wanted: Position | None, *, limit: int | None) -> Tail | None:
    """Publications after a position (or the last `limit`), if the log has all that is asked."""
    if wanted is None:
        after = log.oldest if limit is None else log.last(limit)
        return Tail(log.position, tuple(log.since(after) or ()))
    if wanted.why_lost(log.position, oldest=log.oldest) is not None:
        return None
    return Tail(log.position, tuple((log.since(wanted.offset) or ())[:limit]))


def newest_of_back_end(log: Log[Publication]) -> Publication | None:
    """The newest publication that is held and that no client made, if there is one."""
    for offset in range(log.offset, log.oldest, -1):
        entry = log.at(offset)
        if entry is not None and entry.is_of_back_end:
            return entry
    return None


def is_ahead(wanted: Position, log: Log[Publication]) -> bool:
    """Whether a client has seen what this node has not: another node may have been faster.

    Also in another epoch: only the broker knows which of the two is the newer one.
    """
    return wanted.epoch != log.epoch or wanted.offset > log.offset
