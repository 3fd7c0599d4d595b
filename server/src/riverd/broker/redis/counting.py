"""What each node counts: subscribers of channels, connections of users. It ends with its lease."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import cast

import msgspec

from riverd.broker.redis import keys
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import Argument
from riverd.broker.redis.lease import COUNTS_MS
from riverd.broker.redis.stored import READING
from riverd.channels.names import INTERNAL
from riverd.channels.rules import ChannelRules
from riverd.model.log import Occupancy
from riverd.scheduling.portions import first_in_order, portions

COUNTS_PORTION = 1_000
SCAN_PORTION = 2_000
"""Of 100,000 channels are fifty round trips."""
RECOUNTED = b"n:::"
"""What is announced in a channel whose count was reported."""
USERS_RECOUNTED = b"u"
"""How the message to all nodes begins that names users whose count was reported."""

_GLOB, _LITERAL = re.compile(r"[*?\[\]\\^]"), r"\\\g<0>"
_users_in = msgspec.json.Decoder(list[str]).decode


class StoredCounts:
    """The counts of all nodes."""

    def __init__(self, server: Server, rules: ChannelRules) -> None:
        self._server = server
        self._rules = rules

    async def report(self, node: str, subscribers: Mapping[str, int]) -> None:
        """Write a node's counts."""
        await self._server.commands(_writing(keys.counts(node), subscribers))

    async def occupied(self, prefix: str, *, limit: int | None = None) -> dict[str, Occupancy]:
        """The channels with this prefix that have subscribers: the sum over the nodes' counts.

        Of members only those of the channels that are given are counted.
        """
        totals: Counter[str] = Counter()
        for node in await self._names():
            # One that is seen twice while others change is counted once.
            counts: dict[str, int] = {}
            async for some in self._counts(node, prefix):
                with READING:
                    for name, count in zip(some[::2], some[1::2], strict=True):
                        if (channel := name.decode()).startswith(prefix):
                            counts[channel] = int(count)
            async for part in portions(list(counts.items())):
                totals.update(dict(part))
        wanted = list(totals)
        if limit is not None:
            named = [name for name in wanted if not name.startswith(INTERNAL)]
            wanted = await first_in_order(named, limit)
        found: dict[str, Occupancy] = {}
        async for names in portions(wanted):
            users = await self._users([name for name in names if self._rules.has_members(name)])
            found |= {one: Occupancy(totals[one], users.get(one)) for one in names}
        return found

    async def _counts(self, node: str, prefix: str) -> AsyncIterator[list[bytes]]:
        """The names and counts of a node, some at a time."""
        upto = b"0"
        matching = ("MATCH", f"{_GLOB.sub(_LITERAL, prefix)}*") if prefix else ()
        while True:
            scan = ("HSCAN", node, upto, *matching, "COUNT", SCAN_PORTION)
            [found] = await self._server.commands([scan])
            upto, some = cast("tuple[bytes, list[bytes]]", found)
            yield some
            if upto == b"0":
                return

    async def occupancy(self, channel: str) -> Occupancy:
        """How many subscribers a channel has."""
        answers = await self._server.commands(
            [("HGET", name, channel) for name in await self._names()]
        )
        users = await self._users([channel] if self._rules.has_members(channel) else [])
        with READING:
            counts = [int(count) for count in cast("list[bytes | None]", answers) if count]
        return Occupancy(sum(counts), users.get(channel))

    async def _names(self) -> list[str]:
        return await _of_nodes(self._server, keys.counts)

    async def _users(self, channels: Sequence[str]) -> dict[str, int]:
        counts = await self._server.commands(
            [("HLEN", keys.member_keys(channel)[1]) for channel in channels]
        )
        return dict(zip(channels, cast("list[int]", counts), strict=True))


class RedisCounts:
    """See `BrokerCounts` for the promises. `node` gives the name under which this node counts."""

    def __init__(
        self,
        server: Server,
        feeds: keys.FeedNames,
        *,
        announce: str,
        node: Callable[[], str],
    ) -> None:
        self._server = server
        self._feeds = feeds
        self._announce = announce
        self._node = node

    async def announce(self, channels: Sequence[str]) -> None:
        """One message a channel, to those that are subscribed to it."""
        await self._server.commands(
            [(self._announce, self._feeds.name(channel), RECOUNTED) for channel in channels]
        )

    async def subscribers(self, channels: Sequence[str]) -> list[int]:
        """The sums over the nodes' counts."""
        return await self._sums(keys.counts, channels)

    async def report_users(self, connections: Mapping[str, int]) -> None:
        """Write them, then name the users to all nodes."""
        named = USERS_RECOUNTED + b":" + msgspec.json.encode([*connections])
        await self._server.commands(_writing(keys.user_counts(self._node()), connections))
        await self._server.commands([(self._announce, self._feeds.control, named)])

    async def connections(self, users: Sequence[str]) -> list[int]:
        """The sums over the nodes' counts."""
        return await self._sums(keys.user_counts, users)

    async def _sums(self, key: Callable[[str], str], names: Sequence[str]) -> list[int]:
        if not names:
            return []
        nodes = await _of_nodes(self._server, key)
        answers = await self._server.commands([("HMGET", node, *names) for node in nodes])
        counts = cast("list[list[bytes | None]]", answers)
        with READING:
            sums = [sum(int(count or 0) for count in one) for one in zip(*counts, strict=True)]
        return sums or [0 for _ in names]


def users_recounted(message: bytes) -> list[str]:
    """The users that a message to all nodes names; none if it is of another form."""
    try:
        return _users_in(message)
    except msgspec.DecodeError:
        return []


def _writing(name: str, counts: Mapping[str, int]) -> list[Sequence[Argument]]:
    """The commands that write a node's counts."""
    commands: list[Sequence[Argument]] = []
    items = list(counts.items())
    for start in range(0, len(items), COUNTS_PORTION):
        portion = items[start : start + COUNTS_PORTION]
        if counted := [part for one in portion if one[1] for part in one]:
            commands.append(("HSET", name, *counted))
        if empty := [item for item, count in portion if not count]:
            commands.append(("HDEL", name, *empty))
    return [*commands, ("PEXPIRE", name, COUNTS_MS)]


async def _of_nodes(server: Server, key: Callable[[str], str]) -> list[str]:
    """The keys under which the nodes keep their counts."""
    [nodes] = await server.commands([("ZRANGE", keys.NODES, 0, -1)])
    with READING:
        return [key(node.decode()) for node in cast("list[bytes]", nodes)]
