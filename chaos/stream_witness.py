"""Clients without a socket: one stream after the other, or one poll after the other."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import jwt

from processes import SECRET
from witness import Witness

SILENCE_S_MAX = 40.0
POLL_S = 5.0
BETWEEN_POLLS_S = 0.2


@dataclass(eq=False)
class StreamWitness(Witness):
    """Keeps nothing but the last `id`, as a browser's EventSource."""

    cursor: str = ""
    _skipped: set[str] = field(default_factory=set)

    async def _follow(self) -> None:
        timeout = httpx.Timeout(3.0, read=SILENCE_S_MAX)
        try:
            async with httpx.AsyncClient(timeout=timeout, trust_env=False, verify=False) as client:  # noqa: S501  no TLS here
                await self._ask(client)
        except httpx.HTTPError as error:
            self.ended_by = repr(error)

    async def _ask(self, client: httpx.AsyncClient) -> None:
        async with client.stream("GET", self._address(), headers=self._headers()) as answer:
            answer.raise_for_status()
            self.connections += 1
            self.is_connected = True
            async for event in _events(answer):
                await self.stalled.wait()
                self.cursor = event.get("id", self.cursor)
                if "data" in event and self._read(json.loads(event["data"])):
                    self.moved += 1

    def _address(self, **more: str) -> httpx.URL:
        base = self.url.replace("ws:", "http:", 1).removesuffix("/ws")
        params = [("channel", name) for name in self.channels] + list(more.items())
        return httpx.URL(f"{base}/events", params=params)

    def _headers(self) -> dict[str, str]:
        token = jwt.encode({"sub": self.user}, SECRET)
        headers = {"authorization": f"Bearer {token}"}
        return headers | ({"last-event-id": self.cursor} if self.cursor else {})

    def _read(self, message: dict[str, object]) -> bool:
        """Write it down as that of a WebSocket, on which a lost position is said once."""
        channel = str(message.get("channel"))
        if message["type"] == "gap" and channel in self._skipped:
            self._skipped.discard(channel)
            return False
        if message["type"] == "subscribed" and "reason" in message:
            self._skipped.add(channel)
        return self._take(message)


@dataclass(eq=False)
class PollWitness(StreamWitness):
    """Is answered as soon as there is something, and asks again."""

    async def _ask(self, client: httpx.AsyncClient) -> None:
        address = self._address(mode="poll", wait_s=str(POLL_S))
        self.connections += 1
        self.is_connected = True
        while True:
            answer = await client.get(address, headers=self._headers())
            answer.raise_for_status()
            await self.stalled.wait()
            found = answer.json()
            self.live = 0
            has_moved = [self._read(message) for message in found["events"]]
            self.cursor = found["id"]
            if any(has_moved):
                self.moved += 1
                return
            await asyncio.sleep(BETWEEN_POLLS_S)


async def _events(answer: httpx.Response) -> AsyncIterator[dict[str, str]]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        else:
            yield fields
            fields = {}
