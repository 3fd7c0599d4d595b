"""Calls of scripts on one server: those in flight together share a round trip."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import TypeVar

import msgspec
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from riverd.broker.redis_scripts import RUN_ID, Scripts
from riverd.errors import BrokerError

BATCH_MAX = 500
WAITING_MAX = 20_000

Argument = str | bytes | int
Answer = object


T = TypeVar("T")


async def guarded(asked: Awaitable[T]) -> T:
    """What was asked of the client, its errors as ours.

    Raises:
        BrokerError: the server is away, or refuses.
    """
    try:
        return await asked
    except (RedisError, OSError, TimeoutError, EOFError) as error:
        raise BrokerError(f"the broker is away: {type(error).__name__}") from None


class _Call(msgspec.Struct, gc=False):
    script: str
    keys: Sequence[str]
    arguments: Sequence[Argument]
    done: asyncio.Future[Answer]


class Calls:
    """A queue in front of one server. Calls are carried out in order, each once or not at all.

    A call that failed with BrokerError may have been carried out all the same: the connection
    broke, and with it the answer.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._queue: deque[_Call] = deque()
        self._working: asyncio.Task[None] | None = None
        self._scripts: Scripts | None = None
        self.clock_ahead_s = 0.0
        """How far the server's clock is ahead of this process's."""

    async def call(self, script: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Answer:
        """Run a script. Raises BrokerError when the server is away or refuses."""
        if len(self._queue) >= WAITING_MAX:
            raise BrokerError("too many calls wait for the broker")
        call = _Call(script, keys, arguments, asyncio.get_running_loop().create_future())
        self._queue.append(call)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await call.done

    async def run_id(self) -> str:
        """Which run of the server the scripts speak to; loads them if need be."""
        if self._scripts is None:
            self._scripts = await self._load()
        return self._scripts.run_id

    async def close(self) -> None:
        """Fail what waits, and let go of the connections."""
        if self._working is not None:
            self._working.cancel()
        self._fail(list(self._queue), BrokerError("closing"))
        await self._client.aclose()

    async def _work(self) -> None:
        try:
            while self._queue:
                # Gathered until here: what came in during the last round trip goes together.
                batch = [self._queue.popleft() for _ in range(min(BATCH_MAX, len(self._queue)))]
                try:
                    await self._carry_out(batch)
                except (RedisError, OSError, TimeoutError, EOFError) as error:
                    self._fail(batch, BrokerError(f"the broker is away: {type(error).__name__}"))
                except BaseException:
                    self._fail(batch, BrokerError("the call was broken off"))
                    raise
        finally:
            self._working = None

    async def _carry_out(self, batch: list[_Call]) -> None:
        answers = await self._send(batch)
        unknown = [
            call
            for call, answer in zip(batch, answers, strict=True)
            if isinstance(answer, NoScriptError)
        ]
        if unknown:
            # A new run of the server: nothing of these was done.
            self._scripts = None
            repeated = iter(await self._send(unknown))
            answers = [
                next(repeated) if isinstance(answer, NoScriptError) else answer
                for answer in answers
            ]
        for call, answer in zip(batch, answers, strict=True):
            _settle(call, answer)

    async def _send(self, batch: list[_Call]) -> list[Answer]:
        await self.run_id()
        scripts = self._scripts
        assert scripts is not None, "loaded above"
        pipeline = self._client.pipeline(transaction=False)
        for call in batch:
            pipeline.evalsha(
                scripts.hashes[call.script], len(call.keys), *call.keys, *call.arguments
            )
        return await pipeline.execute(raise_on_error=False)

    async def _load(self) -> Scripts:
        asked = time.time()
        info = await self._client.info("server")
        seconds, microseconds = await self._client.time()
        self.clock_ahead_s = seconds + microseconds / 1e6 - (asked + time.time()) / 2
        run_id = str(info.get("run_id", ""))
        if RUN_ID.fullmatch(run_id) is None:
            raise RedisError("the server does not say which run it is")
        scripts = Scripts(run_id)
        pipeline = self._client.pipeline(transaction=False)
        for text in scripts.texts.values():
            pipeline.script_load(text)
        await pipeline.execute()
        return scripts

    @staticmethod
    def _fail(batch: list[_Call], error: BrokerError) -> None:
        for call in batch:
            if not call.done.done():
                call.done.set_exception(error)


def _settle(call: _Call, answer: Answer) -> None:
    if call.done.done():
        return
    if isinstance(answer, ResponseError):
        call.done.set_exception(BrokerError(f"the broker refused: {answer}"))
    elif isinstance(answer, Exception):
        call.done.set_exception(BrokerError(f"the broker is away: {type(answer).__name__}"))
    else:
        call.done.set_result(answer)
