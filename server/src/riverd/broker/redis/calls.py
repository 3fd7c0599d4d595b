"""Calls of a server: those made together share a round trip."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar, cast

from hiredis import ReplyError

from riverd.broker.redis.connection import Argument, RedisConnection, RefusedError, Reply, checked
from riverd.broker.redis.scripts import RUN_ID, Scripts
from riverd.errors import BrokerError
from riverd.tasks import Tasks

SILENCE_S_MAX = 0.75
"""Longer than a publisher waits, shorter than the second within which it is answered."""
RETRY_S = 0.1
MEASURE_S = 10.0
ROUGH_S = 0.05
"""A measurement that took longer is made again."""

T = TypeVar("T")

Open = Callable[[Callable[[], RedisConnection]], Awaitable[RedisConnection]]

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
        arguments: Sequence[Argument],
        *,
        within_s: float | None = None,
    ) -> Reply:
        """Run a script.

        With `within_s` it gets one argument more: until when (ms of the server's clock) it may do
        what it does. A failure is raised only after that, so that what was called failed does not
        happen later.
        """
        ...

    async def commands(self, commands: Sequence[Sequence[Argument]]) -> list[Reply]:
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


class CallConnection(RedisConnection):
    """A connection to one run of a server that knows River's scripts."""

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
        info = dict(_FIELD.findall(cast("bytes", await self.ask("INFO"))))
        run_id = info.get(b"run_id", b"").decode()
        if RUN_ID.fullmatch(run_id) is None:
            raise BrokerError("the server does not say which run it is")
        if info.get(b"role") != b"master":
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

    def __init__(self, open_connection: Open, tasks: Tasks) -> None:
        self._open = open_connection
        self._tasks = tasks
        self._connection: CallConnection | None = None
        self._connecting: asyncio.Future[CallConnection] | None = None
        self._failure: BrokerError | None = None
        self._retry_at = 0.0

    def run_id(self, key: str) -> str | None:
        """The run with which we speak."""
        del key
        connection = self._connection
        return None if connection is None or connection.lost.done() else connection.scripts.run_id

    async def call(
        self,
        script: str,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        *,
        within_s: float | None = None,
    ) -> Reply:
        """Run a script, loaded again if need be."""
        until = time.monotonic() + (within_s or 0.0)
        connection = await self._ready()
        try:
            if within_s is not None:
                arguments = (*arguments, connection.server_ms(until))
            reply = await self._run(connection, script, keys, arguments)
        except RefusedError as error:
            self._look_at(connection, error.reply)
            raise
        except BrokerError:
            await asyncio.sleep(until - time.monotonic())
            raise
        return reply

    async def commands(self, commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        """Carry out commands in one round trip."""
        return [checked(answer) for answer in await self.answers(commands)]

    async def answers(self, commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        """What is answered to commands, errors of the server among them."""
        if not commands:
            return []
        connection = await self._ready()
        answers = await connection.ask_all(commands)
        for answer in answers:
            if isinstance(answer, ReplyError):
                self._look_at(connection, str(answer))
        return answers

    async def ping(self) -> None:
        """Returns if the server answers; its clock is compared with ours on the way."""
        connection = await self._ready()
        connection.measure_soon()
        await connection.ask("PING")

    async def asking(self) -> None:
        """The next call, made at once, may find keys that are only coming here (see ASK)."""
        (await self._ready()).post("ASKING")

    async def close(self) -> None:
        """Fail what waits, and disconnect."""
        self._failure, self._retry_at = BrokerError("closing"), float("inf")
        if self._connecting is not None:
            fail(self._connecting, self._failure)
        if self._connection is not None:
            self._connection.drop()
            await self._connection.lost

    async def _run(
        self,
        connection: CallConnection,
        script: str,
        keys: Sequence[str],
        arguments: Sequence[Argument],
    ) -> Reply:
        command = ("EVALSHA", connection.scripts.hashes[script], len(keys), *keys, *arguments)
        try:
            return checked(await connection.send(*command))
        except RefusedError as error:
            if not error.reply.startswith("NOSCRIPT"):
                raise
        # Somebody flushed the scripts.
        await connection.load()
        return checked(await connection.send(*command))

    def _look_at(self, connection: CallConnection, refusal: str) -> None:
        # Before Redis 7, what a script ran into comes with command before it.
        if any(mark in refusal for mark in _ELSEWHERE):
            # The master may be another server by now.
            connection.drop()
        elif refusal.startswith("LATE"):
            # Or one of the clocks was set.
            connection.measure_soon()

    async def _ready(self) -> CallConnection:
        connection = self._connection
        if connection is not None and not connection.lost.done():
            if connection.is_full:
                raise BrokerError("too much waits for the broker")
            return connection
        if self._connecting is None:
            if self._failure is not None and time.monotonic() < self._retry_at:
                raise self._failure
            self._connecting = asyncio.get_running_loop().create_future()
            self._tasks.start(self._connect(self._connecting))
        return await asyncio.shield(self._connecting)

    async def _connect(self, connected: asyncio.Future[CallConnection]) -> None:
        try:
            connection = cast("CallConnection", await self._open(CallConnection))
            try:
                await connection.introduce()
            except BaseException:
                connection.drop()
                raise
        except BrokerError as error:
            self._failure, self._retry_at = error, time.monotonic() + RETRY_S
            fail(connected, error)
        else:
            self._connection = connection
            if not connected.done():
                connected.set_result(connection)
        finally:
            fail(connected, BrokerError("closing"))
            self._connecting = None


def fail(future: asyncio.Future[T], error: BrokerError) -> None:
    """Fail what still waits, also if nobody listens any more."""
    if not future.done():
        future.set_exception(error)
        future.exception()
