"""A TCP proxy that can lose or delay what passes, as a broken network does: nothing is closed.

It has a thread: those who break things may block their own loop.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from enum import Enum


class Direction(Enum):
    """Which half of the traffic."""

    REQUESTS = "requests"
    ANSWERS = "answers"


class Proxy:
    """Between one process and its Redis, or between a Redis and all who speak to it."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._passes = {one: asyncio.Event() for one in Direction}
        self._kept_out: dict[str, asyncio.Event] = {}
        """By the address that connections come from: set when they pass again."""
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._to_redis: set[asyncio.StreamWriter] = set()
        self._is_half_open = False
        self.port = 0
        self.delay_s = 0.0
        """How long each piece waits, in both directions."""

    def start(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        self._loop.call_soon_threadsafe(self._mend)

    def cut(self, *directions: Direction) -> None:
        """From now on nothing passes, or nothing in these directions."""
        for one in directions or tuple(Direction):
            self._loop.call_soon_threadsafe(self._passes[one].clear)

    def keep_out(self, address: str) -> None:
        """From now on nothing passes to or from this address; others are served."""
        self._loop.call_soon_threadsafe(self._kept_out.setdefault, address, asyncio.Event())

    def lose_redis(self) -> None:
        """Close the connections to Redis, and leave the others open: nobody answers on them."""
        self._loop.call_soon_threadsafe(self._lose_redis)

    def mend(self) -> None:
        """Everything passes again; what was under way is lost, as on a line that was reset."""
        self._loop.call_soon_threadsafe(self._mend)

    def close(self) -> None:
        """Stop, once."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join()
        self._loop.close()

    def _lose_redis(self) -> None:
        self._is_half_open = True
        for writer in self._to_redis:
            writer.transport.abort()

    def _mend(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
        self._is_half_open = False
        self.delay_s = 0.0
        for passes in (*self._passes.values(), *self._kept_out.values()):
            passes.set()
        self._kept_out.clear()

    def _end(self) -> None:
        self._mend()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        address = writer.get_extra_info("peername")[0]
        for one in Direction:
            await self._until_passes(address, one)
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(back_writer)
        self._to_redis.add(back_writer)
        self._start(self._pipe(reader, back_writer, Direction.REQUESTS, address=address))
        self._start(self._pipe(back_reader, writer, Direction.ANSWERS, address=address))

    def _start(self, piping: Coroutine[object, object, None]) -> None:
        pipe = asyncio.create_task(piping)
        self._pipes.add(pipe)
        pipe.add_done_callback(self._pipes.discard)

    async def _until_passes(self, address: str, direction: Direction) -> None:
        await self._passes[direction].wait()
        if address in self._kept_out:
            await self._kept_out[address].wait()

    async def _pipe(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        direction: Direction,
        *,
        address: str,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await asyncio.sleep(self.delay_s)
                await self._until_passes(address, direction)
                sink.write(data)
                await sink.drain()
        self._to_redis.discard(sink)
        if self._is_half_open and direction is Direction.ANSWERS:
            return
        self._writers.discard(sink)
        sink.close()
