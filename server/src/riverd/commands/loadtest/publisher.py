"""Publishes at a steady rate through the HTTP API, however long its answers take."""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import SSLContext
from urllib.parse import urlsplit

import msgspec

from riverd.commands.loadtest.plan import EVENT, LoadPlan
from riverd.commands.loadtest.tally import LoadTally
from riverd.commands.loadtest.target import named

BATCH_MAX = 500
REQUESTS_MAX = 4
TICK_S = 0.01
ANSWER_S_MAX = 10.0
IDLE_S_MAX = 2.0
PAUSE_S = 0.5
"""After a request that failed: a server that is away is not asked in a loop."""
OK = 200


class _Error(msgspec.Struct):
    code: str = "unknown"


class _Result(msgspec.Struct):
    epoch: str = ""
    offset: int = 0
    error: _Error | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: _Error | None = None


_answer = msgspec.json.Decoder(_Answer)


class LoadApi:
    """The API over kept connections, one for each thread that asks."""

    def __init__(self, url: str, key: str, *, tls: SSLContext | None) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host, self._port = str(parts.hostname), parts.port
        self._path = f"{parts.path.rstrip('/')}/publish/batch"
        self._headers = {"content-type": "application/json", "x-api-key": key}
        self._tls = tls
        self._kept = threading.local()

    def publish(self, messages: Sequence[dict[str, object]]) -> tuple[int, bytes]:
        """Status and body of the answer.

        Raises:
            OSError, HTTPException: there was none.
        """
        connection = self._taken()
        try:
            body = msgspec.json.encode({"messages": messages})
            connection.request("POST", self._path, body, self._headers)
            answer = connection.getresponse()
            result = answer.status, answer.read()
        except BaseException:
            connection.close()
            raise
        self._kept.idle = (connection, time.monotonic())
        return result

    def _taken(self) -> HTTPConnection:
        """This thread's connection; a new one if the server may have closed the last by now."""
        idle: tuple[HTTPConnection, float] | None = getattr(self._kept, "idle", None)
        self._kept.idle = None
        if idle is not None:
            if time.monotonic() - idle[1] < IDLE_S_MAX:
                return idle[0]
            idle[0].close()
        return self._new()

    def _new(self) -> HTTPConnection:
        if self._secure:
            return HTTPSConnection(self._host, self._port, timeout=ANSWER_S_MAX, context=self._tls)
        return HTTPConnection(self._host, self._port, timeout=ANSWER_S_MAX)


class LoadPublisher:
    """Publications that fall due one after the other, in turn to all channels.

    One that leaves late counts from when it was due: an API that is slow cannot hide it.
    `accepted` is where each channel stands, as far as the API has said so.
    """

    def __init__(self, plan: LoadPlan, api: LoadApi, *, tally: LoadTally) -> None:
        self.accepted: dict[str, tuple[str, int]] = {}
        self.unsent = 0
        self._plan = plan
        self._api = api
        self._tally = tally
        self._names = plan.names
        self._begun = 0.0
        self._sent = 0
        self._pad = ""
        self._pool = ThreadPoolExecutor(REQUESTS_MAX, "river-bench")

    async def run(self, duration_s: float) -> None:
        """Publish for so long; returns when the last is answered, or cancelled meanwhile."""
        self._begun, self._sent = time.monotonic(), 0
        self._pad = "x" * max(0, self._plan.size - len(json.dumps({"t": self._due_ns(0), "p": ""})))
        total = round(duration_s * self._plan.rate)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(REQUESTS_MAX):
                    group.create_task(self._send(total))
        finally:
            self.unsent = min(total, self._due()) - self._sent
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _due(self) -> int:
        """How many should have left by now."""
        return int((time.monotonic() - self._begun) * self._plan.rate) + 1

    def _due_ns(self, number: int) -> int:
        return int((self._begun + number / self._plan.rate) * 1e9)

    async def _send(self, total: int) -> None:
        loop = asyncio.get_running_loop()
        while self._sent < total:
            numbers = range(self._sent, min(total, self._due(), self._sent + BATCH_MAX))
            if not numbers:
                await asyncio.sleep(TICK_S)
                continue
            self._sent = numbers.stop
            messages = [self._message(number) for number in numbers]
            try:
                status, body = await loop.run_in_executor(self._pool, self._api.publish, messages)
            except (OSError, HTTPException) as error:
                why = named(error) if isinstance(error, OSError) else type(error).__name__
                await self._failed(len(messages), f"publish: no answer: {why}")
            else:
                await self._answered(messages, status, body=body)

    def _message(self, number: int) -> dict[str, object]:
        name = self._names[number % len(self._names)]
        return {
            "channel": name,
            "event": EVENT,
            "data": {"t": self._due_ns(number), "p": self._pad},
        }

    async def _answered(
        self, messages: Sequence[dict[str, object]], status: int, *, body: bytes
    ) -> None:
        try:
            answer = _answer.decode(body)
        except msgspec.DecodeError:
            answer = _Answer(error=_Error("no JSON of River's"))
        if status != OK or len(answer.results) != len(messages):
            code = answer.error.code if answer.error else "not as many results as messages"
            await self._failed(len(messages), f"publish: HTTP {status}: {code}")
            return
        for message, result in zip(messages, answer.results, strict=True):
            if result.error is None:
                self._tally.accepted += 1
                self._accept(str(message["channel"]), result)
            else:
                self._tally.refused += 1
                self._tally.error(f"publish: {result.error.code}")

    def _accept(self, name: str, result: _Result) -> None:
        before = self.accepted.get(name)
        # Requests overtake each other: the highest offset counts, and the newest log.
        if before is None or before[0] != result.epoch or before[1] < result.offset:
            self.accepted[name] = (result.epoch, result.offset)

    async def _failed(self, count: int, kind: str) -> None:
        self._tally.refused += count
        self._tally.error(kind)
        await asyncio.sleep(PAUSE_S)
