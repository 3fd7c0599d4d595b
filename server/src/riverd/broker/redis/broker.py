"""The broker between many processes: Redis 6.2 or later, or Valkey."""

import asyncio
import contextlib
import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import msgspec

from riverd.broker.interface import RULES_S, Feed
from riverd.broker.redis import keys, messages
from riverd.broker.redis.connection import Argument, RefusedError, UnansweredError
from riverd.broker.redis.connector import Connector
from riverd.broker.redis.control import RedisControl
from riverd.broker.redis.counting import RedisCounts, StoredCounts
from riverd.broker.redis.delivery import deliver, deliver_to_all
from riverd.broker.redis.feed import FeedListener, Feeds
from riverd.broker.redis.lease import Lease
from riverd.broker.redis.positions import KEPT_S, RedisPositions
from riverd.broker.redis.scripts import noted
from riverd.broker.redis.stored import READING, UnreadableError
from riverd.broker.redis.tabs import RedisTabs
from riverd.broker.redis.terms import Part, RedisTerms
from riverd.broker.redis.webhook_queues import RedisWebhookQueues
from riverd.broker.redis.webhook_tags import QueueTags
from riverd.broker.redis.webhooks import NO_KEYS, RedisWebhooks, WebhookKeys
from riverd.channels.rules import ChannelRules
from riverd.errors import BrokerError, ErrorCode, OutcomeUnknownError, RiverError
from riverd.model.log import (
    NOWHERE,
    FirstAfter,
    Member,
    Message,
    Occupancy,
    Position,
    Receipt,
    Roster,
    Tail,
)
from riverd.model.webhook_events import WEBHOOK_BYTES_MAX
from riverd.scheduling.tasks import Tasks

KEY_TTL_S = 600
GIVEN_MAX = 10_000
SIGNS_WANTED = b"b:"
"""Announced to all nodes by a process that waits for a sign of life."""
READS_MAX = 4
"""Logs and lists that are read at once: what others ask goes in between."""


class RedisBroker:
    """One process's access to a Redis. See `Broker` for the promises.

    The publications of one channel are in one stream, their offsets are its entries' ids. What a
    script announces carries the epoch and the offset, so that a node sees what it missed.
    """

    def __init__(
        self,
        connector: Connector,
        *,
        rules: ChannelRules,
        failed: Callable[[BaseException], None],
        webhook_bytes_max: int = WEBHOOK_BYTES_MAX,
        healing: Part = Part.NONE,
    ) -> None:
        self._connector = connector
        self._tasks = Tasks(failed)
        self._feeds = keys.FeedNames(connector.address.database)
        self._terms: RedisTerms | None = None
        if healing is not Part.NONE:
            self._terms = RedisTerms(
                rules,
                failed=failed,
                key_ttl_s=KEY_TTL_S,
                is_outsider=healing is Part.OUTSIDER,
                nudge=lambda: self._tasks.start(self._ask_for_signs()),
            )
        self._server = connector.server(self._tasks, terms=self._terms)
        if self._terms is not None:
            self._terms.live(self._server)
        self._control_name = self._feeds.control.encode()
        self._announce = connector.commands.publish
        self._rules = rules
        self._failed = failed
        self._feed: Feeds | None = None
        self._lease: Lease | None = None
        self._listener: Feed | None = None
        self._ack_replica = connector.address.ack_replica
        self._is_closed = False
        self.control = RedisControl(
            self._server, self._feeds, announce=self._announce, ack_replica=self._ack_replica
        )
        self.tabs = RedisTabs(self._server, since=self._opened_at)
        self._subscribers = StoredCounts(self._server, rules)
        self.counts = RedisCounts(
            self._server, self._feeds, announce=self._announce, node=self._node_name
        )
        tags = QueueTags(is_clustered=connector.address.cluster)
        bytes_max = tags.share_of(webhook_bytes_max)
        self.webhooks = RedisWebhooks(
            self._server, publish=self._publish, tags=tags, bytes_max=bytes_max
        )
        self.webhook_queues = RedisWebhookQueues(
            self._server, tags=tags, bytes_max=bytes_max, rules=rules
        )
        self._positions = RedisPositions(self._server, rules)
        self._reads = asyncio.Semaphore(READS_MAX)
        self._given: dict[str, Position] = {}
        """The newest position of a channel that this process was given."""

    @property
    def term(self) -> int:
        """How many terms this process was in."""
        return 0 if self._terms is None else self._terms.entered

    # Publishing.

    async def publish(self, message: Message) -> Receipt:
        """Append and announce in one script, or only announce."""
        return await self._publish(message, NO_KEYS)

    async def _publish(self, message: Message, webhooks: WebhookKeys) -> Receipt:
        channel, key = message.channel, message.key
        if self._terms is not None and not self._terms.may_act:
            await self._terms.become_known()
        names = self._log_keys(channel)
        known = self._given.get(channel, NOWHERE)
        script, epoch = "publish" if message.keep else "announce", new_epoch()
        try:
            answer = await self._server.call(
                script if webhooks is NO_KEYS else noted(script),
                (*names, *(() if key is None else (keys.seen(channel, key),)), *webhooks.names),
                arguments=(
                    epoch,
                    known.epoch,
                    known.offset,
                    self._feeds.name(channel),
                    self._announce,
                    KEY_TTL_S,
                    *self._body(message),
                    *webhooks.arguments,
                ),
                replicated=self._ack_replica and message.keep,
            )
            with READING:
                receipt = messages.receipt_of(cast("bytes", answer))
        except (UnansweredError, RefusedError, UnreadableError) as error:
            if isinstance(error, RefusedError) and error.is_certain:
                raise
            if self._terms is not None:
                self._terms.unanswered(message, after=known)
            raise OutcomeUnknownError(str(error)) from None
        if isinstance(receipt, Position):
            is_new = self._remember(channel, receipt, known=known)
            if self._terms is not None:
                self._terms.accepted(message, receipt, is_new=is_new)
        elif receipt.epoch == epoch:
            return FirstAfter(epoch, receipt.after)
        return receipt

    def _body(self, message: Message) -> tuple[Argument, ...]:
        """What the script announces, and how it is kept."""
        if not message.keep:
            return messages.ephemeral_body(message), KEPT_S
        policy = self._rules.of(message.channel)
        return (
            messages.publication_body(message),
            messages.annex(message),
            policy.history_size,
            int(policy.history_ttl_s * 1000),
            policy.history_bytes,
            message.size,
            math.ceil(policy.last_ttl_s),
        )

    def _log_keys(self, channel: str) -> tuple[str, str, str]:
        return keys.log_keys(channel, keeps_last=self._rules.of(channel).last_ttl_s > 0)

    def _remember(self, channel: str, position: Position, *, known: Position) -> bool:
        """Note how far a log has come: an older one under the same epoch is none.

        Whether it has come further than was known.
        """
        if position.epoch == known.epoch and position.offset <= known.offset:
            return False
        given = self._given
        if channel not in given and len(given) >= GIVEN_MAX:
            del given[next(iter(given))]
        given[channel] = position
        return True

    async def publish_many(self, messages: Sequence[Message]) -> list[Receipt | RiverError]:
        """Publish in order, in as few round trips as can be."""
        results = await asyncio.gather(
            *[self.publish(message) for message in messages], return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, RiverError):
                raise result
        return cast("list[Receipt | RiverError]", results)

    async def read(
        self,
        channel: str,
        *,
        after: Position | None = None,
        limit: int | None = None,
        keep: bool = False,
    ) -> Tail:
        """The log's position and its last publications."""
        if keep and self._terms is not None and not self._terms.may_act:
            await self._terms.become_known()
        async with self._reads:
            answer = await self._server.call(
                "read",
                self._log_keys(channel),
                arguments=(
                    new_epoch(),
                    "" if after is None else after.epoch,
                    0 if after is None else after.offset,
                    limit or 0,
                    int(self._rules.of(channel).history_ttl_s * 1000),
                    KEPT_S if keep else 0,
                ),
            )
        epoch, offset, reason, entries = cast(
            "tuple[bytes, bytes, bytes, list[tuple[bytes, list[bytes]]]]", answer
        )
        if reason:
            raise RiverError(ErrorCode.UNRECOVERABLE, reason.decode())
        with READING:
            publications = tuple(messages.entry_publication(*entry) for entry in entries)
            position = Position(epoch.decode(), int(offset))
        if self._terms is not None:
            self._terms.read(channel, position)
        return Tail(position, publications)

    async def renounce(self, channel: str, epoch: str) -> None:
        """Begin the log again, if it still has this epoch."""
        names = self._log_keys(channel)
        await self._server.call("renounce", names, arguments=(new_epoch(), epoch, KEPT_S))

    async def positions(self, channels: Sequence[str]) -> list[tuple[Position, Position | None]]:
        """Where logs and lists stand. What belongs to another history counts as new."""
        node = None if self._lease is None else self._lease.node
        return await self._positions.of(channels, node=node)

    # Being a node.

    async def attach(self, feed: Feed) -> None:
        """Connect the feed and take a lease."""
        self._listener = feed
        listener = FeedListener(self._on_message, self._on_interrupted, self._failed)
        if self._terms is not None:
            self._terms.healing.held, self._terms.revived = feed.held, self._on_interrupted
            listener = msgspec.structs.replace(listener, accepts=self._terms.accepts)
        self._feed = self._connector.feed(listener, server=self._server, always=self._feeds.control)
        lease = self._lease = Lease(
            self._server,
            self._feeds.name,
            self._announce,
            lost=feed.on_presence_lost,
            failed=self._failed,
            webhooks=self.webhooks,
        )
        await asyncio.gather(self._feed.start(), self._lease.start())
        self.webhooks.begin(lambda: lease.node, feed.on_counts_wanted, tasks=self._tasks)

    async def subscribe(self, channel: str) -> None:
        """Listen."""
        assert self._feed is not None, "only a node subscribes"
        await self._feed.subscribe(self._feeds.name(channel))

    async def unsubscribe(self, channel: str) -> None:
        """Listen no more."""
        assert self._feed is not None, "only a node subscribes"
        await self._feed.unsubscribe(self._feeds.name(channel))

    async def join(self, channel: str, member: Member, *, limit: int | None = None) -> Position:
        """This node has the user."""
        assert self._lease is not None, "only a node has members"
        version = cast("bytes", await self._lease.join(channel, member, limit=limit))
        if not version:
            raise RiverError(ErrorCode.TOO_MANY_MEMBERS, f"more than {limit} members")
        with READING:
            return messages.position_of(version)

    async def leave(self, channel: str, user: str) -> None:
        """This node has the user no more."""
        assert self._lease is not None, "only a node has members"
        await self._lease.leave(channel, user)

    async def members(
        self, channel: str, *, limit: int | None = None, keep: bool = False
    ) -> Roster:
        """Members and the version of the list; a limited answer costs what it gives."""
        names, given = keys.member_keys(channel), (new_epoch(), limit or 0, int(keep))
        async with self._reads:
            answer = await self._server.call("members", names, arguments=given)
        epoch, version, count, pairs = cast("tuple[bytes, bytes, int, list[bytes]]", answer)
        if limit is not None:
            del pairs[2 * limit :]
        with READING:
            found = await messages.members_of(pairs)
            return Roster(Position(epoch.decode(), int(version)), found, count)

    async def remaking(self, *, here: bool) -> bool:
        """See `Lease`."""
        return self._lease is not None and await self._lease.remaking(here=here)

    # Counting.

    async def report(self, subscribers: Mapping[str, int]) -> None:
        """Write this node's counts; they end with its lease."""
        await self._subscribers.report(self._node_name(), subscribers)
        await self.webhooks.count(subscribers)

    async def occupied(self, prefix: str, *, limit: int | None = None) -> dict[str, Occupancy]:
        """The channels with this prefix that have subscribers: the sum over the nodes' counts."""
        return await self._subscribers.occupied(prefix, limit=limit)

    async def occupancy(self, channel: str) -> Occupancy:
        """How many subscribers this channel has."""
        return await self._subscribers.occupancy(channel)

    async def compare_rules(self, process: str, digest: str) -> Mapping[str, str]:
        """Keep the digest among those of all processes."""
        arguments = (f"{digest} {process}", int(RULES_S * 1000))
        answer = await self._server.call("rules", (keys.RULES,), arguments=arguments)
        with READING:
            found = [one.decode().partition(" ") for one in cast("list[bytes]", answer)]
        return {other: theirs for theirs, _, other in found}

    async def ping(self) -> str:
        """Returns if the server takes writes, and the feed of a node is connected."""
        evicts_by = await self._server.ping()
        if self._feed is not None and self._feed.problem is not None:
            raise BrokerError(f"the feed is away: {self._feed.problem}")
        if self._terms is not None:
            await self._terms.become_known()
        return evicts_by

    async def close(self) -> None:
        """Remove this node's members, bid farewell, then close the connections."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._feed is not None:
            await self._feed.close()
        if self._terms is not None:
            with contextlib.suppress(BrokerError):
                await self._terms.close()
        if self._lease is not None:
            with contextlib.suppress(BrokerError):
                await self.control.close()
            await self._lease.close()
        await self._server.close()
        await self._tasks.close()

    def _opened_at(self) -> float:
        return 0.0 if self._terms is None else self._terms.opened_at

    def _node_name(self) -> str:
        assert self._lease is not None, "only a node counts"
        return self._lease.node

    # Messages.

    def _on_interrupted(self) -> None:
        assert self._listener is not None, "only a node has a feed"
        self.webhooks.doubt()
        self._listener.on_interrupted()

    def _on_message(self, name: bytes, message: bytes) -> None:
        assert self._listener is not None, "only a node has a feed"
        if self._terms is not None:
            if message == SIGNS_WANTED:
                self._terms.beat_soon()
                return
            if not self._terms.may_act:
                # What is missed so is asked for when it may.
                return
        if name == self._control_name:
            deliver_to_all(message, self._listener)
        else:
            deliver(keys.FeedNames.channel(name), message, listener=self._listener)

    async def _ask_for_signs(self) -> None:
        with contextlib.suppress(BrokerError):
            await self._server.commands([(self._announce, self._feeds.control, SIGNS_WANTED)])


def new_epoch() -> str:
    """A name for a log that begins; it is used if the script finds none."""
    return secrets.token_hex(4)
