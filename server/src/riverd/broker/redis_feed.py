"""The feed of one server: its pub/sub messages, read by hiredis straight from the socket.

The client library takes one message at a time through several awaits: 65,000 a CPU-second where
this takes more than a million. It is the hottest path of a gateway, so it is River's own.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import cast

import hiredis

from riverd.broker.redis_address import RedisAddress
from riverd.errors import BrokerError

CONNECT_TIMEOUT_S = 2.0
PING_S = 1.0
SILENCE_S_MAX = 3.0
RETRY_S_MAX = 1.0
SUBSCRIBED_AT_ONCE = 500

Reply = list[bytes] | bytes | int | bool | hiredis.ReplyError
Locate = Callable[[], Awaitable[tuple[str, int]]]


class _Line(asyncio.Protocol):
    """One connection: commands out, replies and messages in."""

    def __init__(self, on_message: Callable[[bytes, bytes], None]) -> None:
        self._on_message = on_message
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[asyncio.Future[object], int]] = deque()
        self.lost = asyncio.get_running_loop().create_future()
        self.heard_at = asyncio.get_running_loop().time()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits for an answer."""
        del exc
        if not self.lost.done():
            self.lost.set_result(None)
        for waiting, _ in self._waiting:
            if not waiting.done():
                waiting.set_exception(BrokerError("the feed's connection was lost"))
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Tell messages at once, and answers to those who wait for them."""
        self.heard_at = asyncio.get_running_loop().time()
        reader = self._reader
        reader.feed(data)
        try:
            # False stands for "not complete yet"; no reply of Redis is it.
            while (reply := cast("Reply", reader.gets())) is not False:
                if isinstance(reply, list) and reply[0] == b"message":
                    self._on_message(reply[1], reply[2])
                else:
                    self._answer(reply)
        except hiredis.ProtocolError:
            self.drop()

    def send(self, *words: str, answers: int = 1) -> asyncio.Future[object]:
        """Send a command; done when its answers are there (a subscription has one a channel)."""
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        transport = self.transport
        if transport is None or transport.is_closing():
            done.set_exception(BrokerError("the feed is not connected"))
            return done
        self._waiting.append((done, answers))
        transport.write(cast("bytes", hiredis.pack_command(cast("tuple[str]", words))))
        return done

    def drop(self) -> None:
        """Give the connection up."""
        if self.transport is not None:
            self.transport.abort()

    def _answer(self, reply: object) -> None:
        if not self._waiting:
            return
        done, answers = self._waiting[0]
        if answers > 1 and not isinstance(reply, hiredis.ReplyError):
            self._waiting[0] = (done, answers - 1)
            return
        self._waiting.popleft()
        if done.done():
            return
        if isinstance(reply, hiredis.ReplyError):
            done.set_exception(BrokerError(f"the broker refused: {reply}"))
        else:
            done.set_result(reply)


class RedisFeed:
    """Subscriptions that outlive connections.

    `interrupted` is called each time it is connected again: what was announced meanwhile is lost.
    """

    def __init__(
        self,
        address: RedisAddress,
        locate: Locate,
        *,
        on_message: Callable[[bytes, bytes], None],
        interrupted: Callable[[], None],
        always: Sequence[str] = (),
    ) -> None:
        self._address = address
        self._locate = locate
        self._on_message = on_message
        self._interrupted = interrupted
        self._names: set[str] = set(always)
        self._line: _Line | None = None
        self._keeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, and stay connected until `close`."""
        self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Disconnect."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._line is not None:
            self._line.drop()

    async def subscribe(self, name: str) -> None:
        """Be told of everything that is announced under a name after this returned.

        Raises:
            BrokerError: when there is no connection; it was not subscribed.
        """
        line = self._connected()
        self._names.add(name)
        try:
            await line.send("SUBSCRIBE", name)
        except BrokerError:
            self._names.discard(name)
            raise

    async def unsubscribe(self, name: str) -> None:
        """Be told no more."""
        self._names.discard(name)
        if self._line is not None:
            try:
                await self._line.send("UNSUBSCRIBE", name)
            except BrokerError:
                # The next connection will not subscribe it.
                return

    def _connected(self) -> _Line:
        if self._line is None:
            raise BrokerError("the feed is not connected")
        return self._line

    async def _keep(self) -> None:
        while True:
            try:
                line = await self._connect()
            except (OSError, TimeoutError, BrokerError):
                await asyncio.sleep(random.uniform(0, RETRY_S_MAX))  # noqa: S311  jitter
                continue
            self._line = line
            self._interrupted()
            try:
                await self._watch(line)
            finally:
                self._line = None
                line.drop()

    async def _connect(self) -> _Line:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            host, port = await self._locate()
            _, line = await asyncio.get_running_loop().create_connection(
                lambda: _Line(self._on_message), host, port, ssl=self._address.ssl_context()
            )
            try:
                await self._introduce(line)
            except BaseException:
                line.drop()
                raise
            return line

    async def _introduce(self, line: _Line) -> None:
        if self._address.password is not None:
            name = (self._address.username,) if self._address.username is not None else ()
            await line.send("AUTH", *name, self._address.password)
        for names in _portions(sorted(self._names)):
            await line.send("SUBSCRIBE", *names, answers=len(names))

    async def _watch(self, line: _Line) -> None:
        """Return when the connection is lost or silent: pings are answered within a second."""
        loop = asyncio.get_running_loop()
        while not line.lost.done():
            line.send("PING").add_done_callback(_unread)
            await asyncio.wait([line.lost], timeout=PING_S)
            if loop.time() - line.heard_at > SILENCE_S_MAX:
                return


def _unread(answer: asyncio.Future[object]) -> None:
    """An answer that nobody waits for: a failure of it shows as the connection's end."""
    if not answer.cancelled():
        answer.exception()


def _portions(names: list[str]) -> Iterable[list[str]]:
    for start in range(0, len(names), SUBSCRIBED_AT_ONCE):
        yield names[start : start + SUBSCRIBED_AT_ONCE]
