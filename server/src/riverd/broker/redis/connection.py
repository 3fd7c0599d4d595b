"""One connection to a Redis: commands out, answers in, by hiredis straight from the socket.

The client library takes 25 us of a core for each call and 15 for each message; this takes 5 and 1.
It also never changes servers in secret: a connection ends with the run of its server, and that is
what River's promises rest on.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from typing import TypeVar, cast

import hiredis

from riverd.broker.redis.stored import UnreadableError
from riverd.errors import BrokerError

TICK_S = 0.1
READ_S = 0.01
"""In which a loop that was busy reads what has come meanwhile."""
PING_S = 1.0
WAITING_MAX = 20_000
UNSENT_BYTES_MAX = 67_108_864

ANSWERS_AT_ONCE = 128
"""In one turn of the loop: who waited for one of them goes on in the next."""

_BEFORE_THE_FIRST_WRITE = (
    "ASK ",
    "BUSY ",
    "CLOSED ",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED ",
    "NOAUTH",
    "NOPERM",
    "NOREPLICAS",
    "NOSCRIPT",
    "OOM ",
    "READONLY",
    "TRYAGAIN",
    "WRONGPASS",
)

T = TypeVar("T")
Argument = str | bytes | int
Reply = object
"""What hiredis makes of an answer; an error is one too (`hiredis.ReplyError`)."""
OpenConnection = Callable[[Callable[[], "RedisConnection"]], Awaitable["RedisConnection"]]
"""Opens a connection of the kind that it is given, to the server that is the master now."""


class RefusedError(BrokerError):
    """The server answered with an error. `reply` is its text."""

    def __init__(self, reply: str) -> None:
        super().__init__(f"the broker refused: {reply}")
        self.reply = reply

    @property
    def is_certain(self) -> bool:
        """Whether nothing was done: these come before the first write, any other may come after."""
        # What a script ran into, and before Redis 7 anything in one, comes with text before it.
        return any(code in self.reply for code in _BEFORE_THE_FIRST_WRITE)


class UnansweredError(BrokerError):
    """A command was sent and not answered: it may have been carried out, or be so later."""


class RedisConnection(asyncio.Protocol):
    """Answers come in the order of the commands.

    A connection that is silent for `silence_s` while an answer is due is dropped; an idle one is
    pinged, so that its end is noticed.
    """

    taken_at_once: float = ANSWERS_AT_ONCE
    """How much of what has come together is handed out in one turn."""

    def __init__(self, silence_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._unsent: list[bytes] = []
        self._has_more = self._is_paused = self._is_over = False
        """Whether answers have come that are handed out with the next turns."""
        self._transport: asyncio.Transport | None = None
        self._silence_s = silence_s
        self._received_at = self._waits_since = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._verdict: asyncio.Future[None] | None = None
        self.lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_full(self) -> bool:
        """Whether so much waits here that more would only wait in vain."""
        transport = self._transport
        return len(self._waiting) >= WAITING_MAX or (
            transport is not None and transport.get_write_buffer_size() > UNSENT_BYTES_MAX
        )

    @property
    def is_silent(self) -> bool:
        """Whether an answer has been due for too long: what has come is handed out first."""
        since = max(self._received_at, self._waits_since)
        is_due = not self._has_more and len(self._waiting) > len(self._unsent)
        return is_due and self._loop.time() - since > self._silence_s

    def send(self, *command: Argument) -> asyncio.Future[Reply]:
        """Send a command; what is sent in one turn of the loop goes in one write.

        The future fails if the connection is lost before the answer came: with UnansweredError if
        any of it may have been sent, otherwise with another BrokerError.
        """
        done: asyncio.Future[Reply] = self._loop.create_future()
        if self.lost.done():
            done.set_exception(BrokerError("the connection to the broker was lost"))
            return done
        self._waiting.append(done)
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(_packed(command))
        return done

    def post(self, *command: Argument) -> None:
        """Send a command whose answer nobody wants."""
        self.send(*command).add_done_callback(_unread)

    async def ask(self, *command: Argument) -> Reply:
        """Send a command; its answer.

        Raises:
            RefusedError: when the answer is an error.
            BrokerError: when the connection was lost.
        """
        return checked(await self.send(*command))

    async def ask_all(self, commands: Iterable[Sequence[Argument]]) -> list[Reply]:
        """Send commands in one write; their answers, errors of the server among them.

        Raises:
            BrokerError: when the connection was lost.
        """
        sent = [self.send(*command) for command in commands]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BrokerError):
                raise answer
        return answers

    @property
    def is_suspect(self) -> bool:
        """Whether an answer is overdue, unless it is there and was not read yet."""
        return self._verdict is not None or self.is_silent

    async def settle(self) -> None:
        """Wait until what is there has been read: an answer came, or this connection ends.

        All who ask meanwhile wait for the same: their order stays.
        """
        if self._verdict is None:
            self._verdict = self._loop.create_future()
            self._loop.call_later(READ_S, self._judge)
        await asyncio.shield(self._verdict)

    def drop(self) -> None:
        """Give the connection up: it is lost from now on."""
        self._lose()
        if self._transport is not None:
            self._transport.abort()

    # For the loop: see asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to watch for silence."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits for an answer."""
        del exc
        if self._timer is not None:
            self._timer.cancel()
        # What came before the end was answered.
        self._hand_out(math.inf)
        self._is_over = True
        self._lose()
        sent = len(self._waiting) - len(self._unsent)
        for number, waiting in enumerate(self._waiting):
            if not waiting.done():
                kind = UnansweredError if number < sent else BrokerError
                waiting.set_exception(kind("the connection to the broker was lost"))
        self._waiting.clear()
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        """Hand out what is complete, or some of it."""
        self._received_at = self._loop.time()
        try:
            self._reader.feed(data)
        except hiredis.ProtocolError:
            self.drop()
            return
        if not self._has_more:
            self._hand_out_some()

    def _hand_out_some(self) -> None:
        if self._is_over:
            return
        self._has_more = self._hand_out(self.taken_at_once)
        if self._has_more:
            # Nothing is read meanwhile: what waits here stays as much as one read brings.
            self._pause(True)
            self._loop.call_soon(self._hand_out_some)
        elif self._is_paused:
            self._received_at = self._loop.time()
            self._pause(False)

    def _hand_out(self, count: float) -> bool:
        """Hand out so many; whether there may be more."""
        reader = self._reader
        try:
            while count > 0:
                # False stands for "not complete yet"; no reply of Redis is it.
                if (reply := reader.gets()) is False:
                    return False
                self.take(reply)
                count -= 1
        except hiredis.ProtocolError:
            self.drop()
            return False
        return True

    def _pause(self, wanted: bool) -> None:  # noqa: FBT001  the state itself
        transport = self._transport
        if wanted is self._is_paused or transport is None or transport.is_closing():
            return
        self._is_paused = wanted
        if wanted:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def tick(self) -> None:
        """Called ten times a second, for kinds of connections that have something to watch."""

    def take(self, reply: Reply) -> None:
        """Give an answer to the command that has waited longest."""
        if self._waiting:
            done = self._waiting.popleft()
            if not done.done():
                done.set_result(reply)

    def _lose(self) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def _flush(self) -> None:
        # One that is closing is lost in a moment: what was not written was not sent.
        transport = self._transport
        if transport is not None and not transport.is_closing() and not self.lost.done():
            if len(self._waiting) == len(self._unsent):
                self._waits_since = self._loop.time()
            unsent, self._unsent = self._unsent, []
            transport.write(b"".join(unsent))

    def _tick(self) -> None:
        self.tick()
        if self.is_silent and self._verdict is None:
            self._loop.call_later(READ_S, self._judge)
        if not self._waiting and self._loop.time() - self._received_at > PING_S:
            self.post("PING")
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def _judge(self) -> None:
        if self.is_silent:
            self.drop()
        verdict, self._verdict = self._verdict, None
        if verdict is not None:
            verdict.set_result(None)


def checked(reply: Reply) -> Reply:
    """An answer that is none of the server's errors.

    Raises:
        RefusedError: when it is one.
    """
    if isinstance(reply, hiredis.ReplyError):
        raise RefusedError(str(reply))
    return reply


def fail(future: asyncio.Future[T], error: BrokerError) -> None:
    """Fail what still waits, also if nobody listens any more."""
    if not future.done():
        future.set_exception(error)
        future.exception()


@contextlib.contextmanager
def before_it_was_sent() -> Generator[None]:
    """What fails here is another thing than what was asked for: that was not done."""
    try:
        yield
    except (UnansweredError, UnreadableError) as error:
        raise BrokerError(error.message) from None


def _packed(command: tuple[Argument, ...]) -> bytes:
    return cast("bytes", hiredis.pack_command(cast("tuple[str]", command)))


def _unread(answer: asyncio.Future[Reply]) -> None:
    """Look at a failure that nobody waits for: it shows as the connection's end."""
    if not answer.cancelled():
        answer.exception()
