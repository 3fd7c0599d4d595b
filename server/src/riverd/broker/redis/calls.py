"""Calls of a server: those made together share a round trip."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, cast

from hiredis import ReplyError

from riverd.broker.redis.connection import Line, RefusedError, Reply, Word, checked
from riverd.broker.redis.scripts import RUN_ID, Scripts
from riverd.errors import BrokerError

SILENCE_S_MAX = 0.75
"""Longer than a publisher waits, shorter than the second within which it is told."""
RETRY_S = 0.1
MEASURE_S = 10.0
ROUGH_S = 0.05
"""A measurement that took longer is made again."""

Open = Callable[[Callable[[], Line]], Awaitable[Line]]

_FIELD = re.compile(rb"^(run_id|role):(\w+)", re.MULTILINE)
_ELSEWHERE = ("READONLY", "NOREPLICAS", "MASTERDOWN")


class Server(Protocol):
    """What is asked of a Redis: of one server, or of the one of several that has the key.

    Everything is carried out in the order in which it is asked. What failed with BrokerError may
    have been carried out all the same, if the connection broke; with RefusedError it was not.
    """

    async def call(
        self,
        script: str,
        keys: Sequence[str],
        arguments: Sequence[Word],
        *,
        within_s: float | None = None,
    ) -> Reply:
        """Run a script.

        With `within_s` it gets one argument more: until when (ms of the server's clock) it may do
        what it does. A failure is told only after that, so that what was called failed does not
        happen later.
        """
        ...

    async def commands(self, commands: Sequence[Sequence[Word]]) -> list[Reply]:
        """Carry out commands in one round trip; each has its key after its name.

        Raises:
            BrokerError: when one of them failed.
        """
        ...

    def run_id(self, key: str) -> str | None:
        """The run of the server that has a key; None while nobody speaks with it."""
        ...

    async def ping(self) -> None:
        """Returns if it answers."""
        ...

    async def close(self) -> None:
        """Fail what waits, and disconnect."""
        ...


class ServerLine(Line):
    """A line to one run of a server that knows River's scripts."""

    scripts: Scripts

    def __init__(self) -> None:
        super().__init__(SILENCE_S_MAX)
        self._ahead_s = 0.0
        self._measured_at = 0.0

    async def introduce(self) -> None:
        """Learn which run this is, give it the scripts, compare the clocks.

        Raises:
            BrokerError: when it is no master, or does not say.
        """
        told = dict(_FIELD.findall(cast("bytes", await self.ask("INFO"))))
        run_id = told.get(b"run_id", b"").decode()
        if RUN_ID.fullmatch(run_id) is None:
            raise BrokerError("the server does not say which run it is")
        if told.get(b"role") != b"master":
            raise BrokerError("the server is a replica, which takes no publications")
        self.scripts = Scripts(run_id)
        await self.load()
        await self._measure()

    async def load(self) -> None:
        """Give the server the scripts."""
        texts = self.scripts.texts.values()
        for answer in await self.ask_all([("SCRIPT", "LOAD", text) for text in texts]):
            checked(answer)

    def server_ms(self, at: float) -> int:
        """A time of this process (`time.monotonic`) by the server's clock, if anything too early.

        That is off by the time that the last measurement took: so it is repeated.
        """
        if time.monotonic() - self._measured_at > MEASURE_S:
            self.measure_soon()
        return int((at + self._ahead_s) * 1000)

    def measure_soon(self) -> None:
        """Compare the clocks again."""
        asked = self._measured_at = time.monotonic()
        self.send("TIME").add_done_callback(lambda answer: self._compare(asked, answer))

    async def _measure(self) -> None:
        asked = time.monotonic()
        answer = self.send("TIME")
        checked(await answer)
        self._compare(asked, answer)

    def _compare(self, asked: float, answer: asyncio.Future[Reply]) -> None:
        if answer.exception() is not None or not isinstance(answer.result(), list):
            return
        seconds, microseconds = cast("list[bytes]", answer.result())
        # The server said it before now: what is too late for us is too late for it.
        now = time.monotonic()
        self._ahead_s = int(seconds) + int(microseconds) / 1e6 - now
        if now - asked > ROUGH_S:
            self.measure_soon()


class Calls:
    """Asks one server. See `Server` for the promises."""

    def __init__(self, open_line: Open) -> None:
        self._open = open_line
        self._line: ServerLine | None = None
        self._connecting: asyncio.Task[ServerLine] | None = None
        self._failure: BrokerError | None = None
        self._retry_at = 0.0

    def run_id(self, key: str) -> str | None:
        """The run with which we speak."""
        del key
        line = self._line
        return None if line is None or line.lost.done() else line.scripts.run_id

    async def call(
        self,
        script: str,
        keys: Sequence[str],
        arguments: Sequence[Word],
        *,
        within_s: float | None = None,
    ) -> Reply:
        """Run a script, loaded again if need be."""
        until = time.monotonic() + (within_s or 0.0)
        line = await self._ready()
        try:
            if within_s is not None:
                arguments = (*arguments, line.server_ms(until))
            reply = await self._run(line, script, keys, arguments)
        except RefusedError as error:
            self._look_at(line, error.reply)
            raise
        except BrokerError:
            await asyncio.sleep(until - time.monotonic())
            raise
        return reply

    async def commands(self, commands: Sequence[Sequence[Word]]) -> list[Reply]:
        """Carry out commands in one round trip."""
        return [checked(answer) for answer in await self.answers(commands)]

    async def answers(self, commands: Sequence[Sequence[Word]]) -> list[Reply]:
        """What is answered to commands, errors of the server among them."""
        if not commands:
            return []
        line = await self._ready()
        answers = await line.ask_all(commands)
        for answer in answers:
            if isinstance(answer, ReplyError):
                self._look_at(line, str(answer))
        return answers

    async def ping(self) -> None:
        """Returns if the server answers; its clock is compared with ours on the way."""
        line = await self._ready()
        line.measure_soon()
        await line.ask("PING")

    async def asking(self) -> None:
        """The next call, made at once, may find keys that are only coming here (see ASK)."""
        (await self._ready()).post("ASKING")

    async def close(self) -> None:
        """Fail what waits, and disconnect."""
        self._failure, self._retry_at = BrokerError("closing"), float("inf")
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._line is not None:
            self._line.drop()
            await self._line.lost

    async def _run(
        self, line: ServerLine, script: str, keys: Sequence[str], arguments: Sequence[Word]
    ) -> Reply:
        words = ("EVALSHA", line.scripts.hashes[script], len(keys), *keys, *arguments)
        try:
            return checked(await line.send(*words))
        except RefusedError as error:
            if not error.reply.startswith("NOSCRIPT"):
                raise
        # Somebody flushed the scripts.
        await line.load()
        return checked(await line.send(*words))

    def _look_at(self, line: ServerLine, refusal: str) -> None:
        # Before Redis 7, what a script ran into comes with words before it.
        if any(word in refusal for word in _ELSEWHERE):
            # The master may be another server by now.
            line.drop()
        elif refusal.startswith("LATE"):
            # Or one of the clocks was set.
            line.measure_soon()

    async def _ready(self) -> ServerLine:
        line = self._line
        if line is not None and not line.lost.done():
            if line.is_full:
                raise BrokerError("too much waits for the broker")
            return line
        if self._connecting is None:
            if self._failure is not None and time.monotonic() < self._retry_at:
                raise self._failure
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connected)
        connecting = self._connecting
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            if connecting.cancelled():
                raise BrokerError("closing") from None
            raise

    async def _connect(self) -> ServerLine:
        line = cast("ServerLine", await self._open(ServerLine))
        try:
            await line.introduce()
        except BaseException:
            line.drop()
            raise
        self._line = line
        return line

    def _connected(self, connecting: asyncio.Task[ServerLine]) -> None:
        self._connecting = None
        if connecting.cancelled():
            return
        error = connecting.exception()
        if isinstance(error, BrokerError):
            self._failure, self._retry_at = error, time.monotonic() + RETRY_S
