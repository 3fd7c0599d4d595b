"""What the logs of a cluster ever held, and what anybody was sent of it."""

from __future__ import annotations

from simulation.truth import demand

from riverd.model.log import Position, Publication

LogName = tuple[str, str]
"""A channel and an epoch."""


class ShardTruth:
    """Of each epoch one offset has one content, and one id has one offset, once anybody knows it.

    Two masters may give one offset twice: until somebody was answered or has a replica of it,
    either may become what it is.
    """

    def __init__(self) -> None:
        self._known: dict[LogName, dict[int, bytes]] = {}
        self._offsets: dict[LogName, dict[bytes, int]] = {}
        self._ids: dict[LogName, dict[str, int]] = {}
        self._newest: dict[LogName, int] = {}

    def know(self, channel: str, epoch: str, publication: Publication) -> None:
        """Somebody knows what an offset has."""
        name, offset, data = (channel, epoch), publication.offset, publication.data
        before = self._known.setdefault(name, {}).setdefault(offset, data)
        demand(before == data, "{}:{} is {} and {}", name, offset, before, data)
        first = self._offsets.setdefault(name, {}).setdefault(data, offset)
        demand(first == offset, "{} is at {} and {} of {}", data, first, offset, name)
        self._newest[name] = max(offset, self._newest.get(name, 0))

    def answered(self, channel: str, key: str, *, position: Position) -> None:
        """A publisher was answered."""
        name = channel, position.epoch
        first = self._ids.setdefault(name, {}).setdefault(key, position.offset)
        demand(first == position.offset, "{} of {} was answered as {} too", key, name, first)
        self._newest[name] = max(position.offset, self._newest.get(name, 0))

    def goes_on(self, channel: str, epoch: str, offset: int) -> None:
        """A log counts where it is: it has all that anybody knows of its epoch."""
        newest = self._newest.get((channel, epoch), 0)
        demand(offset >= newest, "{} {} goes on at {} without {}", channel, epoch, offset, newest)

    def check(self, channel: str, epoch: str, publications: tuple[Publication, ...]) -> None:
        """A log has nothing else than what is known."""
        known = self._known.get((channel, epoch), {})
        for one in publications:
            due = known.get(one.offset, one.data)
            demand(due == one.data, "{} {} has {}, and {} is known", channel, epoch, one, due)
