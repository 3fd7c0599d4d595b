"""A back end that numbers what it publishes, and repeats what was not accepted."""

import asyncio
import time
from dataclasses import dataclass, field

import httpx

from processes import KEY
from riverd.commands.verify.history import Attempt, Fate

RETRY_S = 0.05


@dataclass
class FaultPublisher:
    """Publishes 0, 1, 2, ... to one channel; each is repeated until it is accepted."""

    api_url: str
    channel: str
    every_s: float
    accepted: dict[tuple[str, int], int] = field(default_factory=dict)
    last: tuple[str, int] | None = None
    doubled: int = 0
    """Numbers that were accepted under a position which another number has."""
    refused: int = 0
    slowest_refusal_s: float = 0.0
    number: int = 0
    pausing: bool = False
    sent: list[Attempt] = field(default_factory=list)

    async def run(self) -> None:
        """Publish until cancelled."""
        async with httpx.AsyncClient(
            base_url=self.api_url, headers={"x-api-key": KEY}, timeout=5
        ) as client:
            while True:
                await self._publish(client)
                await asyncio.sleep(self.every_s)
                while self.pausing:
                    await asyncio.sleep(RETRY_S)

    async def _publish(self, client: httpx.AsyncClient) -> None:
        message = {
            "channel": self.channel,
            "event": "number",
            "data": self.number,
            "id": f"{self.channel}-{self.number}",
        }
        first_s = time.monotonic()
        while True:
            began = time.monotonic()
            try:
                answer = await client.post("/publish", json=message)
            except httpx.TimeoutException:
                # No answer is the slowest refusal of all.
                self._was_refused(began)
                continue
            except httpx.HTTPError:
                await asyncio.sleep(RETRY_S)
                continue
            if answer.status_code == httpx.codes.OK:
                break
            self._was_refused(began)
            await asyncio.sleep(RETRY_S)
        place = answer.json()
        position = (str(place["epoch"]), int(place["offset"]))
        self.doubled += position in self.accepted
        self.accepted[position] = self.number
        key, now = str(self.number), time.monotonic()
        self.sent.append(Attempt(key, self.channel, first_s, now, Fate.ACCEPTED, position))
        self.last = position
        self.number += 1

    def _was_refused(self, began: float) -> None:
        self.refused += 1
        self.slowest_refusal_s = max(self.slowest_refusal_s, time.monotonic() - began)
