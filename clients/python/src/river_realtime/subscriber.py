"""Hears channels, through lost connections, without missing anything in silence."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Literal, Self

from river_realtime.addresses import websocket_url
from river_realtime.calls import Object
from river_realtime.conversation import PASSING, Conversation, Heard, NotRiverError
from river_realtime.errors import LostError, RiverError, UnreachableError
from river_realtime.inbox import Inbox
from river_realtime.line import Line
from river_realtime.token_source import Token, TokenSource, renew_in_s
from river_realtime.values import Position

State = Literal["connecting", "connected", "waiting", "closed"]

TIMEOUT_S = 10.0
RETRY_S_FIRST = 0.5
RETRY_S_MAX = 20.0
STABLE_S = 10.0
_DOUBLINGS_MAX = 10
_FINAL = (4400, 4403)
_NOT_AUTHENTICATED = 4401

log = logging.getLogger("river_realtime")


class Subscriber:
    """An async iterator over what happens in some channels.

        async with Subscriber("http://localhost:8000", token, "dogs", "cats") as subscriber:
            async for heard in subscriber:
                ...

    It gives `Event`s once and in order, a `Gap` where something cannot be had any more, and on
    `presence-` channels `Presence` (the members), `Joined` and `Left`. A lost connection is made
    again, with full jitter, and goes on where it was; why is told by `state` and `reason`, and in
    the log `river_realtime`. A program that does not take what comes is not buried: no more than
    about a thousand wait here, the rest at the server.

    `token` is a text or a function, with or without await, which is asked for each connection and
    before a token ends. One that fails is asked again. One without await runs in a thread.

    With `history` a new channel begins with up to so many of its last events. `timeout_s` is how
    long River, or the token function, may take to answer; a line that died without a word is
    noticed within twice that time.

    Iterating raises RiverError when River refuses: a token (from a function: two in a row), or a
    user disconnected by the back end, which is the end; or a channel without a grant, after which
    the others can be iterated on. It raises UnreachableError when the first connection finds
    something else than River at the address.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *channels: str,
        history: int = 0,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._url = websocket_url(url)
        self._tokens = TokenSource(token, timeout_s=timeout_s)
        self._timeout_s = timeout_s
        self._talk = Conversation(history, dict.fromkeys(channels))
        self._inbox = Inbox()
        self._following: asyncio.Task[None] | None = None
        self._line: Line | None = None
        self._was_connected = False
        self._failures = 0
        self._refusals = 0
        self.state: State = "closed"
        self.reason = "not started"

    async def subscribe(
        self, channel: str, *, after: Position | None = None, history: int | None = None
    ) -> None:
        """Hear one more channel: from now on, after a position, or with some of its last events.

        `after` is for a program that keeps the position of the last event it has dealt with. What
        cannot be had any more after it is told as a `Gap`.
        """
        if channel not in self._talk.positions:
            await self._say(self._talk.want(channel, after=after, history=history))

    async def unsubscribe(self, channel: str) -> None:
        """Hear a channel no more. What was heard of it before may still come."""
        if channel in self._talk.positions:
            await self._say(self._talk.unsubscription(channel))

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect. Iterating ends after what has been heard."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    def __aiter__(self) -> AsyncIterator[Heard]:
        return self

    async def __anext__(self) -> Heard:
        if self._following is None:
            raise RuntimeError("enter the subscriber first: async with Subscriber(...)")
        heard = await self._inbox.take()
        if heard is None:
            raise StopAsyncIteration
        return heard

    async def _follow(self) -> None:
        """Connection after connection. However it ends, those who iterate are told."""
        why: BaseException | None = None
        old: Line | None = None
        try:
            while True:
                try:
                    old = await self._connect(old)
                except LostError as lost:
                    old = None
                    self._judge(lost)
                    await self._wait(lost)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            why = error
            raise
        finally:
            self.state, self.reason = "closed", str(why or "closed by the program")
            self._inbox.end(why)

    async def _connect(self, old: Line | None) -> Line:
        """One connection, until the server asks to move: it is returned, and still open then.

        `old` is closed when this one has taken over. Raises LostError at the end.
        """
        line: Line | None = None
        try:
            self.state, self.reason = "connecting", "opening the connection"
            token = await self._tokens.fresh()
            line = await Line.open(self._url, token, timeout_s=self._timeout_s)
            self._opened(line)
            await self._attend(line, old)
        except BaseException:
            self._line = None
            if line is not None:
                await line.close()
            raise
        finally:
            if old is not None:
                await old.close()
        return line

    def _opened(self, line: Line) -> None:
        self._was_connected = True
        self._refusals = 0
        self._line = line
        self.state, self.reason = "connected", f"connected as {line.user}"

    async def _attend(self, line: Line, old: Line | None) -> None:
        """Hear a connection, and keep its token young, until it is time to move."""
        renewing = asyncio.create_task(self._renew(line))
        try:
            async with asyncio.timeout(None) as patience:
                for words in self._talk.opening():
                    await line.say(words)
                while True:
                    self._take(await line.hear())
                    patience.reschedule(line.move_at)
                    if old is not None and self._talk.is_settled:
                        await old.close()
                        old = None
                    await self._inbox.room()
        except TimeoutError:
            log.info("moving: the server asked for it")
        finally:
            self._line = None
            renewing.cancel()
            if time.monotonic() - line.opened_at >= STABLE_S:
                self._failures = 0

    def _take(self, told: Object) -> None:
        try:
            for heard in self._talk.hear(told):
                self._inbox.put(heard)
        except NotRiverError as error:
            raise LostError(f"what answers does not speak River: {error}") from None
        except RiverError as error:
            if error.code in PASSING:
                raise LostError(error.message, told=error.code) from None
            self._inbox.put(error)

    async def _renew(self, line: Line) -> None:
        """Have a new token before the old one ends."""
        while self._tokens.is_renewable:
            await line.accepted.wait()
            line.accepted.clear()
            if line.expires_at is not None:
                await asyncio.sleep(renew_in_s(line.expires_at))
                await self._show_another_token(line)

    async def _show_another_token(self, line: Line) -> None:
        while True:
            try:
                token = await self._tokens.fresh()
            except LostError as lost:
                # The old token still serves; if it ends before there is another, River says so.
                log.warning("no new token: %s", lost.reason)
                await asyncio.sleep(random.uniform(0, RETRY_S_MAX))  # noqa: S311  jitter
            else:
                return await line.renew(token)

    def _judge(self, lost: LostError) -> None:
        """Raise what no other connection would mend."""
        refused = RiverError(lost.told or "closed", lost.reason, status=lost.code)
        if lost.code in _FINAL:
            raise refused from None
        if lost.code == _NOT_AUTHENTICATED:
            self._refusals += 1
            if self._refusals > 1 or not self._tokens.is_renewable:
                raise refused from None
        if lost.wrong_place and not self._was_connected:
            raise UnreachableError(lost.reason) from None

    async def _wait(self, lost: LostError) -> None:
        wait_s = max(backoff_s(self._failures), lost.retry_after_s)
        self._failures += 1
        self.state, self.reason = "waiting", lost.reason
        log.warning("%s; next attempt in %.1f s", lost.reason, wait_s)
        await asyncio.sleep(wait_s)

    async def _say(self, text: str) -> None:
        # Without a connection, or when it breaks now, the next one begins with all that is wanted.
        if self._line is not None:
            await self._line.say(text)


def backoff_s(failures: int) -> float:
    """Full jitter: who lost the same server in the same moment comes back spread out."""
    limit_s = min(RETRY_S_MAX, RETRY_S_FIRST * 2 ** min(failures, _DOUBLINGS_MAX))
    return random.uniform(0, limit_s)  # noqa: S311  jitter
