"""Webhooks of a broker inside one process: what waits, what is dead, who is subscribed where."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from riverd.broker.webhooks import (
    DEAD_MAX,
    READ_MAX,
    SENDER_S,
    TRUTH_MAX,
    DeadEvent,
    OccupiedNow,
    QueuedEvent,
    QueueReading,
    QueueState,
)
from riverd.channels.names import divided, user_of
from riverd.model.log import Change, Message, Receipt
from riverd.model.webhook_events import (
    COUNTED,
    MEMBERS,
    RESET,
    WEBHOOK_BYTES_MAX,
    Interest,
    WebhookInterests,
    WebhookKind,
    is_covered,
)

ENTRY_BYTES = 64
MISS_S = 10.0
MISSES_MAX = 100_000

Members = Callable[[str], Sequence[str]]


class StoredQueue:
    """What waits for one webhook, oldest first, and what could not be delivered."""

    def __init__(self) -> None:
        self.entries: OrderedDict[str, QueuedEvent] = OrderedDict()
        self.size = 0
        self.overflows = 0
        self.dead: OrderedDict[str, DeadEvent] = OrderedDict()
        self.holder: tuple[str, float] = ("", 0.0)
        self.begun = False


class WebhookStore:
    """The state of all webhooks. Time is given by `wall`, in unix seconds."""

    def __init__(
        self,
        *,
        new_id: Callable[[], str] = str,
        wall: Callable[[], float] = float,
        bytes_max: int = WEBHOOK_BYTES_MAX,
    ) -> None:
        self.interests = WebhookInterests()
        self.wall = wall
        self.queues: dict[str, StoredQueue] = {}
        self.senders: dict[str, float] = {}
        self.notes: dict[str, bytes] = {}
        self.counts: dict[str, dict[str, int]] = {}
        self._new_id = new_id
        self._bytes_max = bytes_max
        self._written = 0
        self._missed: OrderedDict[str, float] = OrderedDict()

    def queue(self, webhook: str) -> StoredQueue:
        """The queue of a webhook."""
        return self.queues.setdefault(webhook, StoredQueue())

    def note(self, kind: str, channel: str, *, event: QueuedEvent | None = None) -> None:
        """Write an event for every webhook that asks for its kind in the channel."""
        for one in self.interests.of(channel, frozenset({WebhookKind(kind)})):
            self.append(one.webhook, kind, channel=channel, event=event)

    def append(
        self, webhook: str, kind: str, *, channel: str = "", event: QueuedEvent | None = None
    ) -> None:
        """Append to a queue; one that is full is emptied and begins with a reset."""
        queue, made = self.queue(webhook), event or BLANK
        size = ENTRY_BYTES + sum(
            len(part or "") for part in (channel, made.user, made.event, made.data, made.info)
        )
        if queue.size + size > self._bytes_max:
            queue.entries.clear()
            queue.size = 0
            queue.overflows += 1
            self._put(queue, replace(BLANK, kind=RESET, reason="overflow", size=ENTRY_BYTES))
        self._put(queue, replace(made, kind=kind, channel=channel, size=size))

    def _put(self, queue: StoredQueue, event: QueuedEvent) -> None:
        self._written += 1
        now_ms = int(self.wall() * 1000)
        entry = f"{self._written}"
        queue.entries[entry] = replace(
            event,
            id=event.id or f"{self._new_id()}-{entry}",
            entry=entry,
            at_ms=event.at_ms or now_ms,
            since_ms=now_ms,
        )
        queue.size += event.size

    def drop(self, queue: StoredQueue, entry: str) -> QueuedEvent | None:
        """Take an entry out of a queue, if it is there."""
        found = queue.entries.pop(entry, None)
        if found is not None:
            queue.size -= found.size
        return found

    def changed(self, channel: str, change: Change) -> None:
        """A member joined or left."""
        member = change.member
        kind = WebhookKind.MEMBER_JOINED if change.joined else WebhookKind.MEMBER_LEFT
        info = member.info if change.joined else None
        self.note(kind, channel, event=replace(BLANK, user=member.user, info=info))

    def count(self, node: str, name: str, *, count: int) -> None:
        """How many subscribers a channel has on a node, or connections a user."""
        is_wanted = bool(self.interests.of(name, COUNTED | MEMBERS))
        if not is_wanted and name not in self.counts:
            return
        nodes = self.counts.setdefault(name, {})
        before, had = sum(nodes.values()), bool(nodes)
        if count and is_wanted:
            nodes[node] = count
        else:
            nodes.pop(node, None)
        total = sum(nodes.values())
        is_user = user_of(divided(name)[1]) is not None
        if nodes and not had:
            self.note(WebhookKind.USER_CONNECTED if is_user else WebhookKind.CHANNEL_OCCUPIED, name)
        if total != before:
            self.note(WebhookKind.SUBSCRIPTION_COUNT, name, event=replace(BLANK, count=total))
        if not nodes:
            del self.counts[name]
            if had:
                self.note(
                    WebhookKind.USER_DISCONNECTED if is_user else WebhookKind.CHANNEL_VACATED, name
                )

    def forget_node(self, node: str) -> None:
        """The node is gone, with what it counted."""
        for name in [name for name, nodes in self.counts.items() if node in nodes]:
            self.count(node, name, count=0)

    def miss(self, channel: str) -> None:
        """A subscriber found nothing; of many, one says so."""
        now = self.wall()
        while self._missed and next(iter(self._missed.values())) <= now - MISS_S:
            self._missed.popitem(last=False)
        if channel not in self._missed and len(self._missed) < MISSES_MAX:
            self._missed[channel] = now
            self.note(WebhookKind.CACHE_MISS, channel)


BLANK = QueuedEvent(id="", queue="", entry="", at_ms=0, since_ms=0, kind="")


class MemoryWebhooks:
    """What one node writes. See `WebhookWriter`."""

    def __init__(
        self, store: WebhookStore, node: str, *, publish: Callable[[Message], Awaitable[Receipt]]
    ) -> None:
        self._store = store
        self._node = node
        self._publish = publish

    @property
    def interests(self) -> WebhookInterests:
        """What webhooks ask for."""
        return self._store.interests

    async def count(self, counts: Mapping[str, int]) -> None:
        """Count."""
        for name, count in counts.items():
            self._store.count(self._node, name, count=count)

    async def publish(self, message: Message, session: str) -> Receipt:
        """Publish, and write the event: nothing comes between the two."""
        receipt = await self._publish(message)
        self._store.note(
            WebhookKind.CLIENT_EVENT,
            message.channel,
            event=replace(
                BLANK,
                user=message.user,
                event=message.event,
                data=message.data,
                session=session,
            ),
        )
        return receipt

    async def miss(self, channel: str) -> None:
        """Write it, unless it was written a moment ago."""
        self._store.miss(channel)


class MemoryWebhookQueues:
    """What senders read. See `WebhookQueues`."""

    def __init__(
        self, store: WebhookStore, *, members: Members, changed: Callable[[], None]
    ) -> None:
        self._store = store
        self._members = members
        self._changed = changed

    async def want(self, interests: Sequence[Interest]) -> None:
        """There is but this process: its nodes count at once."""
        if tuple(interests) != self._store.interests.all:
            for one in interests:
                if not is_covered(one, self._store.interests.all):
                    self._store.queue(one.webhook).begun = False
            self._store.interests.use(interests)
            self._changed()

    async def senders(self, name: str) -> list[str]:
        """Those that were heard from lately."""
        now = self._store.wall()
        self._store.senders[name] = now + SENDER_S
        return sorted(one for one, until in self._store.senders.items() if until > now)

    async def lease(self, webhook: str, holder: str) -> bool:
        """Become or stay its only sender."""
        queue, now = self._store.queue(webhook), self._store.wall()
        if queue.holder[0] not in ("", holder) and queue.holder[1] > now:
            return False
        queue.holder = (holder, now + SENDER_S)
        return True

    async def release(self, webhook: str, holder: str) -> None:
        """Be its sender no more."""
        if self._store.queue(webhook).holder[0] == holder:
            self._store.queue(webhook).holder = ("", 0.0)

    async def begin(self, webhook: str) -> None:
        """A process that starts knows nothing of before."""
        queue = self._store.queue(webhook)
        if not queue.begun:
            queue.begun = True
            self._store.append(webhook, RESET, event=replace(BLANK, reason="started"))

    async def test(self, webhook: str) -> None:
        """Queue a test."""
        self._store.append(webhook, "test")

    async def read(self, webhook: str, after: Mapping[str, str]) -> QueueReading:
        """What came after an entry."""
        entries = self._store.queue(webhook).entries
        last = int(after.get("", "0"))
        new = [one for one in entries.values() if int(one.entry) > last]
        now_ms = int(self._store.wall() * 1000)
        some = new[:READ_MAX]
        return QueueReading(now_ms, now_ms if len(some) == len(new) else some[-1].since_ms, some)

    async def settle(self, webhook: str, events: Sequence[QueuedEvent]) -> None:
        """Forget them."""
        queue = self._store.queue(webhook)
        for one in events:
            self._store.drop(queue, one.entry)

    async def bury(self, webhook: str, events: Sequence[QueuedEvent], *, error: str) -> None:
        """Keep them among the dead."""
        queue, now_ms = self._store.queue(webhook), int(self._store.wall() * 1000)
        for one in events:
            if self._store.drop(queue, one.entry) is not None:
                queue.dead[one.id] = DeadEvent(one, now_ms, error)
        while len(queue.dead) > DEAD_MAX:
            queue.dead.popitem(last=False)

    async def dead(self, webhook: str, limit: int) -> list[DeadEvent]:
        """What could not be delivered."""
        return list(islice(self._store.queue(webhook).dead.values(), limit))

    async def replay(self, webhook: str, ids: Sequence[str] | None, *, limit: int) -> int:
        """Queue them again."""
        queue = self._store.queue(webhook)
        chosen = queue.dead.keys() if ids is None else {*ids}
        wanted = [one for one in queue.dead if one in chosen][:limit]
        for one in wanted:
            event = queue.dead.pop(one).event
            self._store.append(webhook, event.kind, channel=event.channel, event=event)
        return len(wanted)

    async def state(self, webhook: str) -> QueueState:
        """How it is."""
        queue = self._store.queue(webhook)
        oldest = next(iter(queue.entries.values()), None)
        return QueueState(
            len(queue.entries),
            queue.size,
            None if oldest is None else oldest.at_ms,
            len(queue.dead),
            queue.overflows,
        )

    async def truth(self, interest: Interest) -> tuple[list[OccupiedNow], bool]:
        """What nodes count now."""
        interests, store = WebhookInterests((interest,)), self._store
        lists_members = bool(MEMBERS & {*interest.events})
        found: list[OccupiedNow] = []
        for name in sorted(store.counts):
            if interests.of(name, frozenset(interest.events)):
                members = self._members(name) if lists_members else None
                found.append(OccupiedNow(name, sum(store.counts[name].values()), members))
        return found[:TRUTH_MAX], len(found) <= TRUTH_MAX

    async def note(self, webhook: str, report: bytes) -> None:
        """Keep it."""
        self._store.notes[webhook] = report

    async def notes(self) -> Mapping[str, bytes]:
        """All of them."""
        return dict(self._store.notes)
