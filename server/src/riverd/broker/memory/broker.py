"""The broker inside one process: no network, so nothing is ever lost between it and its nodes."""

from collections.abc import Callable, Generator, Mapping, Sequence

from riverd.broker.interface import Feed
from riverd.broker.memory.control import MemoryControl
from riverd.broker.memory.counts import MemoryCounts
from riverd.broker.memory.switchboard import Switchboard
from riverd.broker.memory.tabs import MemoryTabs
from riverd.broker.memory.webhooks import MemoryWebhookQueues, MemoryWebhooks
from riverd.errors import RiverError
from riverd.model.log import Member, Message, Occupancy, Position, Receipt, Roster, Tail


class _OthersTurn:
    """Who awaits it goes on with the loop's next turn, whichever loop that is."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class MemoryBroker:
    """One node's (or publisher's) access to a switchboard. See `Broker` for the promises."""

    def __init__(self, switchboard: Switchboard, clock: Callable[[], float]) -> None:
        self._board = switchboard
        self._store = switchboard.store
        self._clock = clock
        self._node = f"node-{next(switchboard.numbers)}"
        self.term = 0
        self.control = MemoryControl(
            switchboard, self._node, publish=self._publish_order, clock=clock
        )
        self.counts = MemoryCounts(switchboard, self._node)
        self.tabs = MemoryTabs(switchboard.tabs, clock)
        self.webhooks = MemoryWebhooks(switchboard.webhooks, self._node, publish=self.publish)
        self.webhook_queues = MemoryWebhookQueues(
            switchboard.webhooks, members=self._store.users, changed=switchboard.want_counts
        )

    async def publish(self, message: Message) -> Receipt:
        """Append and announce: one step, since nothing here waits."""
        return self._publish(message, self._clock())

    async def publish_many(self, messages: Sequence[Message]) -> list[Receipt | RiverError]:
        """Publish in order."""
        now = self._clock()
        return [self._publish(message, now) for message in messages]

    def _publish_order(self, message: Message) -> Position:
        receipt = self._publish(message, self._clock())
        assert isinstance(receipt, Position), "orders are kept"
        return receipt

    def _publish(self, message: Message, now: float) -> Receipt:
        receipt, event = self._store.publish(message, now)
        if event is not None and message.channel in self._board.listeners:
            self._board.event(message.channel, receipt.epoch, event=event)
        return receipt

    async def read(
        self,
        channel: str,
        *,
        after: Position | None = None,
        limit: int | None = None,
        keep: bool = False,
    ) -> Tail:
        """The log's position and its last publications."""
        return self._store.read(channel, after, limit=limit, keep=keep, now=self._clock())

    async def renounce(self, channel: str, epoch: str) -> None:
        """Begin the log again, if it still has this epoch."""
        self._store.renounce(channel, epoch, now=self._clock())

    async def positions(self, channels: Sequence[str]) -> list[tuple[Position, Position | None]]:
        """Where the logs and the lists of members stand."""
        now = self._clock()
        return [
            (self._store.position(channel, now), self._version(channel)) for channel in channels
        ]

    async def attach(self, feed: Feed) -> None:
        """Become a node."""
        self._board.feeds[self._node] = feed

    async def subscribe(self, channel: str) -> None:
        """Listen."""
        self._board.listeners.setdefault(channel, {})[self._node] = None

    async def unsubscribe(self, channel: str) -> None:
        """Listen no more."""
        listeners = self._board.listeners.get(channel, {})
        listeners.pop(self._node, None)
        if not listeners:
            self._board.listeners.pop(channel, None)

    async def join(self, channel: str, member: Member, *, limit: int | None = None) -> Position:
        """This node has the user."""
        position, change = self._store.join(channel, self._node, member, limit=limit)
        if change is not None:
            self._board.change(channel, position.epoch, change=change)
        return position

    async def leave(self, channel: str, user: str) -> None:
        """This node has the user no more."""
        left = self._store.leave(channel, self._node, user)
        if left is not None:
            self._board.change(channel, left[0].epoch, change=left[1])

    async def members(
        self, channel: str, *, limit: int | None = None, keep: bool = False
    ) -> Roster:
        """The members and the version of the list."""
        return self._store.roster(channel, limit=limit, keep=keep)

    async def remaking(self, *, here: bool) -> bool:
        """Note it, and look at the others' notes."""
        remaking = self._board.remaking
        remaking.discard(self._node)
        is_elsewhere = bool(remaking)
        if here:
            remaking.add(self._node)
        return is_elsewhere

    async def report(self, subscribers: Mapping[str, int]) -> None:
        """Take this node's counts."""
        self._store.report(self._node, subscribers)
        if self._board.webhooks.interests.all:
            await self.webhooks.count(subscribers)

    async def occupied(self, prefix: str, *, limit: int | None = None) -> dict[str, Occupancy]:
        """The channels that have subscribers."""
        found: dict[str, Occupancy] = {}
        for _ in self._store.occupying(prefix, found, limit=limit):
            await _OthersTurn()
        return found

    async def occupancy(self, channel: str) -> Occupancy:
        """How many subscribers a channel has."""
        return self._store.occupancy(channel)

    async def compare_rules(self, process: str, digest: str) -> Mapping[str, str]:
        """There is but this process."""
        return {process: digest}

    async def ping(self) -> str:
        """It answers, and evicts nothing."""
        return ""

    async def close(self) -> None:
        """Give up this node's members and counts."""
        self._board.feeds.pop(self._node, None)
        self._board.names.pop(self._node, None)
        self._board.remaking.discard(self._node)
        await self.counts.close()
        for channel in list(self._board.listeners):
            await self.unsubscribe(channel)
        for channel, position, change in self._store.forget_node(self._node):
            self._board.change(channel, position.epoch, change=change)
        self._board.webhooks.forget_node(self._node)

    def _version(self, channel: str) -> Position | None:
        return self._store.version(channel) if self._store.rules.has_members(channel) else None
