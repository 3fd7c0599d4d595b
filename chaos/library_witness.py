"""Clients of other kinds: River's two libraries, and a page that speaks Pusher's protocol.

Where a log stands they do not say. They are judged by the numbers that are published: each comes
once and in order, unless something was said to be lost.
"""

import asyncio
import json
import random
import string
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import jwt
import websockets

from processes import SECRET
from river_realtime import (
    Event,
    Gap,
    Joined,
    Left,
    Presence,
    RiverError,
    Subscriber,
)
from witness import PAUSE_S_MAX, Book, Witness

LIBRARY = Path(__file__).resolve().parents[1] / "clients" / "js" / "src" / "river.js"
# Node 20 has a WebSocket only with a flag; later ones take the flag and need it no more.
NODE = ("node", "--experimental-websocket", "--no-warnings", "--input-type=module", "--eval")
SCRIPT = """
import { River } from "%s";
import { createInterface } from "node:readline";
const say = (...words) => console.log(JSON.stringify(words));
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { number, host, token, channels } = JSON.parse(line);
    const river = new River({ host, token, WebSocket });
    river.on("state", ({ state, reason }) => say(number, "state", state, reason));
    for (const name of channels) {
      const channel = river.subscribe(name);
      channel.on("*", (data) => say(number, "event", name, data));
      channel.on("river:gap", () => say(number, "gap", name));
      channel.on("river:error", ({ code }) => say(number, "refused", code));
      if (!name.startsWith("presence-")) continue;
      const { presence } = channel;
      const list = () => say(number, "members", presence.count, [...presence.members.keys()]);
      channel.on("river:presence", list);
      channel.on("river:joined", ({ user }) => say(number, "joined", user, presence.count));
      channel.on("river:left", ({ user }) => say(number, "left", user, presence.count));
    }
  })
  .on("close", () => process.exit());
"""
APP = {
    "id": "1",
    "key": "chaos",
    "secret": SECRET,
    "native": True,
    "public": "open",
    "presence": "open",
}
PUSHER_SETTINGS = {"RIVER_APPS": json.dumps([APP])}
QUERY = "protocol=7&client=js&version=8.6.0&flash=false"
LINE_BYTES_MAX = 1 << 20


@dataclass
class NumberBook(Book):
    """What one client was told of one channel, by numbers; `offset` is the newest."""

    is_new: bool = True
    """Whether any number may come next."""
    may_repeat: bool = False
    """Whether it has just come back: what came last may come again."""
    is_lost: bool = False
    """Whether the last word was that something is lost: its page has loaded all anew."""

    def is_at(self, place: tuple[str | None, int], number: int | None) -> bool:
        """See `Book`."""
        del place
        return number is None or self.is_lost or self.offset == number

    def take(self, number: int) -> None:
        """An event."""
        if not self.is_new:
            self.holes += number > self.offset + 1
            if number <= self.offset and not self.may_repeat:
                self.duplicated += 1
                return
        self.is_new = self.may_repeat = self.is_lost = False
        self.offset = number
        self.received += 1

    def lose(self) -> None:
        """The word that something is lost."""
        self.told += 1
        self.is_new = self.is_lost = True


@dataclass(eq=False)
class NumberWitness(Witness):
    """One client that is judged by numbers."""

    numbers: dict[str, NumberBook] = field(default_factory=dict[str, NumberBook])

    def __post_init__(self) -> None:
        super().__post_init__()
        self.numbers = {channel: NumberBook() for channel in self.channels}
        self.books = dict(self.numbers)

    def record(self) -> None:
        """It has no positions to write down."""

    def take_event(self, channel: str, data: object) -> None:
        """An event of a channel."""
        self.received_at = time.monotonic()
        self.numbers[channel].take(int(str(data)))

    def list_members(self, count: int, users: list[str]) -> None:
        """The whole list, or its beginning."""
        self._see({"count": count, "members": [{"user": one} for one in users]})

    @property
    def http_url(self) -> str:
        """The address as libraries take it."""
        return self.url.replace("ws:", "http:", 1).removesuffix("/ws")


@dataclass(eq=False)
class PythonWitness(NumberWitness):
    """A program with River's library for Python."""

    async def run(self) -> None:
        """Follow until cancelled. The library connects again by itself."""
        token = jwt.encode({"sub": self.user}, SECRET)
        async with Subscriber(self.http_url, token, *self.channels) as subscriber:
            self.connections = 1
            while True:
                try:
                    self._hear(await anext(aiter(subscriber)))
                except RiverError as error:
                    self.errors.append(error.code)
                    self.ended_by = repr(error)
                    await asyncio.sleep(PAUSE_S_MAX)

    def _hear(self, delivery: Event | Gap | Joined | Left | Presence) -> None:
        match delivery:
            case Event():
                self.take_event(delivery.channel, delivery.data)
            case Gap():
                self.numbers[delivery.channel].lose()
            case Presence():
                self.list_members(delivery.count, [one.user for one in delivery.members])
            case Joined():
                self._change(delivery.member.user, joined=True)
            case Left():
                self._change(delivery.user, joined=False)


class PageHost:
    """A Node in which all clients of River's library for JavaScript are."""

    def __init__(self) -> None:
        self._witnesses: list[PageWitness] = []
        self._node: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    async def open(self, witness: "PageWitness") -> None:
        """One client more."""
        async with self._starting:
            if self._node is None:
                self._node = await asyncio.create_subprocess_exec(
                    *NODE,
                    SCRIPT % LIBRARY.as_uri(),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=LINE_BYTES_MAX,
                )
                self._reading = asyncio.create_task(self._read())
        wanted = {
            "number": len(self._witnesses),
            "host": witness.http_url,
            "token": jwt.encode({"sub": witness.user}, SECRET),
            "channels": witness.channels,
        }
        self._witnesses.append(witness)
        stdin = cast("asyncio.StreamWriter", self._node.stdin)
        stdin.write(json.dumps(wanted).encode() + b"\n")
        await stdin.drain()

    async def close(self) -> None:
        """End all of them."""
        if self._node is None or self._reading is None:
            return
        cast("asyncio.StreamWriter", self._node.stdin).close()
        await self._node.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._node is not None, "it was started"
        async for line in cast("asyncio.StreamReader", self._node.stdout):
            number, *words = json.loads(line)
            self._witnesses[number].hear(words)


@dataclass(eq=False)
class PageWitness(NumberWitness):
    """A page with River's library for JavaScript."""

    host: PageHost | None = None

    async def run(self) -> None:
        """Follow until cancelled. The library connects again by itself."""
        assert self.host is not None, "it has been given one"
        await self.host.open(self)
        await asyncio.Event().wait()

    def hear(self, words: list[object]) -> None:
        """What the page says."""
        match words:
            case ["event", str(channel), data]:
                self.take_event(channel, data)
            case ["gap", str(channel)]:
                self.numbers[channel].lose()
            case ["members", int(count), list(users)]:
                self.list_members(count, [str(one) for one in cast("list[object]", users)])
            case ["joined", str(user), int(count)]:
                self.present = count
                self.members.add(user)
            case ["left", str(user), int(count)]:
                self.present = count
                self.members.discard(user)
            case ["state", state, reason]:
                self.connections += state == "connected"
                self.ended_by = f"{state}: {reason}"
            case _:
                self.errors.append(str(words))


@dataclass(eq=False)
class PusherWitness(NumberWitness):
    """A page that speaks Pusher's protocol, and names itself so that it is sent what it missed."""

    page: str = field(default_factory=lambda: f"{_base_36(int(time.time() * 1000))}-{uuid.uuid4()}")

    async def _follow(self) -> None:
        url = f"{self.url.removesuffix('/ws')}/t/{self.page}/app/{APP['key']}?{QUERY}"
        async with websockets.connect(
            url, open_timeout=3, close_timeout=1, ping_interval=None, compression=None
        ) as connection:
            self.connections += 1
            self.is_connected = True
            async for text in connection:
                message = json.loads(text)
                kind, channel = message["event"], message.get("channel")
                self.received_at = time.monotonic()
                if kind == "pusher:connection_established":
                    for name in self.channels:
                        wanted = {"event": "pusher:subscribe", "data": {"channel": name}}
                        await connection.send(json.dumps(wanted))
                elif kind == "pusher:ping":
                    await connection.send(json.dumps({"event": "pusher:pong", "data": {}}))
                elif kind == "pusher_internal:subscription_succeeded":
                    self.numbers[channel].may_repeat = True
                elif kind == "river:gap":
                    self.numbers[channel].lose()
                elif kind == "number":
                    self.take_event(channel, message["data"])
                elif kind == "pusher:error":
                    self.errors.append(str(message["data"]))
                    await asyncio.sleep(random.uniform(0, PAUSE_S_MAX))


def _base_36(number: int) -> str:
    """As `toString(36)` says it."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = (string.digits + string.ascii_lowercase)[digit] + text
    return text
