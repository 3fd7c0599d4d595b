"""The servers of a cluster and what River's scripts do there. Nothing here waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulation.healing import HealingServer

from riverd.errors import BrokerError
from riverd.healing.admissions import OpenTerm
from riverd.healing.offers import DataLog, HealedLog
from riverd.healing.process import Beats, Term, Turn
from riverd.healing.shards import Mark, Shard, Shards
from riverd.model.log import Message, Position, Publication

if TYPE_CHECKING:
    from simulation.shard_cluster import ShardCluster

NODES = "nodes"
"""The slot of the record: the server that has it is the home."""
LAG_MAX = 4
LAG_S_MAX = 1.0
"""A replica may not have the last so many writes of so long."""
HISTORY_MAX = 12


class ElsewhereError(BrokerError):
    """Another server has the slot; `is_asking` if it only takes it over at the moment."""

    def __init__(self, address: str, *, is_asking: bool) -> None:
        super().__init__(f"it is at {address}")
        self.address = address
        self.is_asking = is_asking


@dataclass(frozen=True)
class ShardLog:
    """A log as a server has it. It is never changed: another one is written instead."""

    epoch: str
    offset: int
    mark: Mark
    publications: tuple[Publication, ...] = ()

    @property
    def position(self) -> Position:
        """Where it stands."""
        return Position(self.epoch, self.offset)


@dataclass(frozen=True)
class ShardSlot:
    """What a server has of a slot: the log of its channel, and the ids that it has seen."""

    log: ShardLog | None = None
    keys: Mapping[str, Position] = field(default_factory=dict[str, Position])


@dataclass(frozen=True)
class Caller:
    """As what a process uses a server: in a term, as one of its shards."""

    now: OpenTerm
    shard: Shard


NO_SLOT = ShardSlot()


class ShardHome(HealingServer):
    """The record of the term, at the server that has the slot of it at the moment."""

    def __init__(self, server: ShardServer) -> None:
        super().__init__(server)  # type: ignore[arg-type]  as far as it is asked
        self.term = None
        self.history = ""
        self.shards: Shards = ()
        self.terms: tuple[str, ...] = ()
        self.round_history = ""

    @property
    def has_round(self) -> bool:
        """Whether somebody heals at the moment: the term is closed to all."""
        is_here = self.round_history == self.server.history
        return is_here and self._round != "" and self._until >= self.server.world.now

    def turn(self, name: str, least: int, round_name: str) -> Turn:
        """A round is of one history of the home: it may have been opened in the one before.

        Who was in that term has done more since than it offers in the copy of that round.
        """
        if self.round_history != self.server.history:
            self._round = ""
        found = HealingServer.turn(self, name, least, round_name)
        self.round_history = self.server.history
        return found

    @property
    def owner(self) -> str:
        """Whose round it is, or was last."""
        return self._owner

    @property
    def opened(self) -> OpenTerm | None:
        """The term, if it is open in the data of the server that has the record now."""
        if self.term is None or self.history != self.server.history or self.has_round:
            return None
        return OpenTerm(self.term, self.shards, self.terms)

    @property
    def server(self) -> ShardServer:
        """Where the record is."""
        server: object = self._server
        assert isinstance(server, ShardServer), "it was made with one"
        return server

    def admits(self, least: int) -> bool:
        now = self.opened
        return now is not None and now.term.number >= least

    def check_round(self, term: Term) -> None:
        """Raises `BrokerError` if the round of a term is over."""
        self._check(term)
        if not self.has_round:
            raise BrokerError("nobody has renewed the round")

    def following(self, now: OpenTerm, members: Sequence[str]) -> ShardHome:
        """The record of the next term."""
        new = ShardHome(self.server)
        new.term, new.history = now.term, self.server.history
        new.shards, new.terms = now.shards, now.terms
        new.signs = dict.fromkeys(members, self.server.world.now * 1000)
        return new

    def copied(self, server: ShardServer) -> ShardHome:
        """The same at another server: moved there, or as its replica has it."""
        new = ShardHome(server)
        new.term, new.history = self.term, self.history
        new.shards, new.terms = self.shards, self.terms
        new.signs, new.answered = dict(self.signs), dict(self.answered)
        new._round, new._owner, new._until = self._round, self._owner, self._until
        new.round_history = self.round_history
        new._offers, new._parts = dict(self._offers), dict(self._parts)
        return new


@dataclass
class ShardData:
    """All that a server has, as a disk or a replica has it."""

    slots: dict[str, ShardSlot] = field(default_factory=dict[str, ShardSlot])
    home: ShardHome | None = None

    def home_at(self, server: ShardServer) -> ShardHome:
        """The record at a server that has this."""
        return ShardHome(server) if self.home is None else self.home.copied(server)

    def shown(self) -> dict[str, object]:
        """For the trace."""
        found: dict[str, object] = {"term": None if self.home is None else self.home.term}
        for name, slot in self.slots.items():
            if slot.log is not None:
                found[name] = slot.log.position, slot.log.mark
        return found


class ShardServer:
    """One history of one server's data. Restarted, or in another one's stead, it is another."""

    def __init__(self, cluster: ShardCluster, address: str, *, data: ShardData) -> None:
        self.address = address
        self.history = cluster.world.new_id()
        self.is_away = False
        self.split: frozenset[str] = frozenset()
        """The slots that it takes for its own, though another server has them by now."""
        self.seen_by: frozenset[str] | None = None
        """Who reaches it; None is everybody."""
        self.began_at = cluster.world.now
        self.slots = data.slots
        self.world = self._world = cluster.world
        self.home = data.home_at(self)
        self.is_first = cluster.world.now == 0
        self._cluster = cluster
        self._undo: deque[tuple[float, str, ShardSlot | ShardHome]] = deque(maxlen=LAG_MAX)

    @property
    def is_home(self) -> bool:
        """Whether the record is here, or would be."""
        return self._cluster.owners[NODES] == self.address

    def data(self, *, lag: int = 0) -> ShardData:
        """A copy of what it has, without the last writes."""
        found = ShardData(dict(self.slots), self.home)
        for at, slot, before in list(self._undo)[len(self._undo) - lag :][::-1]:
            if at < self._world.now - LAG_S_MAX:
                continue
            if isinstance(before, ShardHome):
                found.home = before
            else:
                found.slots[slot] = before
        return found

    def write(self, name: str, slot: ShardSlot) -> None:
        """Have this of a slot from now on."""
        self._undo.append((self._world.now, name, self.slots.get(name, NO_SLOT)))
        self.slots[name] = slot

    def write_home(self, home: ShardHome) -> None:
        """Have another record from now on."""
        self._undo.append((self._world.now, NODES, self.home))
        self.home = home

    def has(self, slot: str) -> bool:
        """Whether there is anything of a slot here."""
        if slot == NODES:
            return self.home.term is not None or self.home.has_round
        return self.slots.get(slot, NO_SLOT) != NO_SLOT

    def check_slot(self, slot: str, *, is_asking: bool) -> None:
        """Raises `ElsewhereError`."""
        if slot in self.split:
            return
        owner, taking = self._cluster.owners[slot], self._cluster.moving.get(slot)
        if owner == self.address:
            if taking is not None and not self.has(slot):
                raise ElsewhereError(taking, is_asking=True)
        elif not (is_asking and taking == self.address):
            raise ElsewhereError(owner, is_asking=False)

    # What the scripts do.

    def counted(self, channel: str, caller: Caller) -> ShardLog | None:
        """The log, if it goes on for the caller."""
        log = self.slots.get(channel, NO_SLOT).log
        if log is None or not caller.now.counts(log.mark, at=caller.shard):
            return None
        return log

    def publish(
        self, message: Message, caller: Caller, *, known: Position
    ) -> tuple[Position, Publication | None]:
        """Append, unless the id was seen; a log that does not count begins again."""
        channel = message.channel
        slot = self.slots.get(channel, NO_SLOT)
        if message.key is not None and message.key in slot.keys:
            return slot.keys[message.key], None
        log = self.counted(channel, caller)
        if log is not None and log.epoch == known.epoch and log.offset < known.offset:
            log = None
        if log is None:
            log = self._begin(channel, caller)
        elif not self.split:
            self._world.truth.goes_on(channel, log.epoch, log.offset)
        publication = Publication(log.offset + 1, message.event, message.data)
        kept = (*log.publications, publication)[-HISTORY_MAX:]
        position = Position(log.epoch, publication.offset)
        keys = slot.keys if message.key is None else {**slot.keys, message.key: position}
        log = ShardLog(log.epoch, publication.offset, self._mark(caller), kept)
        self.write(channel, ShardSlot(log, keys))
        self._world.note(self.address, "appends", channel, position, message.data, log.mark)
        return position, publication

    def read(self, channel: str, caller: Caller, *, after: Position) -> ShardLog:
        """The log. One that does not count, or went back, begins again."""
        log = self.counted(channel, caller)
        if log is None or (log.epoch == after.epoch and log.offset < after.offset):
            log = self._begin(channel, caller)
        elif not self.split:
            self._world.truth.goes_on(channel, log.epoch, log.offset)
        return log

    def _begin(self, channel: str, caller: Caller) -> ShardLog:
        before = self.slots.get(channel, NO_SLOT)
        log = ShardLog(self._world.new_epoch(), 0, self._mark(caller))
        self.write(channel, ShardSlot(log, before.keys))
        self._world.note(self.address, "begins", channel, log.epoch, log.mark, "after", before.log)
        return log

    def _mark(self, caller: Caller) -> Mark:
        return Mark(caller.shard.history, caller.shard.admitted, caller.now.term.name)

    def beat(self, sign: str, answered: tuple[Term | None, float]) -> tuple[Beats, str]:
        """A sign of life, and the name of the term if it is open."""
        beats = self.home.beat(sign, answered=answered)
        now = self.home.opened
        return beats, "" if now is None else now.term.name

    # What the scripts of healing do.

    def stored(self, channel: str, following: OpenTerm) -> DataLog | None:
        """A log as the one that heals sees it, who will open the following term."""
        log, shard = self.slots.get(channel, NO_SLOT).log, following.shard(self.history)
        if log is None:
            return None
        goes_on = shard is not None and following.counts(log.mark, at=shard)
        return DataLog(log.epoch, log.offset, log.publications, str(log.mark), goes_on)

    def restore(self, log: HealedLog, mark: Mark) -> bool:
        """Write a log, if it stands where it stood when it was looked at."""
        slot = self.slots.get(log.channel, NO_SLOT)
        was = slot.log
        found = ("", 0, "") if was is None else (was.epoch, was.offset, str(was.mark))
        is_same = found == (log.was_epoch, log.was_offset, log.was_mark)
        self._world.note(self.address, "restores", log, "over", found, mark)
        if is_same:
            keys = {key: Position(log.epoch, offset) for key, offset in log.keys}
            new = ShardLog(log.epoch, log.offset, mark, log.publications[-HISTORY_MAX:])
            self.write(log.channel, ShardSlot(new, {**keys, **slot.keys}))
            self._world.restored.append((self.address, log.channel))
        return is_same
