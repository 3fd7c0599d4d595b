"""Events for webhooks that nodes write in Redis, each by the script of the change it is about."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import cast

import msgspec

from riverd.broker.redis import keys
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import Argument, Reply
from riverd.broker.redis.missed_changes import MissedChanges
from riverd.broker.redis.scripts import noted
from riverd.broker.redis.stored import READING
from riverd.broker.redis.webhook_tags import QueueTags
from riverd.broker.webhooks import WANTED_S
from riverd.channels.names import divided, user_of
from riverd.errors import BrokerError
from riverd.model.log import Message, Receipt
from riverd.model.webhook_events import (
    COUNTED,
    MEMBERS,
    RESET,
    TEST,
    Interest,
    Wanted,
    WebhookInterests,
    WebhookKind,
)
from riverd.scheduling.tasks import Tasks

REFRESH_S = 2.0
FRESH_S = 60.0
"""What a sender wanted counts until others have been wanted for so long without it."""
COUNT_TTL_S = 3_600
NOTED_S = 86_400
COUNT_AGAIN = 300
"""Each count is made again after so many refreshes: well before its key would end."""
COUNTS_AT_ONCE = 200
MISS_MS = 10_000

ANYTHING = frozenset({RESET, TEST})
_CLIENT_EVENTS = frozenset({WebhookKind.CLIENT_EVENT})
_MISSES = frozenset({WebhookKind.CACHE_MISS})


class WebhookKeys(msgspec.Struct, frozen=True):
    """What a script that writes events takes behind all else: see _webhooks.lua."""

    names: Sequence[str]
    arguments: Sequence[Argument]


NO_KEYS = WebhookKeys((), ())
PublishNoted = Callable[[Message, WebhookKeys], Awaitable[Receipt]]


class RedisWebhooks:
    """See `WebhookWriter` for the promises."""

    def __init__(
        self, server: Server, *, publish: PublishNoted, tags: QueueTags, bytes_max: int
    ) -> None:
        self.interests = WebhookInterests()
        self._missed = MissedChanges(self.interests)
        self._server = server
        self._publish = publish
        self._tags = tags
        self._bytes_max = bytes_max
        self._node: Callable[[], str] | None = None
        self._changed: Callable[[], None] | None = None
        self._counts: dict[str, int] = {}
        self._doubted: set[str] = set()
        """Of those, what the broker may not have."""
        self._counted_by = ""
        self._turn = 0
        self._lock = asyncio.Lock()

    # A node's life.

    def begin(self, node: Callable[[], str], changed: Callable[[], None], *, tasks: Tasks) -> None:
        """Follow what is wanted, under the name that the node has at a time.

        `changed` has the node count everything.
        """
        self._node, self._changed = node, changed
        tasks.start(self._follow())

    async def _follow(self) -> None:
        while True:
            try:
                await self.refresh()
                await self._count_again()
            except BrokerError:
                # Asked again soon; what is known of what is wanted stays good.
                pass
            await asyncio.sleep(REFRESH_S)

    async def refresh(self) -> None:
        """Learn what is wanted now; see missed_changes.py."""
        self._missed.begin_look()
        [listed] = await self._server.commands(
            [("ZRANGE", keys.WEBHOOKS_WANTED, 0, -1, "WITHSCORES")]
        )
        wanted = fresh_interests(listed)
        # A server that lost its data says nothing: what was wanted is wanted.
        was = self.interests.all
        self._missed.end_look(was if wanted is None else wanted)
        if self.interests.all != was and self._changed is not None:
            self._changed()
        for webhook in sorted(self._missed.webhooks):
            await queue_event(
                self._server, "webhook_reset", webhook=webhook, bytes_max=self._bytes_max
            )
            self._missed.webhooks.discard(webhook)

    # Counting.

    async def count(self, counts: Mapping[str, int]) -> None:
        """Count what a webhook asks for; nothing else costs anything."""
        if not (self.interests.all or self._counts):
            return
        async with self._lock:
            for start in range(0, len(counts), COUNTS_AT_ONCE):
                some = dict(list(counts.items())[start : start + COUNTS_AT_ONCE])
                await self._count({name: n for name, n in some.items() if self._is_due(name, n)})

    def _is_due(self, name: str, count: int) -> bool:
        """Whether the broker has to know of a count."""
        if name in self._doubted:
            return True
        before = self._counts.get(name, 0)
        kinds = self.interests.of(name, COUNTED)
        if not kinds:
            return before > 0
        if any(WebhookKind.SUBSCRIPTION_COUNT in one.kinds for one in kinds):
            return before > 0 or count > 0
        return (before > 0) != (count > 0)

    async def _count(self, counts: Mapping[str, int]) -> None:
        assert self._node is not None, "only a node counts"
        node = self._node()
        if node != self._counted_by:
            await self._count_under(node)
        changed = {name for name, n in counts.items() if n != self._counts.get(name, 0)}
        self._counts |= counts
        self._doubted |= counts.keys()
        # Noted first: who clears up after this node looks there.
        if begun := [name for name, count in counts.items() if count > 0]:
            noted_names = keys.counted_channels(node)
            await self._server.commands(
                [("SADD", noted_names, *begun), ("EXPIRE", noted_names, NOTED_S)]
            )
        await asyncio.gather(
            *[
                self._count_one(node, name, count=n, is_change=name in changed)
                for name, n in counts.items()
            ]
        )
        if over := [name for name, count in counts.items() if not count]:
            await self._server.commands([("SREM", keys.counted_channels(node), *over)])
        self._doubted -= counts.keys()
        for name in over:
            del self._counts[name]

    async def _count_one(self, node: str, name: str, *, count: int, is_change: bool = True) -> None:
        is_user = user_of(divided(name)[1]) is not None
        begins, ends = (
            (WebhookKind.USER_CONNECTED, WebhookKind.USER_DISCONNECTED)
            if is_user
            else (WebhookKind.CHANNEL_OCCUPIED, WebhookKind.CHANNEL_VACATED)
        )
        wanted = self.interests.of(name, COUNTED)
        try:
            await self._write(
                "webhook_count",
                name,
                wanted=wanted,
                names=(keys.subscribed_nodes(name),),
                arguments=(node, count, begins, ends, COUNT_TTL_S),
            )
        finally:
            if is_change:
                self._missed.changed(name, COUNTED, wanted=wanted)

    async def _count_under(self, node: str) -> None:
        """The node has another name, or its first: what it had counts under this one now."""
        self._counted_by = node
        self.doubt()
        await self._count(dict(self._counts))

    def doubt(self) -> None:
        """A server may have lost what was counted: count it again soon."""
        self._doubted |= self._counts.keys()

    async def _count_again(self) -> None:
        """Count what is in doubt, and a part of the rest, so that each is counted in its time."""
        self._turn += 1
        async with self._lock:
            if not self._counts or self._node is None:
                return
            due = {
                name: count
                for name, count in self._counts.items()
                if name in self._doubted or (hash(name) + self._turn) % COUNT_AGAIN == 0
            }
            await self._count(due)
            noted_names = keys.counted_channels(self._node())
            await self._server.commands([("EXPIRE", noted_names, NOTED_S)])

    async def clear(self, node: str) -> None:
        """A node is gone, and with it what it counted."""
        [noted_names] = await self._server.commands([("SMEMBERS", keys.counted_channels(node))])
        with READING:
            names = sorted(one.decode() for one in _bytes(noted_names))
        for start in range(0, len(names), COUNTS_AT_ONCE):
            some = names[start : start + COUNTS_AT_ONCE]
            await asyncio.gather(*[self._count_one(node, name, count=0) for name in some])
        await self._server.commands([("DEL", keys.counted_channels(node))])

    # Events of other changes.

    async def change(
        self, script: str, names: Sequence[str], *, channel: str, arguments: Sequence[Argument]
    ) -> Reply:
        """Run a script that changes the members of a channel."""
        wanted = self.interests.of(channel, MEMBERS)
        try:
            if not wanted:
                return await self._server.call(script, names, arguments=arguments)
            return await self._write(
                noted(script), channel, wanted=wanted, names=names, arguments=arguments
            )
        finally:
            # Also one without an answer may have been made.
            self._missed.changed(channel, MEMBERS, wanted=wanted)

    async def miss(self, channel: str) -> None:
        """Write it, unless it was written a moment ago."""
        if wanted := self.interests.of(channel, _MISSES):
            await self._write(
                "webhook_miss",
                channel,
                wanted=wanted,
                names=(keys.missed(channel),),
                arguments=(MISS_MS,),
            )

    async def publish(self, message: Message, session: str) -> Receipt:
        """Publish, and write the event if a webhook asks for it."""
        wanted = self.interests.of(message.channel, _CLIENT_EVENTS)
        try:
            if not wanted:
                return await self._publish(message, NO_KEYS)
            more = self._keys(message.channel, wanted)
            event = (message.user or "", message.event, message.data, session)
            noting = WebhookKeys(more.names, (*event, *more.arguments))
            receipt = await self._publish(message, noting)
            await self.written(message.channel)
            return receipt
        finally:
            self._missed.changed(message.channel, _CLIENT_EVENTS, wanted=wanted)

    async def written(self, channel: str) -> None:
        """Note for senders of a cluster where to look; elsewhere they look at one queue."""
        if len(self._tags.all) > 1:
            tag = self._tags.of(channel)
            found = self.interests.of(channel, frozenset(WebhookKind))
            # It is found without that too, only later.
            with contextlib.suppress(BrokerError):
                await self._server.commands(
                    [command for one in found for command in written_at(one.webhook, tag)]
                )

    async def _write(
        self,
        script: str,
        channel: str,
        *,
        wanted: Sequence[Wanted],
        names: Sequence[str],
        arguments: Sequence[Argument],
    ) -> Reply:
        more = self._keys(channel, wanted)
        reply = await self._server.call(
            script, (*names, *more.names), arguments=(*arguments, *more.arguments)
        )
        if wanted:
            await self.written(channel)
        return reply

    def _keys(self, channel: str, wanted: Sequence[Wanted]) -> WebhookKeys:
        return webhook_keys(
            self._tags.of(channel),
            {one.webhook: one.kinds for one in wanted},
            channel=channel,
            bytes_max=self._bytes_max,
        )


async def queue_event(
    server: Server,
    script: str,
    *,
    webhook: str,
    bytes_max: int,
    names: Sequence[str] = (),
    arguments: Sequence[Argument] = (),
) -> None:
    """Run a script that writes an event of no channel: a reset, or a test."""
    more = webhook_keys(keys.WEBHOOKS, {webhook: ANYTHING}, channel="", bytes_max=bytes_max)
    await server.call(script, (*names, *more.names), arguments=(*arguments, *more.arguments))
    await server.commands(written_at(webhook, keys.WEBHOOKS))


def written_at(webhook: str, tag: str) -> list[Sequence[Argument]]:
    """The commands that note where senders find something; it is found without them too, later."""
    name = keys.webhook_written(webhook)
    return [("SADD", name, tag), ("EXPIRE", name, int(WANTED_S))]


def webhook_keys(
    tag: str, wanted: Mapping[str, frozenset[str]], *, channel: str, bytes_max: int
) -> WebhookKeys:
    """What _webhooks.lua takes."""
    return WebhookKeys(
        (keys.webhook_queues(tag), *(keys.webhook_queue(tag, one) for one in wanted)),
        (
            *(part for one, kinds in wanted.items() for part in (one, f" {' '.join(kinds)} ")),
            bytes_max,
            secrets.token_hex(4),
            channel,
            len(wanted),
        ),
    )


def wanted_text(interests: Sequence[Interest]) -> bytes:
    """What is wanted, as the broker keeps it."""
    return msgspec.json.encode(sorted(interests, key=_order), order="deterministic")


_decode = msgspec.json.Decoder(tuple[Interest, ...]).decode


def fresh_interests(listed: Reply) -> list[Interest] | None:
    """What senders want: the newest, and those that were heard from in the minute before."""
    pairs = _bytes(listed)
    if not pairs:
        return None
    found: dict[bytes, Interest] = {}
    with READING:
        until = [float(score) for score in pairs[1::2]]
        for text, score in zip(pairs[::2], until, strict=True):
            if score > max(until) - FRESH_S * 1000:
                for interest in _decode(text):
                    found[msgspec.json.encode(interest)] = interest
    return sorted(found.values(), key=_order)


def _order(interest: Interest) -> bytes:
    return msgspec.json.encode(interest)


def _bytes(reply: Reply) -> list[bytes]:
    assert isinstance(reply, list), "a list was asked for"
    return cast("list[bytes]", reply)
