"""Calls of a server: those made together share a round trip."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from hiredis import ReplyError

from riverd.broker.redis import keys as names
from riverd.broker.redis.connection import (
    Argument,
    OpenConnection,
    RedisConnection,
    RefusedError,
    Reply,
    UnansweredError,
    before_it_was_sent,
    checked,
    fail,
)
from riverd.broker.redis.history import ServerState, state_in, state_of, term_in
from riverd.broker.redis.scripts import DataHistory, Scripts
from riverd.errors import BrokerError
from riverd.scheduling.tasks import Tasks

SILENCE_S_MAX = 0.75
"""Shorter than the second within which a publisher is answered."""
CONNECT_S_MAX = 0.7
"""Shorter than a publisher is kept waiting: what could not be sent is known not to be accepted."""
RETRY_S = 0.1
CHECK_S = 0.4
CHECKED_S_MAX = 1.0
"""Nothing is asked of a server that has not said for so long that it is the one that it was."""
PROBE_MS = 10_000
WAIT_MS = 500
TERM_QUESTION = ("HMGET", names.TERM, "n", "t")
CLOSED = "the data was flushed, or opened again since"
PORTION = 2_000
"""Commands that are sent together at most: others' calls go in between."""

_ELSEWHERE = ("READONLY", "NOREPLICAS", "MASTERDOWN", "CLOSED")


class Server(Protocol):
    """What is asked of a Redis: of one server, or of the one of several that has the key.

    Everything is carried out in the order in which it is asked. What failed with UnansweredError,
    or with a RefusedError that is not certain, may have been carried out all the same; what failed
    with any other BrokerError was not.
    """

    async def call(
        self,
        script: str,
        keys: Sequence[str],
        *,
        arguments: Sequence[Argument] = (),
        replicated: bool = False,
    ) -> Reply:
        """Run a script; `replicated`: answered only once a replica has what it did."""
        ...

    async def commands(
        self, commands: Sequence[Sequence[Argument]], *, opened: bool = False
    ) -> list[Reply]:
        """Carry out commands, in portions; each has its key after its name.

        `opened`: fail if the data was flushed since, or opened as another term. Then what is not
        there may only be lost.

        Raises:
            BrokerError: when one of them failed.
        """
        ...

    def history(self, key: str) -> DataHistory | None:
        """The history of the server that has a key; None while there is no connection to it."""
        ...

    async def ping(self) -> str:
        """Returns if it answers and takes writes. See `Broker` for what."""
        ...

    async def close(self) -> None:
        """Fail what waits, and disconnect."""
        ...


class Terms(Protocol):
    """Knows in which term a server's data is, and whether this process may be in it."""

    entered: int
    """How many terms this process was in."""

    @property
    def is_over(self) -> bool:
        """Whether it has left the last one, and has not entered another yet."""
        ...

    async def enter(self, connection: RedisConnection, state: ServerState) -> DataHistory:
        """The server's history, with the term in which it is.

        Raises:
            BrokerError: the data is not open yet; it will be soon.
        """
        ...


class CallConnection(RedisConnection):
    """A connection to one history of a server that knows River's scripts.

    It ends when the server has another history, or is no master any more.
    """

    state: ServerState
    history: DataHistory
    """With the term in which this connection is."""
    scripts: Scripts

    def __init__(self) -> None:
        super().__init__(SILENCE_S_MAX)
        self.checked_at = 0.0
        self._check_sent_at = 0.0
        self.entered = 0
        """Of how many terms of this process the connection's is the last."""
        self._introduced = False
        self._wait: asyncio.Future[Reply] | None = None

    async def introduce(self, terms: "Terms | None" = None) -> None:
        """Learn which history this is, try the rights that River needs, give the scripts.

        Raises:
            BrokerError: when it is no master, or does not say, or refuses what River needs.
        """
        asked_at = time.monotonic()
        self.state = await state_of(self)
        await self._try_to_announce()
        self.history = self.state.history
        if terms is not None:
            self.history = await terms.enter(self, self.state)
            self.entered = terms.entered
        self.scripts = Scripts(self.history)
        await self.load()
        self.checked_at = self._check_sent_at = asked_at
        self._introduced = True

    async def load(self) -> None:
        """Give the server the scripts."""
        texts = self.scripts.texts.values()
        for answer in await self.ask_all([("SCRIPT", "LOAD", text) for text in texts]):
            checked(answer)

    async def check(self) -> ServerState:
        """Ask the server whether it is still what it was; otherwise the connection ends."""
        asked_at = self._check_sent_at = time.monotonic()
        return self._compare(await self.ask_all(self._questions()), asked_at)

    def tick(self) -> None:
        """Check again and again, so that nobody has to wait for it."""
        asked_at = time.monotonic()
        if self._introduced and asked_at - self._check_sent_at > CHECK_S:
            self._check_sent_at = asked_at
            sent = [self.send(*question) for question in self._questions()]
            # They are answered in their order.
            sent[-1].add_done_callback(lambda _: self._checked(sent, asked_at))

    def _questions(self) -> list[Sequence[Argument]]:
        if not self.history.term or self.history.others is not None:
            return [("INFO",)]
        # Somebody may have flushed the data: a function gives no signs that would show it.
        return [("INFO",), TERM_QUESTION]

    def _checked(self, answers: Sequence[asyncio.Future[Reply]], asked_at: float) -> None:
        # What they fail with shows as the connection's end.
        failed = [one for one in answers if one.cancelled() or one.exception() is not None]
        if not failed:
            with contextlib.suppress(BrokerError):
                self._compare([one.result() for one in answers], asked_at)

    def _compare(self, answers: Sequence[Reply], asked_at: float) -> ServerState:
        try:
            state = state_in(answers[0])
            if state.history != self.state.history:
                raise BrokerError("the server has another history of its data by now")
            if len(answers) > 1 and self.has_lost(answers[1]):
                raise BrokerError(CLOSED)
        except BrokerError:
            self.drop()
            raise
        self.checked_at = asked_at
        return state

    def has_lost(self, answer: Reply) -> bool:
        """Whether what is said to `TERM_QUESTION` is another term than this connection's."""
        return bool(self.history.term) and term_in(answer) != self.history.term

    async def replicated(self) -> None:
        """Wait until a replica has what was done on this connection up to now.

        Raises:
            UnansweredError: when none said so in time.
        """
        if self._wait is None:
            self._wait = self.send("WAIT", 1, WAIT_MS)
            asyncio.get_running_loop().call_soon(self._wait_was_sent)
        if not cast("int", checked(await asyncio.shield(self._wait))):
            raise UnansweredError("no replica has it yet")

    def _wait_was_sent(self) -> None:
        # What is done from now on needs another one.
        self._wait = None

    async def _try_to_announce(self) -> None:
        # Users may have the keys and not the channels: then what they publish reaches nobody.
        command = "SPUBLISH" if self.state.is_clustered else "PUBLISH"
        try:
            await self.ask(command, names.PROBE_FEED, "")
        except RefusedError as error:
            if error.reply.startswith("NOPERM"):
                raise BrokerError(
                    f"the broker's user may not {command} to river:* (ACL: &river:*)"
                ) from None


class Calls:
    """Asks one server. See `Server` for the promises.

    `may_write` raises a BrokerError when the master of this connection may have been replaced.
    """

    def __init__(
        self,
        open_connection: OpenConnection,
        tasks: Tasks,
        *,
        may_write: Callable[[CallConnection], None],
        terms: Terms | None = None,
    ) -> None:
        self._open = open_connection
        self._terms = terms
        self._tasks = tasks
        self._may_write = may_write
        self._connection: CallConnection | None = None
        self._connecting: asyncio.Future[CallConnection] | None = None
        self._failure: BrokerError | None = None
        self._retry_at = 0.0

    def history(self, key: str) -> DataHistory | None:
        """The history with which we speak."""
        del key
        connection = self._connection
        if connection is None or connection.lost.done():
            return None
        return connection.history

    async def call(
        self,
        script: str,
        keys: Sequence[str],
        *,
        arguments: Sequence[Argument] = (),
        replicated: bool = False,
    ) -> Reply:
        """Run a script, loaded again if need be."""
        connection = await self._ready()
        reply = await self._run(connection, script, keys, arguments)
        if replicated:
            await connection.replicated()
        return reply

    async def _run(
        self,
        connection: CallConnection,
        script: str,
        keys: Sequence[str],
        arguments: Sequence[Argument],
    ) -> Reply:
        command = ("EVALSHA", connection.scripts.hashes[script], len(keys), *keys, *arguments)
        try:
            try:
                return checked(await connection.send(*command))
            except RefusedError as error:
                if not error.reply.startswith("NOSCRIPT"):
                    raise
            # Somebody flushed the scripts.
            with before_it_was_sent():
                await connection.load()
            return checked(await connection.send(*command))
        except RefusedError as error:
            _look_at(connection, error.reply)
            raise

    async def commands(
        self, commands: Sequence[Sequence[Argument]], *, opened: bool = False
    ) -> list[Reply]:
        """Carry out commands in as few round trips as are good for others."""
        if not opened:
            return [checked(answer) for answer in await self.answers(commands)]
        # Asked after the others: whatever became of the data before these, this one says it.
        *answers, term = await self.answers([*commands, TERM_QUESTION])
        connection = self._connection
        if connection is None or connection.has_lost(term):
            self.reset()
            raise BrokerError(CLOSED)
        return [checked(answer) for answer in answers]

    async def answers(self, commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        """What is answered to commands, errors of the server among them."""
        answers: list[Reply] = []
        for start in range(0, len(commands), PORTION):
            connection = await self._ready()
            answers += await connection.ask_all(commands[start : start + PORTION])
            for answer in answers[start:]:
                if isinstance(answer, ReplyError):
                    _look_at(connection, str(answer))
        return answers

    async def ping(self) -> str:
        """Returns if the server is still the one that it was, and takes writes."""
        connection = await self._ready()
        state = await connection.check()
        try:
            await connection.ask("SET", names.PROBE, 1, "PX", PROBE_MS)
        except RefusedError as error:
            _look_at(connection, error.reply)
            raise
        return state.evicts_by

    def reset(self) -> None:
        """The next call finds out anew in which term the data is."""
        if self._connection is not None:
            self._connection.drop()

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

    async def _ready(self) -> CallConnection:
        connection = self._connection
        if connection is not None and connection.is_suspect:
            # A function has no timers between its invocations, and a process may have been busy.
            await connection.settle()
        if connection is None or connection.lost.done():
            connection = await self._connected()
        elif connection.is_full:
            raise BrokerError("too much waits for the broker")
        if time.monotonic() - connection.checked_at > CHECKED_S_MAX:
            # A function that was frozen, or a process: its server may have been replaced meanwhile.
            with before_it_was_sent():
                await connection.check()
        self._may_write(connection)
        return connection

    async def _connected(self) -> CallConnection:
        if self._connecting is None:
            if self._failure is not None and time.monotonic() < self._retry_at:
                raise self._failure
            self._connecting = asyncio.get_running_loop().create_future()
            self._tasks.start(self._connect(self._connecting))
        return await asyncio.shield(self._connecting)

    async def _connect(self, connected: asyncio.Future[CallConnection]) -> None:
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                connection = cast("CallConnection", await self._open(CallConnection))
                try:
                    await connection.introduce(self._terms)
                except BaseException:
                    connection.drop()
                    raise
        except (BrokerError, TimeoutError) as error:
            # Whatever it was: what is waiting for the connection was not sent.
            self._failure = BrokerError(str(error) or "the broker does not answer")
            self._retry_at = time.monotonic() + RETRY_S
            fail(connected, self._failure)
        else:
            self._connection = connection
            if not connected.done():
                connected.set_result(connection)
        finally:
            fail(connected, BrokerError("closing"))
            self._connecting = None


def _look_at(connection: CallConnection, refusal: str) -> None:
    # Before Redis 7, what a script ran into comes with other text before it.
    if any(code in refusal for code in _ELSEWHERE):
        # The master may be another server by now, or its data was flushed.
        connection.drop()
