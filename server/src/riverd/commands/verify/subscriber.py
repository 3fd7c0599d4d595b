"""A subscriber that writes down what it receives, and comes back when it is cut off."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from riverd.commands.subscribe import proxy_for
from riverd.commands.verify.history import (
    ChannelRecord,
    MemberChange,
    Observation,
    Observed,
    PresenceRecord,
)

OPEN_S_MAX = 10.0
PAUSE_S = 0.2
FINAL_CODES = (4400, 4401, 4403)
Json = dict[str, Any]


class VerifySubscriber:
    """One user with one connection after another, and a reading of each of its channels.

    `live` is set while all its subscriptions are confirmed. On channels with members it keeps a
    watch. `refused` says why it came to nothing, if it did.
    """

    def __init__(self, gateway: str, user: str, *, token: str, channels: Iterable[str]) -> None:
        self.user = user
        self.readings = {name: ChannelRecord(user, name) for name in channels}
        self.watches: dict[str, PresenceRecord] = {}
        self.live = asyncio.Event()
        self.refused = ""
        self.connections = 0
        self._gateway = gateway
        self._token = token
        self._positions: dict[str, tuple[str, int]] = {}
        self._confirmed = set[str]()
        self._connection: ClientConnection | None = None
        self._is_over = False
        self.news = asyncio.Event()
        """Set whenever something came."""

    async def run(self) -> None:
        """Connect, and again after whatever happens, until `stop`."""
        while not self._is_over and not self.refused:
            try:
                await self._follow()
            except ConnectionClosed as error:
                self._closed(error)
            except (OSError, WebSocketException, TimeoutError) as error:
                if not self.connections:
                    self.refused = f"cannot connect to {self._gateway}: {error}"
            self.live.clear()
            if not self._is_over and not self.refused:
                await asyncio.sleep(PAUSE_S)
        self.live.set()
        self.news.set()

    def cut(self) -> None:
        """Break the connection without a word, as a lost network does."""
        if self._connection is not None:
            self.live.clear()
            self._connection.transport.abort()

    def stop(self, until_s: float) -> None:
        """Come to an end; what was accepted before this time should have been received."""
        self._is_over = True
        for reading in self.readings.values():
            reading.until_s = until_s
        self.cut()

    def received(self, channel: str) -> int:
        """The offset up to which it has received a channel."""
        return self._positions.get(channel, ("", 0))[1]

    async def _follow(self) -> None:
        async with connect(
            self._gateway,
            open_timeout=OPEN_S_MAX,
            close_timeout=1,
            ping_interval=None,
            max_size=None,
            proxy=proxy_for(self._gateway),
        ) as connection:
            self._connection = connection
            self.connections += 1
            self._confirmed.clear()
            try:
                await self._introduce(connection)
                async for text in connection:
                    if self._take(json.loads(text)):
                        return
            finally:
                self._connection = None

    async def _introduce(self, connection: ClientConnection) -> None:
        await connection.send(json.dumps({"type": "auth", "token": self._token}))
        for name in self.readings:
            wanted: Json = {"type": "subscribe", "id": name, "channel": name}
            if name in self._positions:
                epoch, offset = self._positions[name]
                wanted |= {"epoch": epoch, "offset": offset}
            await connection.send(json.dumps(wanted))

    def _take(self, message: Json) -> bool:
        """Write it down. Whether the server asked to move."""
        match message["type"]:
            case "event":
                self._event(message)
            case "subscribed":
                self._subscribed(message)
            case "gap":
                self._jump(message)
            case "joined" | "left":
                self._member(message)
            case "error":
                self.refused = f"{message['code']}: {message['message']}"
            case "bye":
                return True
            case _:
                pass
        self.news.set()
        return bool(self.refused)

    def _event(self, message: Json) -> None:
        name, offset = message["channel"], message["offset"]
        epoch, before = self._positions[name]
        self._positions[name] = (epoch, max(before, offset))
        self._record(Observed.EVENT, message)

    def _subscribed(self, message: Json) -> None:
        name = message["channel"]
        if name not in self._positions:
            self._positions[name] = (message["epoch"], message["offset"])
            self._record(Observed.BEGAN, message)
        elif message["recovered"]:
            self._record(Observed.RESUMED, message)
        else:
            self._jump(message)
        if "presence" in message:
            first = [member["user"] for member in message["presence"]["members"]]
            self.watches[name] = PresenceRecord(self.user, first)
        self._confirmed.add(name)
        if len(self._confirmed) == len(self.readings):
            self.live.set()

    def _jump(self, message: Json) -> None:
        self._positions[message["channel"]] = (message["epoch"], message["offset"])
        self._record(Observed.GAP, message)

    def _member(self, message: Json) -> None:
        joined = message["type"] == "joined"
        change = MemberChange(time.monotonic(), message["user"], joined=joined)
        with contextlib.suppress(KeyError):
            self.watches[message["channel"]].changes.append(change)

    def _record(self, kind: Observed, message: Json) -> None:
        name, key = message["channel"], str(message.get("data", ""))
        # An event has the epoch of its subscription.
        epoch = message.get("epoch") or self._positions[name][0]
        step = Observation(time.monotonic(), kind, epoch, message["offset"], key)
        self.readings[name].steps.append(step)

    def _closed(self, error: ConnectionClosed) -> None:
        close = error.rcvd
        if close is not None and close.code in FINAL_CODES:
            self.refused = f"closed: {close.code} {close.reason}"
