"""How many connections are subscribed to which channel, by node; the counts end with its lease."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from riverd.broker.redis import keys
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import Argument
from riverd.broker.redis.lease import COUNTS_MS
from riverd.channel_rules import ChannelRules
from riverd.model import Occupancy
from riverd.portions import portions

COUNTS_PORTION = 1_000


class StoredCounts:
    """The counts of all nodes."""

    def __init__(self, server: Server, rules: ChannelRules) -> None:
        self._server = server
        self._rules = rules

    async def report(self, node: str, subscribers: Mapping[str, int]) -> None:
        """Write a node's counts."""
        name = keys.counts(node)
        commands: list[Sequence[Argument]] = []
        counts = list(subscribers.items())
        for start in range(0, len(counts), COUNTS_PORTION):
            portion = counts[start : start + COUNTS_PORTION]
            if counted := [part for one in portion if one[1] for part in one]:
                commands.append(("HSET", name, *counted))
            if empty := [channel for channel, count in portion if not count]:
                commands.append(("HDEL", name, *empty))
        await self._server.commands([*commands, ("PEXPIRE", name, COUNTS_MS)])

    async def occupied(self, prefix: str) -> dict[str, Occupancy]:
        """The channels with this prefix that have subscribers: the sum over the nodes' counts."""
        answers = await self._server.commands([("HGETALL", name) for name in await self._names()])
        totals: Counter[str] = Counter()
        for counts in cast("list[list[bytes]]", answers):
            async for some in portions(counts, 2 * COUNTS_PORTION):
                for name, count in zip(some[::2], some[1::2], strict=True):
                    if (channel := name.decode()).startswith(prefix):
                        totals[channel] += int(count)
        users = await self._users([name for name in totals if self._rules.has_members(name)])
        return {name: Occupancy(total, users.get(name)) for name, total in totals.items()}

    async def occupancy(self, channel: str) -> Occupancy:
        """How many subscribers a channel has."""
        answers = await self._server.commands(
            [("HGET", name, channel) for name in await self._names()]
        )
        users = await self._users([channel] if self._rules.has_members(channel) else [])
        counts = [int(count) for count in cast("list[bytes | None]", answers) if count]
        return Occupancy(sum(counts), users.get(channel))

    async def _names(self) -> list[str]:
        """The keys under which the nodes keep their counts."""
        [nodes] = await self._server.commands([("ZRANGE", keys.NODES, 0, -1)])
        return [keys.counts(node.decode()) for node in cast("list[bytes]", nodes)]

    async def _users(self, channels: Sequence[str]) -> dict[str, int]:
        counts = await self._server.commands(
            [("HLEN", keys.member_keys(channel)[1]) for channel in channels]
        )
        return dict(zip(channels, cast("list[int]", counts), strict=True))
