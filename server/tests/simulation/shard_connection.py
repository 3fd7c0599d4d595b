"""A process's connection to one history of a server: what is sent arrives later, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from riverd.errors import BrokerError

if TYPE_CHECKING:
    from simulation.shard_process import ShardProcess
    from simulation.shard_server import Caller, ShardServer

SILENCE_S_MAX = 0.75
GHOST_S_MAX = 3.0
"""What nobody waits for any more may still be carried out so much later."""

T = TypeVar("T")


class NotSentError(BrokerError):
    """It was certainly not carried out."""


class ShardConnection:
    """`caller` is as what it is used; None if it only asks, or heals."""

    def __init__(self, process: ShardProcess, server: ShardServer) -> None:
        self.server = server
        self.caller: Caller | None = None
        self.is_closed = False
        self._process = process
        self._world = process.world
        self._answers: dict[asyncio.Future[Any], None] = {}

    async def ask(self, effect: Callable[[], T]) -> T:
        """Have it carried out there.

        Raises:
            NotSentError: it was not sent.
            BrokerError: it was refused, or nobody knows what became of it.
        """
        process, world = self._process, self._world
        await process.awake()
        if self.is_closed:
            raise NotSentError("the connection is closed")
        answer: asyncio.Future[T] = world.loop.create_future()
        self._answers[answer] = None
        timer = world.loop.call_later(SILENCE_S_MAX, self.close)
        world.loop.call_later(world.delay_s(), self._arrive, effect, answer)
        try:
            found = await answer
        finally:
            timer.cancel()
            self._answers.pop(answer, None)
        await process.awake()
        return found

    def close(self) -> None:
        """Nothing comes from it any more; what was sent may still arrive."""
        self.is_closed = True
        self._process.closed(self)
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(BrokerError("the connection was lost"))

    def _arrive(self, effect: Callable[[], T], answer: asyncio.Future[T]) -> None:
        world, server = self._world, self.server
        if not self._is_seen():
            if not server.is_away:
                self.close()
            return
        is_late = world.dice.random() < world.ghosts
        if is_late:
            world.loop.call_later(world.dice.uniform(0, GHOST_S_MAX), self._late, effect)
            return
        try:
            done = partial(_give, answer, effect())
        except BrokerError as error:
            done = partial(_refuse, answer, error)
        if world.dice.random() >= world.losses:
            world.loop.call_later(world.delay_s(), done)

    def _late(self, effect: Callable[[], object]) -> None:
        if self._is_seen():
            try:
                effect()
            except BrokerError:
                return

    def _is_seen(self) -> bool:
        """Whether the process reaches the server, and that is what it was."""
        server = self.server
        is_same = self._world.cluster.servers.get(server.address) is server
        seen_by = server.seen_by
        is_master = bool(server.split) or seen_by is None
        is_hidden = seen_by is not None and self._process.name not in seen_by
        return is_same and is_master and not (server.is_away or is_hidden)


def _give(answer: asyncio.Future[T], found: T) -> None:
    if not answer.done():
        answer.set_result(found)


def _refuse(answer: asyncio.Future[T], error: BrokerError) -> None:
    if not answer.done():
        answer.set_exception(error)
