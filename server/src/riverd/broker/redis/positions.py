"""Where logs and lists of members stand; who asks about them lets them live."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import cast

from riverd.broker.redis import keys
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import Argument
from riverd.broker.redis.history import position_in
from riverd.broker.redis.stored import READING
from riverd.channels.rules import ChannelRules
from riverd.model.log import Position
from riverd.scheduling.portions import portions

KEPT_S = 120
"""How long a log without publications lives after a node last had a replica of it."""
KEPT_EVERY = 8
"""A node compares positions every 2.5 s: each log without publications is kept every 20 s."""
FULL_EVERY = 200
"""Those with publications live for a day."""

Positions = list[tuple[Position, Position | None]]


class RedisPositions:
    """Asks for many at once."""

    def __init__(self, server: Server, rules: ChannelRules) -> None:
        self._server = server
        self._rules = rules
        self._asked = 0
        self._term = ""
        self._hurried = 0
        """Comparisons left in which each log is kept as often as one without publications."""

    async def of(self, channels: Sequence[str], *, node: str | None) -> Positions:
        """In the order of `channels`; `node` has replicas of them, if it is one that asks."""
        found: Positions = []
        self._asked += 1
        self._look_at_term()
        async for some in portions(channels):
            at_broker = await self._positions(some)
            if node is not None:
                await self._keep(some, at_broker, node=node)
            found += at_broker
        return found

    def _look_at_term(self) -> None:
        """In a cluster a log can be moved to a server if it was signed in a term of that one."""
        history = self._server.history(keys.NODES)
        term = history.terms[-1] if history is not None and history.terms else ""
        self._hurried = KEPT_EVERY if term != self._term else max(0, self._hurried - 1)
        self._term = term

    async def _positions(self, channels: Sequence[str]) -> Positions:
        metas = [name for channel in channels for name in self._metas(channel)]
        asked = [("HMGET", name, "e", "o", "r", "i", "t") for name in metas]
        kept = await self._server.commands(asked, opened=True)
        positions = iter(
            position_in(cast("list[bytes | None]", values), self._server.history(name))
            for name, values in zip(metas, kept, strict=True)
        )
        with READING:
            return [
                (next(positions), next(positions) if self._rules.has_members(channel) else None)
                for channel in channels
            ]

    async def _keep(self, channels: Sequence[str], found: Positions, *, node: str) -> None:
        """Let live what a node has a replica of: some of it each time, all of it in its life."""
        calls: list[tuple[str, Sequence[str], Sequence[Argument]]] = []
        full_every = KEPT_EVERY if self._hurried > 0 else FULL_EVERY
        for channel, (log, members) in zip(channels, found, strict=True):
            turn = hash(channel) + self._asked
            if turn % (KEPT_EVERY if log.offset == 0 else full_every) == 0:
                calls.append(("keep", (keys.log_meta(channel),), (KEPT_S,)))
            if members is not None and turn % KEPT_EVERY == 0:
                names = (*keys.member_keys(channel), keys.node_entries(channel, node))
                calls.append(("keep_members", names, (secrets.token_hex(4), node)))
        async for some in portions(calls):
            await asyncio.gather(
                *[self._server.call(name, names, arguments=given) for name, names, given in some]
            )

    def _metas(self, channel: str) -> list[str]:
        """Where the positions of a channel's log and list of members are kept."""
        log = keys.log_meta(channel)
        if self._rules.has_members(channel):
            return [log, keys.member_keys(channel)[0]]
        return [log]
