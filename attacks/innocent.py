"""The innocent: a client beside an attack, and browsers that come to the same gateway."""

import asyncio
import os
import time
from contextlib import suppress
from itertools import count

from river_client import Client, opened, token

PING_EVERY_S = 0.02
COME_EVERY_S = 0.2
SERVED_S_MAX = 5.0


class Innocent:
    """Pings all the time, and comes anew all the time; notes how long that takes."""

    def __init__(self, url: str) -> None:
        self.delays_s: list[float] = []
        self.served = 0
        self.refused = 0
        self._url = url
        self._numbers = count(1)

    async def run(self, seconds: float) -> None:
        """Be there for so long."""
        client = await self._come()
        ends_at = time.monotonic() + seconds
        visits: set[asyncio.Task[None]] = set()
        next_visit = time.monotonic()
        while time.monotonic() < ends_at:
            await self._ping(client)
            if time.monotonic() >= next_visit:
                next_visit += COME_EVERY_S
                visits.add(asyncio.create_task(self._visit()))
            await asyncio.sleep(PING_EVERY_S)
        await asyncio.gather(*visits)
        await client.close()

    def percentile_ms(self, share: float) -> float:
        """The delay of a ping that so many of them did not exceed."""
        delays = sorted(self.delays_s)
        return delays[min(len(delays) - 1, int(len(delays) * share))] * 1000

    async def _ping(self, client: Client) -> None:
        began_at = time.monotonic()
        await client.send(type="ping", id=1)
        await client.until("pong")
        self.delays_s.append(time.monotonic() - began_at)

    async def _visit(self) -> None:
        with suppress(OSError, EOFError, TimeoutError, AssertionError):
            async with asyncio.timeout(SERVED_S_MAX):
                client = await self._come()
                await client.close()
                self.served += 1
                return
        self.refused += 1

    async def _come(self) -> Client:
        client = await opened(self._url, X_Forwarded_For=f"203.0.113.{next(self._numbers) % 250}")
        user = f"innocent-{os.getpid()}-{next(self._numbers)}"
        await client.send(type="auth", token=token(user))
        await client.send(type="subscribe", id=1, channel="innocents")
        await client.until("subscribed")
        return client
