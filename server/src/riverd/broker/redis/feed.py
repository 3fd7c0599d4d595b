"""The feed of one server: what is announced there, under the names that are subscribed."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, cast

import msgspec

from riverd.broker.redis.connection import Line, RefusedError, Reply, checked
from riverd.errors import BrokerError

SILENCE_S_MAX = 3.0
RETRY_S_MAX = 1.0

Open = Callable[[Callable[[], Line]], Awaitable[Line]]


class Dialect(msgspec.Struct, frozen=True):
    """The words of plain or of sharded pub/sub."""

    publish: str
    subscribe: str
    unsubscribe: str
    message: bytes
    revoked: bytes | None
    """What the server says, unasked, when a name is another server's from now on."""


PLAIN = Dialect("PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", b"message", None)
SHARDED = Dialect("SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE", b"smessage", b"sunsubscribe")


class Hearer(msgspec.Struct, frozen=True):
    """Who is told what is announced: the name and the message.

    `interrupted` is called each time a feed is connected again: what was announced meanwhile is
    lost. `failed` is told what nobody expected.
    """

    message: Callable[[bytes, bytes], None]
    interrupted: Callable[[], None]
    failed: Callable[[BaseException], None]


class Feeds(Protocol):
    """Subscriptions that outlive connections: at one server, or at several."""

    async def start(self) -> None:
        """Connect, and stay connected until `close`. Returns after the first attempt."""
        ...

    async def subscribe(self, name: str) -> None:
        """Be told of everything that is announced under a name after this returned.

        Raises:
            BrokerError: when it was not subscribed.
        """
        ...

    async def unsubscribe(self, name: str) -> None:
        """Be told no more."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class FeedLine(Line):
    """A line on which announcements come between the answers."""

    def __init__(self, dialect: Dialect, on_message: Callable[[bytes, bytes], None]) -> None:
        super().__init__(SILENCE_S_MAX)
        self._unsubscribe = dialect.unsubscribe
        self._message = dialect.message
        self._revoked = dialect.revoked
        self._on_message = on_message
        self._leaving: set[bytes] = set()

    def take(self, reply: Reply) -> None:
        """Tell what is announced; anything else is an answer."""
        if isinstance(reply, list):
            words = cast("list[bytes]", reply)
            reply = words
            if words[0] == self._message:
                self._on_message(words[1], words[2])
                return
            if words[0] == self._revoked:
                if words[1] not in self._leaving:
                    # The next line will find out where the name is served.
                    self.drop()
                    return
                self._leaving.discard(words[1])
        super().take(reply)

    def unsubscribe(self, name: str) -> None:
        """Be told no more."""
        if self._revoked is not None:
            self._leaving.add(name.encode())
        self.post(self._unsubscribe, name)


class RedisFeed:
    """Subscriptions at one server. See `Feeds` for the promises.

    `missing` is called with a name that the server does not serve (any more).
    """

    def __init__(
        self,
        open_line: Open,
        dialect: Dialect,
        hearer: Hearer,
        *,
        names: Iterable[str] = (),
        missing: Callable[[str], None] | None = None,
    ) -> None:
        self._names = set(names)
        self._open = open_line
        self._dialect = dialect
        self._hearer = hearer
        self._missing = missing
        self._line: FeedLine | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    async def start(self) -> None:
        """Connect, and stay connected; again, it only waits."""
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep())
            self._keeping.add_done_callback(self._ended)
        await self._tried.wait()

    async def close(self) -> None:
        """Disconnect."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def subscribe(self, name: str) -> None:
        """Be told."""
        line = self._line
        if line is None:
            raise BrokerError("the feed is not connected")
        self._names.add(name)
        try:
            await line.ask(self._dialect.subscribe, name)
        except BrokerError:
            self._names.discard(name)
            raise

    async def unsubscribe(self, name: str) -> None:
        """Be told no more."""
        self._names.discard(name)
        if self._line is not None:
            self._line.unsubscribe(name)

    async def _keep(self) -> None:
        while True:
            try:
                line = await self._connect()
            except BrokerError:
                self._tried.set()
                await asyncio.sleep(random.uniform(0, RETRY_S_MAX))  # noqa: S311  jitter
                continue
            self._line = line
            self._tried.set()
            self._hearer.interrupted()
            try:
                await asyncio.shield(line.lost)
            finally:
                self._line = None
                line.drop()

    def _ended(self, keeping: asyncio.Task[None]) -> None:
        self._tried.set()
        if not keeping.cancelled() and (error := keeping.exception()) is not None:
            self._hearer.failed(error)

    async def _connect(self) -> FeedLine:
        dialect, on_message = self._dialect, self._hearer.message
        line = cast("FeedLine", await self._open(lambda: FeedLine(dialect, on_message)))
        try:
            await self._introduce(line)
        except BaseException:
            line.drop()
            raise
        return line

    async def _introduce(self, line: FeedLine) -> None:
        # One by one: in a cluster a command names one slot.
        names = sorted(self._names)
        answers = await line.ask_all([(self._dialect.subscribe, name) for name in names])
        for name, answer in zip(names, answers, strict=True):
            try:
                checked(answer)
            except RefusedError:
                if self._missing is None:
                    raise
                self._missing(name)
        for name in names:
            if name not in self._names:
                # It was given up meanwhile.
                line.unsubscribe(name)
