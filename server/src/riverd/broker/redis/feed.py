"""The feed of one server: what is announced there, under the names that are subscribed."""

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import Protocol, cast

import msgspec

from riverd.broker.redis.connection import (
    OpenConnection,
    RedisConnection,
    RefusedError,
    Reply,
    checked,
)
from riverd.broker.redis.history import state_of
from riverd.broker.redis.scripts import DataHistory
from riverd.errors import BrokerError
from riverd.scheduling.backoff import Backoff
from riverd.scheduling.portions import portions
from riverd.scheduling.tasks import Tasks

SILENCE_S_MAX = 3.0
CHECK_S = 0.5
RETRY_S_FIRST = 0.2
RETRY_S_MAX = 1.0


class PubSubCommands(msgspec.Struct, frozen=True):
    """The command of plain or of sharded pub/sub."""

    publish: str
    subscribe: str
    unsubscribe: str
    message: bytes
    revoked: bytes | None
    """What the server says, unasked, when a name is another server's from now on."""


PLAIN = PubSubCommands("PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", b"message", None)
SHARDED = PubSubCommands("SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE", b"smessage", b"sunsubscribe")


def _always(_history: DataHistory | None) -> bool:
    return True


class FeedListener(msgspec.Struct, frozen=True):
    """Gets what is announced: the name and the message.

    `interrupted` is called each time a feed is connected again: what was announced meanwhile is
    lost. `failed` gets what nobody expected.
    """

    message: Callable[[bytes, bytes], None]
    interrupted: Callable[[], None]
    failed: Callable[[BaseException], None]
    accepts: Callable[[DataHistory | None], bool] = _always
    """Whether what a server with this history announces is for this process."""


class Feeds(Protocol):
    """Subscriptions that outlive connections: at one server, or at several.

    `problem` says why nothing comes from one of them; None while all are connected.
    """

    @property
    def problem(self) -> str | None:
        """See above."""
        ...

    async def start(self) -> None:
        """Connect, and stay connected until `close`. Returns after the first attempt."""
        ...

    async def subscribe(self, name: str) -> None:
        """Receive everything that is announced under a name after this returned.

        Raises:
            BrokerError: when it was not subscribed.
        """
        ...

    async def unsubscribe(self, name: str) -> None:
        """End a subscription."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class FeedConnection(RedisConnection):
    """A connection on which announcements come between the answers.

    All that have come together are taken in one turn: they are sent to subscribers together too.
    """

    taken_at_once = math.inf

    def __init__(self, commands: PubSubCommands, listener: FeedListener) -> None:
        super().__init__(SILENCE_S_MAX)
        self._unsubscribe = commands.unsubscribe
        self._message = commands.message
        self._revoked = commands.revoked
        self._on_message = listener.message
        self._accepts = listener.accepts
        self.history: DataHistory | None = None
        self._leaving: set[bytes] = set()

    def take(self, reply: Reply) -> None:
        """Hand on what is announced; anything else is an answer."""
        if isinstance(reply, list):
            command = cast("list[bytes]", reply)
            reply = command
            if command[0] == self._message:
                if not self._accepts(self.history):
                    self.drop()
                    return
                self._on_message(command[1], command[2])
                return
            if command[0] == self._revoked:
                if command[1] not in self._leaving:
                    # The next connection will find out where the name is served.
                    self.drop()
                    return
                self._leaving.discard(command[1])
        super().take(reply)

    def unsubscribe(self, name: str) -> None:
        """End a subscription."""
        if self._revoked is not None:
            self._leaving.add(name.encode())
        self.post(self._unsubscribe, name)


class RedisFeed:
    """Subscriptions at one server. See `Feeds` for the promises.

    `history` is that of the server which commands go to, where it is known. `missing` is called
    with a name that the server does not serve (any more).
    """

    def __init__(
        self,
        open_connection: OpenConnection,
        commands: PubSubCommands,
        listener: FeedListener,
        *,
        history: Callable[[], DataHistory | None],
        names: Iterable[str] = (),
        missing: Callable[[str], None] | None = None,
    ) -> None:
        self._names = set(names)
        self.problem: str | None = "not connected yet"
        self._open = open_connection
        self._commands = commands
        self._listener = listener
        self._history = history
        self._missing = missing
        self._connection: FeedConnection | None = None
        self._tasks = Tasks(listener.failed)
        self._started = False
        self._tried = asyncio.Event()

    async def start(self) -> None:
        """Connect, and stay connected; again, it only waits."""
        if not self._started:
            self._started = True
            self._tasks.start(self._keep())
        await self._tried.wait()

    async def close(self) -> None:
        """Disconnect."""
        await self._tasks.close()

    async def subscribe(self, name: str) -> None:
        """Subscribe."""
        connection = self._connection
        if connection is None:
            raise BrokerError("the feed is not connected")
        self._names.add(name)
        try:
            await connection.ask(self._commands.subscribe, name)
        except BrokerError:
            self._names.discard(name)
            raise

    async def unsubscribe(self, name: str) -> None:
        """End a subscription."""
        self._names.discard(name)
        if self._connection is not None:
            self._connection.unsubscribe(name)

    async def _keep(self) -> None:
        retry = Backoff(RETRY_S_FIRST, RETRY_S_MAX)
        while True:
            try:
                connection = await self._connect()
            except Exception as error:  # noqa: BLE001  whatever it is, a node without a feed is deaf
                if not isinstance(error, BrokerError):
                    self._listener.failed(error)
                self.problem = str(error) or repr(error)
                await asyncio.sleep(retry.next_s())
                continue
            finally:
                self._tried.set()
            retry.reset()
            self.problem = None
            self._connection = connection
            self._listener.interrupted()
            try:
                while not connection.lost.done() and self._is_current(connection):
                    await asyncio.wait([connection.lost], timeout=CHECK_S)
            finally:
                self._connection = None
                self.problem = "the connection was lost"
                connection.drop()

    def _is_current(self, connection: FeedConnection) -> bool:
        """Whether its server is the one that commands go to: another one announces nothing more."""
        current = self._history()
        return current is None or current.data == connection.history

    async def _connect(self) -> FeedConnection:
        commands, listener = self._commands, self._listener
        connection = cast(
            "FeedConnection", await self._open(lambda: FeedConnection(commands, listener))
        )
        try:
            await self._introduce(connection)
        except BaseException:
            connection.drop()
            raise
        return connection

    async def _introduce(self, connection: FeedConnection) -> None:
        connection.history = (await state_of(connection)).history
        # One by one: in a cluster a command names one slot.
        names = list(self._names)
        async for some in portions(names):
            answers = await connection.ask_all([(self._commands.subscribe, name) for name in some])
            for name, answer in zip(some, answers, strict=True):
                try:
                    checked(answer)
                except RefusedError:
                    if self._missing is None:
                        raise
                    self._missing(name)
        for name in names:
            if name not in self._names:
                # It was given up meanwhile.
                connection.unsubscribe(name)
