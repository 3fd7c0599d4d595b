"""A broker as a network makes it: late, forgetful, sometimes away."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from riverd.broker import Feed
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.switchboard import Switchboard
from riverd.broker.memory.webhooks import MemoryWebhooks
from riverd.channels.names import CONTROL
from riverd.errors import BrokerError, ErrorCode, RiverError
from riverd.model.log import (
    Change,
    Ephemeral,
    Member,
    Message,
    Occupancy,
    Position,
    Publication,
    Receipt,
    Roster,
    Tail,
)
from riverd.model.orders import Order, Question

Entry = Publication | Ephemeral | Change


class Weather(Protocol):
    """What befalls calls and announcements. `Calm` is none of it."""

    def turns(self) -> int:
        """How many turns of the loop something takes."""
        ...

    def is_lost(self, entry: Entry) -> bool:
        """Whether an announcement never arrives."""
        ...

    def is_cut(self, call: str) -> bool:
        """Whether a call fails; asked before it is carried out and again before its answer."""
        ...


class Calm:
    """No weather at all."""

    def turns(self) -> int:
        return 0

    def is_lost(self, entry: Entry) -> bool:
        del entry
        return False

    def is_cut(self, call: str) -> bool:
        del call
        return False


class LateBroker:
    """One node's door to a switchboard with weather between.

    A test holds things up by name: "feed" for announcements, "read" for what is asked, "read
    answer" for what was carried out and is on its way back.
    """

    def __init__(
        self, board: Switchboard, clock: Callable[[], float], weather: Weather | None = None
    ) -> None:
        self._inner = MemoryBroker(board, clock)
        self.term = 0
        self.control = self._inner.control
        self.tabs = self._inner.tabs
        self.counts = self._inner.counts
        self.webhooks = MemoryWebhooks(board.webhooks, self._inner._node, publish=self.publish)
        self.webhook_queues = self._inner.webhook_queues
        self.weather: Weather = weather or Calm()
        self.calls: list[str] = []
        self.old_tails: deque[Tail] = deque()
        self.cut = False
        self._gates: dict[str, asyncio.Event] = {}
        self._pipe: deque[Callable[[], None]] = deque()
        self._pumping: asyncio.Task[None] | None = None
        self._feed: Feed | None = None

    # For tests.

    def hold(self, name: str) -> None:
        """From now on this stays where it is."""
        self._gates[name] = asyncio.Event()

    def let(self, name: str) -> None:
        """What was held up goes on, and what comes is not held."""
        self._gates.pop(name).set()

    # For the switchboard.

    def on_publication(self, channel: str, epoch: str, publication: Publication) -> None:
        assert self._feed is not None
        feed = self._feed
        if not self.weather.is_lost(publication):
            self._announce(lambda: feed.on_publication(channel, epoch, publication))

    def on_ephemeral(self, channel: str, epoch: str, *, event: Ephemeral) -> None:
        assert self._feed is not None
        feed = self._feed
        if not self.weather.is_lost(event):
            self._announce(lambda: feed.on_ephemeral(channel, epoch, event=event))

    def on_change(self, channel: str, epoch: str, change: Change) -> None:
        assert self._feed is not None
        feed = self._feed
        if not self.weather.is_lost(change):
            self._announce(lambda: feed.on_change(channel, epoch, change))

    def on_order(self, order: Order) -> None:
        assert self._feed is not None
        feed = self._feed
        self._announce(lambda: feed.on_order(order))

    def on_question(self, question: Question) -> None:
        assert self._feed is not None
        feed = self._feed
        self._announce(lambda: feed.on_question(question))

    def on_interrupted(self) -> None:
        assert self._feed is not None
        self._announce(self._feed.on_interrupted)

    def on_presence_lost(self) -> None:
        assert self._feed is not None
        self._announce(self._feed.on_presence_lost)

    def on_counts_wanted(self) -> None:
        assert self._feed is not None
        self._announce(self._feed.on_counts_wanted)

    def on_recounted(self, channel: str) -> None:
        assert self._feed is not None
        feed = self._feed
        self._announce(lambda: feed.on_recounted(channel))

    def on_users_recounted(self, users: Sequence[str]) -> None:
        assert self._feed is not None
        feed = self._feed
        self._announce(lambda: feed.on_users_recounted(users))

    def _announce(self, tell: Callable[[], None]) -> None:
        self._pipe.append(tell)
        if self._pumping is None:
            self._pumping = asyncio.get_running_loop().create_task(self._pump())

    async def _pump(self) -> None:
        while self._pipe:
            await self._wait("feed")
            self._pipe.popleft()()
        self._pumping = None

    async def _wait(self, name: str) -> None:
        for _ in range(self.weather.turns()):
            await asyncio.sleep(0)
        if name in self._gates:
            await self._gates[name].wait()

    async def _asked(self, call: str) -> None:
        self.calls.append(call)
        await self._wait(call)
        self._fail_if_cut(call)

    async def _answered(self, call: str) -> None:
        await self._wait(f"{call} answer")
        self._fail_if_cut(call)

    def _fail_if_away(self, call: str) -> None:
        """For what has no weather, because each test would have to know of it."""
        if self.cut:
            raise BrokerError(f"{call}: away")

    def _fail_if_cut(self, call: str) -> None:
        if self.cut or self.weather.is_cut(call):
            raise BrokerError(f"{call}: away")

    # For nodes and publishers: see `Broker`.

    async def publish(self, message: Message) -> Receipt:
        await self._asked("publish")
        position = await self._inner.publish(message)
        await self._answered("publish")
        return position

    async def publish_many(self, messages: Sequence[Message]) -> list[Position | RiverError]:
        await self._asked("publish_many")
        return await self._inner.publish_many(messages)

    async def read(
        self,
        channel: str,
        *,
        after: Position | None = None,
        limit: int | None = None,
        keep: bool = False,
    ) -> Tail:
        if channel == CONTROL:
            self._fail_if_away("read")
            return await self._inner.read(channel, after=after, limit=limit, keep=keep)
        await self._asked("read")
        if self.old_tails:
            tail = self.old_tails.popleft()
            if after is not None and after.offset > tail.position.offset:
                raise RiverError(ErrorCode.UNRECOVERABLE, "unknown")
            return tail
        try:
            return await self._inner.read(channel, after=after, limit=limit, keep=keep)
        finally:
            await self._answered("read")

    async def renounce(self, channel: str, epoch: str) -> None:
        await self._inner.renounce(channel, epoch)

    async def positions(self, channels: Sequence[str]) -> list[tuple[Position, Position | None]]:
        if CONTROL in channels:
            self._fail_if_away("positions")
            return await self._inner.positions(channels)
        await self._asked("positions")
        positions = await self._inner.positions(channels)
        await self._answered("positions")
        return positions

    async def attach(self, feed: Feed) -> None:
        self._feed = feed
        await self._inner.attach(self)

    async def subscribe(self, channel: str) -> None:
        if channel == CONTROL:
            self._fail_if_away("subscribe")
            await self._inner.subscribe(channel)
            return
        await self._asked("subscribe")
        await self._inner.subscribe(channel)
        await self._answered("subscribe")

    async def unsubscribe(self, channel: str) -> None:
        await self._asked("unsubscribe")
        await self._inner.unsubscribe(channel)
        await self._answered("unsubscribe")

    async def join(self, channel: str, member: Member, *, limit: int | None = None) -> Position:
        await self._asked("join")
        position = await self._inner.join(channel, member, limit=limit)
        await self._answered("join")
        return position

    async def leave(self, channel: str, user: str) -> None:
        await self._asked("leave")
        await self._inner.leave(channel, user)
        await self._answered("leave")

    async def members(
        self, channel: str, *, limit: int | None = None, keep: bool = False
    ) -> Roster:
        await self._asked("members")
        roster = await self._inner.members(channel, limit=limit, keep=keep)
        await self._answered("members")
        return roster

    async def remaking(self, *, here: bool) -> bool:
        await self._wait("remaking")
        self._fail_if_away("remaking")
        return await self._inner.remaking(here=here)

    async def report(self, subscribers: Mapping[str, int]) -> None:
        await self._asked("report")
        await self._inner.report(subscribers)
        await self._answered("report")

    async def occupied(self, prefix: str, *, limit: int | None = None) -> dict[str, Occupancy]:
        return await self._inner.occupied(prefix, limit=limit)

    async def occupancy(self, channel: str) -> Occupancy:
        return await self._inner.occupancy(channel)

    async def compare_rules(self, process: str, digest: str) -> Mapping[str, str]:
        return await self._inner.compare_rules(process, digest)

    async def ping(self) -> str:
        self._fail_if_cut("ping")
        return await self._inner.ping()

    async def close(self) -> None:
        if self._pumping is not None:
            self._pumping.cancel()
        await self._inner.close()
