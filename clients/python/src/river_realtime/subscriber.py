"""Subscribes to channels, through lost connections, without losing anything in silence."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Literal, Self

from river_realtime.delivery_queue import DeliveryQueue
from river_realtime.errors import ConnectionLostError, RiverError, UnreachableError, UsageError
from river_realtime.parsing import Object
from river_realtime.protocol import (
    PASSING,
    USER,
    Delivery,
    NotRiverError,
    SubscriberProtocol,
    reload_after_s,
)
from river_realtime.token_source import Token, TokenSource, renew_in_s
from river_realtime.transports import AnyConnection, TransportName, Transports
from river_realtime.values import Gap, Position

State = Literal["connecting", "connected", "waiting", "closed"]

TIMEOUT_S = 10.0
RETRY_S_FIRST = 0.5
RETRY_S_MAX = 20.0
STABLE_S = 10.0
_DOUBLINGS_MAX = 10
_FINAL = (4400, 4403)
_NOT_AUTHENTICATED = 4401
# Refusals of a token that a later attempt mends, with the same token or another.
_CURED_BY_TIME = ("token_not_yet_valid", "token_revoked_recently")

log = logging.getLogger("river_realtime")


class Subscriber:
    """An async iterator over what happens in some channels.

        async with Subscriber("http://localhost:8000", token, "dogs", "cats") as subscriber:
            async for delivery in subscriber:
                ...

    It gives `Event`s once and in order, a `Gap` where something is lost, and on channels with
    presence `Presence` (the members), `Joined` and `Left`. After a lost connection it opens
    another and goes on where it was; `state`, `reason` and the log `river_realtime` say what it is
    doing. If the program falls behind, about a thousand deliveries wait here, the rest at the
    server. An event that Python cannot hold (an integer of more than 4,300 digits) becomes a `Gap`.
    After a gap that many had at once, the `Gap` comes at a time of its own for each.

    `token` is a text or a function, with or without await, which is called for each connection and
    before a token ends. If it fails it is called again. One without await runs in a thread.

    The channel `#user` is what the back end publishes to the token's user. The server subscribes to
    it with the token, so it is named here or not at all.

    With `history` a new channel begins with up to so many of its last events. `timeout_s` is how
    long River, or the token function, may take to answer; a dead connection is noticed within
    twice that time.

    With `transport="stream"` it uses HTTP streaming, for networks that let no WebSocket through.
    The promises are the same, for up to 50 channels; a dead connection is noticed within 40 s; an
    event that no history keeps may be lost when a channel is added or left. `transport="auto"`
    uses a stream when a WebSocket is refused, or two in a row fail or are cut within a minute, and
    tries a WebSocket again when the stream has ended. `connected_by` says what is used now.

    `session` is what `exclude` calls this subscriber, once it is connected: its publications that
    exclude it are not given to it. It stays the same when the subscriber reconnects.

    Iterating raises RiverError when River refuses: a token (from a function: two in a row), or a
    user disconnected by the back end, which is the end; or a channel without a grant, or one that
    the back end removed the user from, after which the others can be iterated on. It raises
    UnreachableError when the first connection finds something else than River's gateway at the
    address.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *channels: str,
        history: int = 0,
        timeout_s: float = TIMEOUT_S,
        transport: TransportName = "websocket",
    ) -> None:
        if wrong := [name for name in channels if not isinstance(name, str)]:  # pyright: ignore[reportUnnecessaryIsInstance]
            reason = f"channels: names, one argument each (*channels for a list), not {wrong[0]!r}"
            raise UsageError("option_invalid", reason)
        self._transports = Transports(url, transport)
        self._tokens = TokenSource(token, timeout_s=timeout_s)
        self._timeout_s = timeout_s
        self._protocol = SubscriberProtocol(history, dict.fromkeys(channels))
        self._queue = DeliveryQueue()
        self._following: asyncio.Task[None] | None = None
        self._opened = set[AnyConnection]()
        self._closing = set[asyncio.Task[None]]()
        self._connection: AnyConnection | None = None
        self._was_connected = False
        self._failures = 0
        self._refusals = 0
        self._outage = asyncio.Event()
        """The connection that the server asked to leave has ended before there was another."""
        self.state: State = "closed"
        self.reason = "not started"
        self.connected_by = ""
        self.session: str | None = None
        self._session_secret: str | None = None

    async def subscribe(
        self, channel: str, *, after: Position | None = None, history: int | None = None
    ) -> None:
        """Subscribe to one more channel: from now on, after a position, or with its last events.

        `after` is for a program that keeps the position of the last event it has dealt with. What
        cannot be had any more after it is reported by a `Gap`.
        """
        if channel == USER:
            raise UsageError("option_invalid", f"{USER} is named when the subscriber is made")
        if channel not in self._protocol.positions:
            message = self._protocol.new_subscription(channel, after=after, history=history)
            await self._send(message)

    async def unsubscribe(self, channel: str) -> None:
        """Unsubscribe from a channel. What was received of it before may still come."""
        if channel in self._protocol.positions:
            await self._send(self._protocol.unsubscription(channel))

    async def __aenter__(self) -> Self:
        # One of this event loop.
        self._queue = DeliveryQueue(self._queue)
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect. Iterating ends after what has been received."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self

    async def __anext__(self) -> Delivery:
        if self._following is None:
            raise UsageError("option_invalid", "enter it first: async with Subscriber(...)")
        delivery = await self._queue.take()
        if delivery is None:
            raise StopAsyncIteration
        return delivery

    async def _follow(self) -> None:
        """Connection after connection. The end is reported to those who iterate."""
        final: BaseException | None = None
        try:
            previous, connection = None, await self._open()
            while True:
                previous, connection = connection, await self._attend(connection, previous)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            final = error
            raise
        finally:
            self.state, self.reason = "closed", str(final or "closed by the program")
            self._queue.end(final)
            for one in list(self._opened):
                self._release(one)

    async def _open(self) -> AnyConnection:
        """Another connection, after as many attempts as it takes.

        Raises:
            RiverError: no attempt would succeed.
        """
        while True:
            self._report("connecting", "opening the connection")
            try:
                connection = await self._attempt()
            except ConnectionLostError as lost:
                self._raise_if_final(lost)
                await self._wait(lost)
            else:
                self._opened.add(connection)
                self._was_connected, self._refusals = True, 0
                self._note_session(connection)
                return connection

    async def _attempt(self) -> AnyConnection:
        """One attempt, and another at once where that was the last WebSocket for now.

        Raises:
            ConnectionLostError: there is no token, or no connection.
        """
        while True:
            # One that cannot be had says nothing of the transport.
            token, way = await self._tokens.fresh(), self._transports.current
            try:
                connection = await way.connection_class.open(
                    way.url,
                    token,
                    proxy=way.proxy,
                    timeout_s=self._timeout_s,
                    session_secret=self._session_secret,
                    user_position=self._protocol.positions.get(USER),
                )
            except ConnectionLostError as lost:
                if not self._transports.change_after(lost):
                    raise
            else:
                self.connected_by = way.name
                return connection

    def _note_session(self, connection: AnyConnection) -> None:
        """Keep the first session, for as long as servers know it again."""
        if self.session is None or connection.continued not in (None, self.session):
            self.session, self._session_secret = connection.session, connection.session_secret

    async def _attend(
        self, connection: AnyConnection, previous: AnyConnection | None
    ) -> AnyConnection:
        """Read a connection until the next one is open, which is returned.

        The previous one is closed when this one has taken over its subscriptions. One that the
        server asks to leave is read on until the next one is open.
        """
        self._connection = connection
        self._outage.clear()
        self._report("connected", f"connected as {connection.user}")
        moving = asyncio.create_task(self._move(connection))
        renewing = asyncio.create_task(self._renew(connection))
        try:
            lost = await self._read_until(moving, connection=connection, previous=previous)
            self._connection = None
            if lost is not None and not connection.leaving.is_set():
                lived_s = time.monotonic() - connection.opened_at
                self._transports.change_after(lost, lived_s=lived_s)
                self._raise_if_final(lost)
                await self._wait(lost)
                return await self._open()
            self._outage.set()
            return await moving
        finally:
            self._connection = None
            moving.cancel()
            renewing.cancel()

    async def _read_until(
        self,
        moving: asyncio.Future[AnyConnection],
        *,
        connection: AnyConnection,
        previous: AnyConnection | None,
    ) -> ConnectionLostError | None:
        """Read until it is lost, or until another is open: then stop between two messages."""
        reading = asyncio.create_task(self._read(connection, previous))
        try:
            await asyncio.wait((reading, moving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            (lost,) = await asyncio.gather(reading, return_exceptions=True)
            if time.monotonic() - connection.opened_at >= STABLE_S:
                self._failures = 0
        if isinstance(lost, ConnectionLostError):
            self._release(connection)
            return lost
        if lost is not None and not isinstance(lost, asyncio.CancelledError):
            raise lost
        return None

    async def _read(self, connection: AnyConnection, previous: AnyConnection | None) -> None:
        self._take(connection.greeting)
        for message in self._protocol.opening():
            await connection.send(message)
        while True:
            self._take(await connection.receive())
            if previous is not None and self._protocol.is_settled:
                self._release(previous)
                previous = None
            await self._queue.room()

    def _take(self, message: Object) -> None:
        try:
            deliveries = self._protocol.receive(message)
        except NotRiverError as error:
            raise ConnectionLostError(f"what answers does not speak River: {error}") from None
        except RiverError as error:
            if error.code in PASSING:
                raise ConnectionLostError(error.message, error_code=error.code) from None
            self._queue.put_error(error)
            return
        after_s = reload_after_s(message)
        for delivery in deliveries:
            self._queue.put(delivery, after_s=after_s if isinstance(delivery, Gap) else 0.0)

    async def _move(self, connection: AnyConnection) -> AnyConnection:
        """Open another connection when the server asks to leave this one."""
        await connection.leaving.wait()
        await asyncio.sleep(connection.leave_after_s)
        log.info("moving to another connection: the server asked for it")
        # Whatever failed before: this server worked until it said goodbye.
        self._failures = 0
        return await self._open()

    async def _renew(self, connection: AnyConnection) -> None:
        """Have a new token before the old one ends."""
        while self._tokens.is_renewable:
            await connection.accepted.wait()
            connection.accepted.clear()
            if connection.expires_at is not None:
                await asyncio.sleep(renew_in_s(connection.expires_at))
                await self._send_another_token(connection)

    async def _send_another_token(self, connection: AnyConnection) -> None:
        while True:
            try:
                token = await self._tokens.fresh()
            except ConnectionLostError as lost:
                # The old token still serves; if it ends before there is another, River says so.
                log.warning("no new token: %s", lost.reason)
                await asyncio.sleep(random.uniform(0, RETRY_S_MAX))  # noqa: S311  jitter
            else:
                return await connection.authenticate(token)

    def _raise_if_final(self, lost: ConnectionLostError) -> None:
        """Raise RiverError if no other connection would change anything."""
        refused = RiverError(lost.error_code or "closed", lost.reason, status=lost.code)
        if lost.code in _FINAL:
            raise refused from None
        if lost.code == _NOT_AUTHENTICATED and lost.error_code not in _CURED_BY_TIME:
            self._refusals += 1
            if self._refusals > 1 or not self._tokens.is_renewable:
                raise refused from None
        if lost.is_wrong_address and not self._was_connected:
            raise UnreachableError("unexpected_answer", lost.reason) from None

    async def _wait(self, lost: ConnectionLostError) -> None:
        wait_s = max(backoff_s(self._failures), lost.retry_after_s)
        self._failures += 1
        self._report("waiting", lost.reason)
        log.warning("%s; next attempt in %.1f s", lost.reason, wait_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._outage.wait()
            # Attempts that failed while it served have backed off: the outage begins only now.
            self._outage.clear()
            self._failures = 1
            await asyncio.sleep(backoff_s(0))

    def _report(self, state: State, reason: str) -> None:
        # While another connection is opened, the one that the server asked to leave still serves.
        if self._connection is None or state == "connected":
            self.state, self.reason = state, reason

    async def _send(self, message: str) -> None:
        # Without a connection, or if it breaks now, the next one begins with all subscriptions.
        if self._connection is not None:
            await self._connection.send(message)

    def _release(self, connection: AnyConnection) -> None:
        """Close a connection without waiting for the other side."""
        self._opened.discard(connection)
        closing = asyncio.create_task(connection.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def backoff_s(failures: int) -> float:
    """Full jitter: many who lost the same server at the same moment come back spread out."""
    limit_s = min(RETRY_S_MAX, RETRY_S_FIRST * 2 ** min(failures, _DOUBLINGS_MAX))
    return random.uniform(0, limit_s)  # noqa: S311  jitter
