"""The broker between many processes: Redis 6.2 or later, or Valkey."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import msgspec

from riverd.broker import redis_keys as keys
from riverd.broker.interface import Feed
from riverd.broker.redis_calls import Calls, guarded
from riverd.broker.redis_clients import Clients
from riverd.broker.redis_feed import RedisFeed
from riverd.broker.redis_lease import Lease
from riverd.channels import has_members
from riverd.errors import ErrorCode, RiverError
from riverd.model import Change, Member, Message, Occupancy, Position, Publication, Roster, Tail

ANNOUNCE = "PUBLISH"
KEY_TTL_S = 600
PUBLISH_WAIT_S = 0.7
"""Less than the API waits before it says 503: what it calls refused must not happen later."""
META_TTL_S = 86_400
KEPT_EVERY = 200

_Body = tuple[str, bytes, str | None]
_encode = msgspec.msgpack.Encoder().encode
_body = msgspec.msgpack.Decoder(_Body)
_member = msgspec.msgpack.Decoder(tuple[str, bytes | None])


class RedisBroker:
    """One process's door to a Redis. See `Broker` for the promises.

    The publications of one channel are in one stream, their offsets are its entries' ids. What a
    script announces carries the epoch and the offset, so that a node sees what it missed.
    """

    def __init__(
        self,
        clients: Clients,
        *,
        history_size: int,
        history_ttl_s: float,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._clients = clients
        self._client = clients.commands()
        self._calls = Calls(clients.commands())
        self._size = history_size
        self._ttl_ms = int(history_ttl_s * 1000)
        self._failed = failed
        self._feed: RedisFeed | None = None
        self._lease: Lease | None = None
        self._listener: Feed | None = None
        self._asked = 0

    # Publishing.

    async def publish(self, message: Message) -> Position:
        """Append and announce in one script; refused if it comes too late to be answered."""
        deadline_s = time.time() + self._calls.clock_ahead_s + PUBLISH_WAIT_S
        channel = message.channel
        place = await self._calls.call(
            "publish",
            (keys.log_meta(channel), keys.log(channel), keys.seen(channel, message.key or "")),
            (
                new_epoch(),
                _encode((message.event, message.data, message.user)),
                self._size,
                self._ttl_ms,
                keys.feed(channel),
                ANNOUNCE,
                KEY_TTL_S if message.key is not None else 0,
                int(deadline_s * 1000),
            ),
        )
        return _position(cast("bytes", place))

    async def publish_many(self, messages: Sequence[Message]) -> list[Position | RiverError]:
        """Publish in order, in as few round trips as can be."""
        results = await asyncio.gather(
            *[self.publish(message) for message in messages], return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, RiverError):
                raise result
        return cast("list[Position | RiverError]", results)

    async def read(
        self, channel: str, *, after: Position | None = None, limit: int | None = None
    ) -> Tail:
        """The log's position and its last publications."""
        answer = await self._calls.call(
            "read",
            (keys.log_meta(channel), keys.log(channel)),
            (
                new_epoch(),
                "" if after is None else after.epoch,
                0 if after is None else after.offset,
                limit or 0,
            ),
        )
        epoch, offset, reason, entries = cast(
            "tuple[bytes, bytes, bytes, list[tuple[bytes, list[bytes]]]]", answer
        )
        if reason:
            raise RiverError(ErrorCode.UNRECOVERABLE, reason.decode())
        publications = tuple(
            _publication(entry_id.partition(b"-")[0], fields[1]) for entry_id, fields in entries
        )
        return Tail(Position(epoch.decode(), int(offset)), publications)

    async def positions(self, channels: Sequence[str]) -> list[tuple[Position, Position | None]]:
        """Where logs and lists stand, in one round trip. What another run wrote counts as new."""
        run = (await guarded(self._calls.run_id())).encode()
        pipeline = self._client.pipeline(transaction=False)
        self._asked += 1
        if self._asked % KEPT_EVERY == 0:
            await self._keep(channels)
        for channel in channels:
            pipeline.hmget(keys.log_meta(channel), "e", "o", "r")
            if has_members(channel):
                pipeline.hmget(keys.member_keys(channel)[0], "e", "v", "r")
        answers = iter(cast("list[list[bytes | None]]", await guarded(pipeline.execute())))
        return [
            (
                _kept(next(answers), run),
                _kept(next(answers), run) if has_members(channel) else None,
            )
            for channel in channels
        ]

    async def _keep(self, channels: Sequence[str]) -> None:
        """A log that somebody hears does not end, however long nothing is published."""
        pipeline = self._client.pipeline(transaction=False)
        for channel in channels:
            pipeline.expire(keys.log_meta(channel), META_TTL_S)
        await guarded(pipeline.execute())

    # Being a node.

    async def attach(self, feed: Feed) -> None:
        """Connect the feed and take a lease."""
        self._listener = feed
        self._feed = RedisFeed(
            self._clients.address,
            self._clients.locate,
            on_message=self._on_message,
            interrupted=feed.on_interrupted,
            always=(keys.CONTROL,),
        )
        self._lease = Lease(self._client, self._calls, lost=feed.on_seats_lost, failed=self._failed)
        self._feed.start()
        self._lease.start()

    async def subscribe(self, channel: str) -> None:
        """Listen."""
        assert self._feed is not None, "only a node subscribes"
        await self._feed.subscribe(keys.feed(channel))

    async def unsubscribe(self, channel: str) -> None:
        """Listen no more."""
        assert self._feed is not None, "only a node subscribes"
        await self._feed.unsubscribe(keys.feed(channel))

    async def join(self, channel: str, member: Member) -> Position:
        """This node has a seat for the user."""
        assert self._lease is not None, "only a node has seats"
        await guarded(self._lease.has_seats_in(channel))
        place = await self._calls.call(
            "join",
            (*keys.member_keys(channel), keys.seats(channel, self._lease.node)),
            (
                new_epoch(),
                member.user,
                _encode((member.user, member.info)),
                keys.feed(channel),
                ANNOUNCE,
            ),
        )
        return _position(cast("bytes", place))

    async def leave(self, channel: str, user: str) -> None:
        """This node has no seat for the user any more."""
        assert self._lease is not None, "only a node has seats"
        await self._calls.call(
            "leave",
            (*keys.member_keys(channel), keys.seats(channel, self._lease.node)),
            (new_epoch(), user, keys.feed(channel), ANNOUNCE),
        )

    async def members(self, channel: str) -> Roster:
        """All members and the version of the list."""
        answer = await self._calls.call("members", keys.member_keys(channel), (new_epoch(),))
        epoch, version, pairs = cast("tuple[bytes, bytes, list[bytes]]", answer)
        found = [Member(*_member.decode(body)) for body in pairs[1::2]]
        return Roster(Position(epoch.decode(), int(version)), {one.user: one for one in found})

    # Counting.

    async def report(self, subscribers: Mapping[str, int]) -> None:
        """Write this node's counts; they end with its lease."""
        assert self._lease is not None, "only a node counts"
        name = keys.counts(self._lease.node)
        pipeline = self._client.pipeline(transaction=False)
        heard = {channel: count for channel, count in subscribers.items() if count}
        unheard = [channel for channel, count in subscribers.items() if not count]
        if heard:
            pipeline.hset(name, items=[part for entry in heard.items() for part in entry])
        if unheard:
            pipeline.hdel(name, *unheard)
        pipeline.pexpire(name, self._lease.lease_ms)
        await guarded(pipeline.execute())

    async def occupied(self, prefix: str) -> dict[str, Occupancy]:
        """The channels with this prefix that anybody hears: the sum over the nodes' counts."""
        pipeline = self._client.pipeline(transaction=False)
        for node in await self._nodes():
            pipeline.hgetall(keys.counts(node))
        totals: dict[str, int] = {}
        for counts in cast("list[dict[bytes, bytes]]", await guarded(pipeline.execute())):
            for name, count in counts.items():
                channel = name.decode()
                if channel.startswith(prefix):
                    totals[channel] = totals.get(channel, 0) + int(count)
        users = await self._user_counts([name for name in totals if has_members(name)])
        return {name: Occupancy(total, users.get(name)) for name, total in totals.items()}

    async def occupancy(self, channel: str) -> Occupancy:
        """How many hear this channel."""
        pipeline = self._client.pipeline(transaction=False)
        for node in await self._nodes():
            pipeline.hget(keys.counts(node), channel)
        counts = cast("list[bytes | None]", await guarded(pipeline.execute()))
        users = await self._user_counts([channel] if has_members(channel) else [])
        return Occupancy(sum(int(count) for count in counts if count), users.get(channel))

    async def disconnect(self, user: str) -> None:
        """Tell all nodes."""
        await guarded(self._client.publish(keys.CONTROL, f"d:{user}"))

    async def ping(self) -> None:
        """Returns if the server answers."""
        await guarded(self._client.ping())

    async def close(self) -> None:
        """Give up this node's seats, then the connections."""
        if self._feed is not None:
            await self._feed.close()
        if self._lease is not None:
            await self._lease.close()
        await self._calls.close()
        await self._client.aclose()

    # Messages.

    def _on_message(self, name: bytes, message: bytes) -> None:
        listener = self._listener
        assert listener is not None, "only a node has a feed"
        kind, _, rest = message.partition(b":")
        if kind == b"d":
            listener.on_disconnect(rest.decode())
            return
        epoch, offset, body = rest.split(b":", 2)
        channel = keys.channel_of(name.decode())
        if kind == b"p":
            listener.on_publication(channel, epoch.decode(), _publication(offset, body))
        elif kind == b"j":
            change = Change(int(offset), True, Member(*_member.decode(body)))
            listener.on_change(channel, epoch.decode(), change)
        elif kind == b"l":
            change = Change(int(offset), False, Member(body.decode()))
            listener.on_change(channel, epoch.decode(), change)

    # Asking.

    async def _nodes(self) -> list[str]:
        found = await guarded(self._client.zrange(keys.NODES, 0, -1))
        return [node.decode() for node in cast("list[bytes]", found)]

    async def _user_counts(self, channels: Sequence[str]) -> dict[str, int]:
        if not channels:
            return {}
        pipeline = self._client.pipeline(transaction=False)
        for channel in channels:
            pipeline.hlen(keys.member_keys(channel)[1])
        counts = cast("list[int]", await guarded(pipeline.execute()))
        return dict(zip(channels, counts, strict=True))


def new_epoch() -> str:
    """A name for a log that begins; it is used if the script finds none."""
    return secrets.token_hex(4)


def _position(place: bytes) -> Position:
    epoch, _, offset = place.partition(b":")
    return Position(epoch.decode(), int(offset))


def _publication(offset: bytes, body: bytes) -> Publication:
    event, data, user = _body.decode(body)
    return Publication(int(offset), event, data, user)


def _kept(values: list[bytes | None], run: bytes) -> Position:
    """A place as it is kept; one that another run wrote is no place in any log that is known."""
    epoch, offset, written_by = values
    if epoch is None or offset is None or written_by != run:
        return Position("", 0)
    return Position(epoch.decode(), int(offset))
