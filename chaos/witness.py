"""Clients that write down what they are told, and say what was wrong with it."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field

import jwt
import websockets

from processes import SECRET
from riverd.commands.verify.history import ChannelRecord, Observation, Observed

PAUSE_S_MAX = 0.5
NAMED_MAX = 6
SILENT_S = 10.0
"""Every client is sent something more often than that, if it is served at all."""


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel clients until they have ended: one that just ran into a timeout may miss one."""
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1.0)


@dataclass
class Book:
    """What one client was told of one channel."""

    epoch: str | None = None
    offset: int = 0
    received: int = 0
    told: int = 0
    """How often it was said that something cannot be had."""
    duplicated: int = 0
    holes: int = 0
    wrong: int = 0
    """Events that others had with another content under the same position."""

    @property
    def place(self) -> tuple[str | None, int]:
        """Where it stands."""
        return self.epoch, self.offset

    def is_at(self, place: tuple[str | None, int], number: int | None) -> bool:
        """Whether it stands where a log ends, whose newest number is this one, if it has any."""
        del number
        return self.place == place

    def subscribed(self, message: dict[str, object]) -> None:
        """The answer to a subscribe, with or without a position to resume from."""
        resumed = self.epoch is not None
        if resumed and message["recovered"]:
            # What was missed is promised under the epoch that we know.
            self.wrong += message["epoch"] != self.epoch
            return
        self.told += resumed
        self._move_to(message)

    def gap(self, message: dict[str, object]) -> None:
        """The word that something is lost."""
        self.told += 1
        self._move_to(message)

    def event(self, message: dict[str, object], contents: dict[tuple[str, int], int]) -> None:
        """An event: exactly the next one."""
        offset = int(str(message["offset"]))
        if offset <= self.offset:
            self.duplicated += 1
        elif offset > self.offset + 1:
            self.holes += 1
        self.offset = max(self.offset, offset)
        self.received += 1
        content = int(str(message["data"]))
        self.wrong += contents.setdefault((str(self.epoch), offset), content) != content

    def forgive(self) -> None:
        """Count from nothing again."""
        self.told = self.duplicated = self.holes = self.wrong = 0

    def _move_to(self, message: dict[str, object]) -> None:
        self.epoch, self.offset = str(message["epoch"]), int(str(message["offset"]))


@dataclass(eq=False)
class Witness:
    """One client with a few channels, which comes back whenever it is cut off."""

    url: str
    user: str
    channels: list[str]
    contents: dict[str, dict[tuple[str, int], int]]
    """What the first who saw it found under each position, by channel."""
    stays_away: bool = False
    books: dict[str, Book] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    joined: dict[str, int] = field(default_factory=dict)
    present: int | None = None
    """How many members its presence channel has, by what it was told."""
    members: set[str] = field(default_factory=set)
    """Who they are; of a long list the server names the first hundred."""
    contradictions: list[str] = field(default_factory=list)
    """Joins of who was a member, and leaves of who was none."""
    errors: list[str] = field(default_factory=list)
    received_at: float = 0.0
    ended_by: str = "nothing"
    """What its last connection, or its last request, ended with."""
    connections: int = 0
    moved: int = 0
    """How many of them ended because the server asked for it."""
    is_connected: bool = False
    live: int = 0
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    readings: dict[str, ChannelRecord] = field(default_factory=dict)
    """What it was told, for the checker; empty if nobody asked for it."""

    def __post_init__(self) -> None:
        self.books = {channel: Book() for channel in self.channels}
        self.stalled.set()

    @property
    def cut(self) -> int:
        """How many connections ended without a word."""
        return self.connections - self.moved - self.is_connected

    @property
    def is_live(self) -> bool:
        """Whether it is subscribed to all its channels now."""
        return self.live == len(self.channels)

    async def run(self) -> None:
        """Connect again and again, until cancelled."""
        while True:
            try:
                await self._follow()
            except (OSError, websockets.WebSocketException, TimeoutError) as error:
                self.ended_by = repr(error)
            self.live = 0
            self.is_connected = False
            if self.stays_away:
                return
            await asyncio.sleep(random.uniform(0, PAUSE_S_MAX))

    async def _follow(self) -> None:
        async with websockets.connect(
            self.url,
            open_timeout=3,
            close_timeout=1,
            ping_interval=None,
            max_queue=4,
            compression=None,
        ) as connection:
            self.connections += 1
            self.is_connected = True
            token = jwt.encode({"sub": self.user}, SECRET)
            await connection.send(json.dumps({"type": "auth", "token": token}))
            for channel, book in self.books.items():
                request: dict[str, object] = {"type": "subscribe", "channel": channel}
                if book.epoch is not None:
                    request |= {"epoch": book.epoch, "offset": book.offset}
                await connection.send(json.dumps(request))
            async for text in connection:
                await self.stalled.wait()
                if self._take(json.loads(text)):
                    self.moved += 1
                    return

    def _take(self, message: dict[str, object]) -> bool:
        """Write it down. Whether the server asked to move."""
        kind, channel = message["type"], str(message.get("channel"))
        self.received_at = time.monotonic()
        if channel.startswith("#"):
            # Its user's own channel, which it has not asked for.
            return False
        if channel in self.readings:
            self._write_down(message, channel)
        if kind == "event":
            self.books[channel].event(message, self.contents[channel])
        elif kind == "subscribed":
            self.books[channel].subscribed(message)
            self.live += 1
            self._see(message.get("presence"))
        elif kind == "gap":
            self.books[channel].gap(message)
        elif kind in {"joined", "left"}:
            self._change(str(message["user"]), joined=kind == "joined")
        elif kind == "presence":
            self._see(message)
        elif kind == "error":
            self.errors.append(str(message["code"]))
        elif kind == "bye":
            self.ended_by = f"bye {message['reason']}"
        return kind == "bye"

    def _write_down(self, message: dict[str, object], channel: str) -> None:
        """Before the book moves: it says which epoch an event is of, and what a resume was."""
        book, kind = self.books[channel], message["type"]
        epoch, offset = str(message.get("epoch")), int(str(message.get("offset", 0)))
        match kind:
            case "event":
                saw, epoch = Observed.EVENT, str(book.epoch)
            case "subscribed" if book.epoch is None:
                saw = Observed.BEGAN
            case "subscribed" if message["recovered"]:
                saw = Observed.RESUMED
            case "subscribed" | "gap":
                saw = Observed.GAP
            case _:
                return
        step = Observation(time.monotonic(), saw, epoch, offset, str(message.get("data", "")))
        self.readings[channel].steps.append(step)

    def record(self) -> None:
        """Write down from now on what it is told, for the checker."""
        self.readings = {name: ChannelRecord(self.user, name) for name in self.channels}

    def _change(self, user: str, *, joined: bool) -> None:
        counts = self.joined if joined else self.left
        counts[user] = counts.get(user, 0) + 1
        if self.present is not None:
            if len(self.members) == self.present and joined is (user in self.members):
                self.contradictions.append(f"{user} {'joined' if joined else 'left'} again")
            self.present += 1 if joined else -1
        (self.members.add if joined else self.members.discard)(user)

    def mistake_about(self, users: set[str], place: tuple[str | None, int], channel: str) -> str:
        """What is wrong about a quiet channel with these members; "" if nothing is."""
        book = self.books[channel]
        ours = book.place
        if self.present == len(users) and book.is_at(place, None):
            return ""
        wrong = [f"{self.user}: {self.present} of {len(users)}, {ours} of {place}"]
        wrong += [f"without {user}" for user in sorted(users - self.members)[:NAMED_MAX]]
        wrong += [f"with {user}" for user in sorted(self.members - users)[:NAMED_MAX]]
        return ", ".join([*wrong, *self.contradictions[-NAMED_MAX:]])

    def silence(self) -> str:
        """For how long it has been sent nothing, and why, as far as it knows; "" if not for long.

        Who is not served is no member any more: others are right to miss it.
        """
        silent_s = time.monotonic() - self.received_at
        if silent_s < SILENT_S:
            return ""
        name = f"{type(self).__name__} {self.user}"
        return f"{name} was sent nothing for {silent_s:.0f} s, ended by {self.ended_by}"

    def _see(self, listed: object) -> None:
        if isinstance(listed, dict):
            self.present = int(str(listed["count"]))
            self.members = {str(member["user"]) for member in listed["members"]}
            for user in self.members:
                self.joined.setdefault(user, 1)
