"""What all brokers of one run talk to: a store, leases of nodes, and who listens to it."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING

from simulation.census import Census
from simulation.healing import Data, HealingServer, Keys
from simulation.orders import Orders
from simulation.truth import Truth

from riverd.broker.interface import REMAKING_S
from riverd.broker.memory.store import Store
from riverd.broker.memory.tabs import TabStore
from riverd.channels.names import CONTROL
from riverd.errors import BrokerError
from riverd.model.log import Change, Ephemeral, Member, Message, Position, Publication, Receipt
from riverd.model.orders import Order, Standing, encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulation.feed import SimFeed
    from simulation.world import World

    from riverd.healing.offers import HealedLog

LEASE_S = 3.0
DELAY_S_MAX = 2.5
"""What is healed counts as older by what its offers may have been on their way."""
SNAPSHOT = 0.1
"""How often a copy is made of the data, to come back with."""


class _Shared:
    """What there is once, whatever became of servers."""

    def __init__(self, world: World) -> None:
        self.truth = Truth()
        self.census = Census()
        self.orders = Orders(world)
        self.feeds: dict[SimFeed, None] = {}
        self.newest_at: dict[tuple[str, str], float] = {}
        self.epochs, self.nodes, self.runs = count(1), count(1), count(1)


class Server:
    """The other end of every broker's connections. Its calls are atomic: nothing here waits.

    `run` counts its lives. A new one has an empty store, or is another object (`successor`); its
    clients' connections are all broken.
    """

    def __init__(self, world: World, *, before: Server | None = None) -> None:
        shared = _Shared(world) if before is None else before._shared
        self._shared = shared
        self.truth, self.census, self.orders = shared.truth, shared.census, shared.orders
        self.feeds, self._newest_at = shared.feeds, shared.newest_at
        self.run = next(shared.runs)
        self.away = False
        self.is_abandoned = False
        """Another one was the master since, and what it has is old."""
        self.leases: dict[str, float] = {}
        self._ended: set[str] = set()
        self._world = world
        self.store = self._empty()
        self.tabs = TabStore(since=-1.0)
        self.healing = HealingServer(self)
        self.snapshot: Data = Data()
        self._kept_s: dict[Standing, float] = {}
        self._remaking: dict[str, float] = {}

    def _empty(self) -> Store:
        return Store(self._world.rules, new_epoch=lambda: f"e{next(self._shared.epochs)}")

    def successor(self, data: Data, *, keep_leases: bool, keep_standings: bool) -> Server:
        """Another history, with some of the data of this one, or none: it has to be healed."""
        following = Server(self._world, before=self)
        following.healing.begin(data)
        standings = self.store.standings() if keep_standings else []
        for standing in standings:
            following.store.keep_standing(standing)
        following._kept_s = {one: self._kept_s[one] for one in standings}
        if keep_leases:
            following.leases |= self.leases
        following._ended |= self._ended
        return following

    def opened(self, logs: Mapping[str, HealedLog], keys: Keys) -> None:
        """Go on in a new term, in which logs and lists begin again that were not healed."""
        now, standings = self._world.now, self.store.standings()
        self.is_abandoned = False
        self.run = next(self._shared.runs)
        self.store = self._empty()
        for standing in standings:
            self.store.keep_standing(standing)
        for channel, log in logs.items():
            stored = self.store._log(channel, now)
            stored.epoch, stored.offset = log.epoch, log.offset
            for one, age_s in zip(log.publications, log.ages_s, strict=True):
                stored.entries.append((now - age_s - DELAY_S_MAX, one))
            stored.size = sum(one.byte_count() for one in log.publications)
            self.store.log_bytes += stored.size
            self.store._trim(stored, now)
            self.truth.healed(log)
            if log.ages_s:
                # Also of what is too old by now: it is not held.
                self._newest_at[channel, log.epoch] = now - log.ages_s[-1] - DELAY_S_MAX
        for (channel, key), position in keys.items():
            if channel != CONTROL:
                # An order that only a lost log has seen is taken again.
                self.store._keys[channel, key] = now, position
        self.census.began_again(now)
        for feed in self.feeds:
            if feed.server is self:
                feed.cut()

    def restart(self, *, keep_leases: bool, keep_standings: bool) -> None:
        """Come back with nothing, or with what is not trusted any more."""
        self.run = next(self._shared.runs)
        self.census.began_again(self._world.now)
        standings = self.store.standings() if keep_standings else []
        self.store = self._empty()
        self.tabs = TabStore(since=self._world.now)
        for standing in standings:
            self.store.keep_standing(standing)
        self._kept_s = {one: self._kept_s[one] for one in standings}
        if not keep_leases:
            self.leases.clear()
        self.break_connections()

    def flush(self) -> None:
        """Have nothing any more, while all connections go on: no call finds the data open."""
        self.healing.flush()
        self.run = next(self._shared.runs)
        self.store = self._empty()
        self.tabs = TabStore(since=self._world.now)
        self.leases.clear()
        self._kept_s.clear()

    def come_back(self) -> None:
        """Be the master again, while all follow another: they learn only now what it has."""
        self.is_abandoned = True
        self._kept_s = dict.fromkeys(self.store.standings(), self._world.now)

    def break_connections(self) -> None:
        """Whoever waits for an answer waits in vain, and what was announced is lost."""
        for broker in self._world.brokers():
            if broker.server is self:
                broker.break_connection()

    # What the scripts do.

    def publish(self, message: Message) -> Receipt:
        receipt, event = self.store.publish(message, self._world.now)
        if isinstance(event, Publication):
            assert isinstance(receipt, Position), "a publication has a position"
            self.truth.append(message.channel, receipt, event)
            self._newest_at[message.channel, receipt.epoch] = self._world.now
            self._world.note("server", "appends", message.channel, receipt, event)
        elif event is not None:
            self.truth.passed(message.channel, receipt.epoch, event)
            self._world.note("server", "passes on", message.channel, receipt, event)
        if event is not None:
            self._announce(message.channel, receipt.epoch, event)
            if self._world.heals and self._world.dice.random() < SNAPSHOT:
                self.snapshot = self.healing.dump()
        return receipt

    def join(
        self, channel: str, node: str, member: Member, *, limit: int | None = None
    ) -> Position:
        if node not in self.leases:
            # Nobody would ever give it up.
            raise BrokerError("a node without a lease has no seats")
        position, change = self.store.join(channel, node, member, limit=limit)
        self._world.note("server", "join", channel, node, member.user, position, change)
        if change is not None:
            self._announce_change(channel, position, change)
        return position

    def leave(self, channel: str, node: str, user: str) -> None:
        left = self.store.leave(channel, node, user)
        self._world.note("server", "leave", channel, node, user, left)
        if left is not None:
            self._announce_change(channel, *left)

    def report(self, node: str, subscribers: dict[str, int]) -> None:
        self._world.note("server", "counts", node, subscribers)
        self.store.report(node, subscribers)

    def positions(self, channels: list[str]) -> list[tuple[Position, Position | None]]:
        now = self._world.now
        return [
            (
                self.store.position(channel, now),
                self.store.roster(channel).position
                if self._world.rules.has_members(channel)
                else None,
            )
            for channel in channels
        ]

    def order(self, order: Order) -> Position:
        standing = order.standing()
        if standing is not None and order.was is None:
            self.store.keep_standing(standing)
            self._kept_s[standing] = self._world.now
        message = Message(CONTROL, order.kind.value, encode(order), order.id)
        position, publication = self.store.publish(message, self._world.now)
        if publication is not None:
            self._world.note("server", "orders", position, order)
            self.orders.give(order, self.run)
            self._announce(CONTROL, position.epoch, publication)
        return position

    def give_back(self, standings: Sequence[Standing], reload: Order) -> None:
        is_missing = False
        for standing in standings:
            is_missing |= self.store.restore_standing(standing)
            self._kept_s.setdefault(standing, self._world.now)
            self._world.note("server", "is given back", standing)
        if is_missing:
            self.order(reload)

    def kept_s(self, standing: Standing) -> float:
        """Since when it is kept, in this life."""
        return self._kept_s[standing]

    def note_remaking(self, place: str, *, here: bool) -> bool:
        """Whether others make their entries again."""
        now = self._world.now
        self._remaking = {one: until for one, until in self._remaking.items() if until > now}
        self._remaking.pop(place, None)
        is_elsewhere = bool(self._remaking)
        if here:
            self._remaking[place] = now + REMAKING_S
        return is_elsewhere

    # Leases.

    def new_name(self, place: str) -> str:
        """A name that no node has had."""
        return f"{place}#{next(self._shared.nodes)}"

    def renew(self, node: str, *, first: bool) -> bool:
        """Whether the lease was still there; clears up after one node whose lease is over."""
        now = self._world.now
        kept = node in self.leases or (first and node not in self._ended)
        if kept:
            self.leases[node] = now + LEASE_S
        over = [name for name, until in self.leases.items() if until < now]
        for name in over[:1]:
            del self.leases[name]
            self._ended.add(name)
            self._world.loop.call_later(self._world.delay_s(), self.forget, name)
        return kept

    def forget(self, node: str) -> None:
        """A node is gone: tell of each seat that nobody else has."""
        self.leases.pop(node, None)
        for channel, members in self.store._members.items():
            for user in members.nodes.get(node, ()):
                self.census.gave_up(channel, user, self._world.now)
        for channel, position, change in self.store.forget_node(node):
            self._world.note("server", "forgets", node, channel, position, change)
            self._announce_change(channel, position, change)

    def _announce_change(self, channel: str, position: Position, change: Change) -> None:
        self.census.change(channel, position, change)
        self._announce(channel, position.epoch, change)

    def _announce(self, channel: str, epoch: str, entry: Publication | Ephemeral | Change) -> None:
        for feed in self.feeds:
            if feed.server is self and channel in feed.subscribed:
                feed.push(channel, epoch, entry)

    # What only the checks ask.

    def has(self, channel: str, place: Position) -> bool:
        """Whether everything after this place can be had still."""
        log = self.store._logs.get(channel)
        if log is None or log.epoch != place.epoch:
            return False
        return self.oldest(channel, place.epoch) <= place.offset <= log.offset

    def oldest(self, channel: str, epoch: str) -> int:
        """The place after which everything is held; the log's end (or beyond) if nothing is."""
        log = self.store._logs.get(channel)
        if log is None or log.epoch != epoch:
            return self.truth.end(channel, epoch)
        now, policy = self._world.now, log.policy
        held = sum(1 for at, _ in log.entries if at >= now - policy.history_ttl_s)
        if held == 1:
            # What had only outlived the window goes with the next read: it is not there.
            fits = log.entries[-1][1].byte_count() <= policy.history_bytes
            held = int(policy.history_size > 0 and fits)
        newest_at = self._newest_at.get((channel, epoch), -math.inf)
        if policy.last_ttl_s and now - newest_at <= policy.last_ttl_s:
            held = max(1, held)
        return log.offset - held

    def counted(self, channel: str) -> int:
        """How many hear a channel: what is told under a name without a lease does not count."""
        counts = self.store._counts.get(channel, {})
        return sum(count for node, count in counts.items() if node in self.leases)

    def position(self, channel: str) -> Position | None:
        """Where the log stands, without making one."""
        log = self.store._logs.get(channel)
        return None if log is None else log.position
