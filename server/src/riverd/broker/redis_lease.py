"""A node's lease: while it is renewed, what the node has at the broker counts.

One node's members are given up by one of the others when its lease runs out. A node whose lease
ran out while it lived takes a new name: the old name's seats are somebody else's to clear.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import cast

from redis.asyncio import Redis

from riverd.broker import redis_keys as keys
from riverd.broker.redis_calls import Calls, guarded
from riverd.errors import BrokerError

LEASE_MS = 5_000
RENEW_S = 1.2
CLAIM_MS = 5_000
CLEARED_AT_ONCE = 200
ANNOUNCE = "PUBLISH"


class Lease:
    """One node's name at the broker, and its share in clearing up after others."""

    lease_ms = LEASE_MS * 2

    def __init__(
        self,
        client: Redis,
        calls: Calls,
        *,
        lost: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.node = secrets.token_hex(8)
        self._client = client
        self._calls = calls
        self._lost = lost
        self._failed = failed
        self._seated: set[str] = set()
        self._renewing: asyncio.Task[None] | None = None
        self._clearing: set[str] = set()
        self._clears: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Renew until `close`."""
        self._renewing = asyncio.create_task(self._renew_always())

    async def close(self) -> None:
        """Give up everything at once, so that nobody has to wait for the lease's end."""
        tasks = [*self._clears, *([self._renewing] if self._renewing is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._clear(self.node)
        except BrokerError:
            # The broker is away: the lease runs out instead.
            return

    async def has_seats_in(self, channel: str) -> None:
        """Note, before the first seat is taken, where there will be seats to clear."""
        if channel not in self._seated:
            await self._client.sadd(keys.seated(self.node), channel)
            self._seated.add(channel)

    async def _renew_always(self) -> None:
        first = True
        while True:
            try:
                kept, over = await self._renew()
            except BrokerError:
                await asyncio.sleep(RENEW_S)
                continue
            if not kept and not first:
                self.node = secrets.token_hex(8)
                self._seated.clear()
                first = True
                self._lost()
                continue
            first = False
            if over and over not in self._clearing:
                self._clear_soon(over)
            await asyncio.sleep(RENEW_S)

    async def _renew(self) -> tuple[bool, str]:
        answer = await self._calls.call(
            "renew", (keys.NODES, keys.CLAIMS), (self.node, LEASE_MS, CLAIM_MS)
        )
        kept, over = cast("tuple[int, bytes]", answer)
        await guarded(self._client.pexpire(keys.counts(self.node), self.lease_ms))
        return bool(kept), over.decode()

    def _clear_soon(self, node: str) -> None:
        self._clearing.add(node)
        task = asyncio.create_task(self._clear_other(node))
        self._clears.add(task)
        task.add_done_callback(self._clears.discard)

    async def _clear_other(self, node: str) -> None:
        try:
            await self._clear(node)
        except BrokerError as error:
            # Its claim runs out, and somebody goes on.
            self._failed(error)
        finally:
            self._clearing.discard(node)

    async def _clear(self, node: str) -> None:
        """Give up all seats of a node, announce each leave, and forget the node."""
        found = await guarded(self._client.smembers(keys.seated(node)))
        for name in sorted(cast("set[bytes]", found)):
            channel = name.decode()
            while await self._calls.call(
                "clear",
                (*keys.member_keys(channel), keys.seats(channel, node)),
                (secrets.token_hex(4), CLEARED_AT_ONCE, keys.feed(channel), ANNOUNCE),
            ):
                # The others' calls go in between.
                continue
        pipeline = self._client.pipeline(transaction=False)
        pipeline.delete(keys.seated(node))
        pipeline.delete(keys.counts(node))
        pipeline.zrem(keys.NODES, node)
        pipeline.hdel(keys.CLAIMS, node)
        await guarded(pipeline.execute())
