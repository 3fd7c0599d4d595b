"""A client that comes, goes, comes back elsewhere, and believes what it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING

from simulation.ear import Message, asked_position
from simulation.line import Line
from simulation.truth import demand

from riverd.channels.names import OWN, user_channel
from riverd.model.log import Position

if TYPE_CHECKING:
    from simulation.world import World

CALM_STEP_S = 0.3
HISTORY_MAX = 12


class Client:
    """One browser. It keeps its place in each channel by what has arrived, as clients do.

    `asked` are the channels it has subscribed on this connection, True once they are live; what
    comes of a channel between its `unsubscribe` and the answer to it goes in at one ear only.
    """

    is_guest = False

    def __init__(self, world: World, name: str, user: str) -> None:
        self.name = name
        self.user = user
        self.line: Line | None = None
        self.wanted: dict[str, None] = {}
        self.asked: dict[str, bool] = {}
        self.places: dict[str, Position] = {}
        self.session: str | None = None
        """The first one of this page: the later ones continue it."""
        self._secret: str | None = None
        self.own = user_channel(user)
        self.has_own = False
        """Whether its user's channel is live on this connection."""
        self._own_asked: Position | None = None
        self._world = world
        self._dice = world.dice
        self._issued_s: float | None = None
        self._ids = count(1)
        self._deaf: Counter[str] = Counter()
        self._fresh: dict[str, None] = {}
        self._subscribing: dict[int, Message] = {}
        self._unanswered: dict[str, dict[int, None]] = {}
        """Its requests to subscribe to each channel, since it left it last: any may be the one."""

    async def live(self) -> None:
        """Do this and that; when the weather is calm, only what is needed to hear."""
        pace = self._dice.choice((0.5, 2.0, 6.0))
        while True:
            calm = self._world.calm
            await asyncio.sleep(CALM_STEP_S if calm else self._dice.expovariate(pace))
            if self.line is None:
                self._connect()
            elif self._world.calm:
                self._send([self._subscribe(one) for one in self.wanted if one not in self.asked])
            else:
                self._send(self._whim())

    def leave(self) -> None:
        """Want nothing any more."""
        self.wanted.clear()
        if self.line is not None and self._dice.random() < 0.5:
            self._send([self._unsubscribe(channel) for channel in list(self.asked)])
        elif self.line is not None:
            self.line.cut(0.0)

    # The connection.

    def _connect(self) -> None:
        hosts = [host for host in self._world.hosts if host.up]
        if hosts:
            self.line = Line(self._world, self, self._dice.choice(hosts))
            self._begin()

    def _begin(self) -> None:
        """Say who it is, and what it wants."""
        if self._issued_s is None or self._dice.random() < 0.6:
            self._issued_s = self._world.now
        token = f"{self.user}|{self._world.info_of(self)}|{self._issued_s}"
        # A page knows what its first connection was, once it has said so.
        secret = {} if self._secret is None else {"resume_session": self._secret}
        auth = self._request("auth", token=token, **secret, **self._own_fields())
        self._send([auth, *map(self._subscribe, self.wanted)])

    def _own_fields(self) -> dict[str, object]:
        """Where it stands in its user's channel, if it says so, and if that is so."""
        place, chance = self.places.get(self.own), self._dice.random()
        self._own_asked = None
        if place is None or chance < 0.2:
            return {}
        offset = place.offset + (10_000 if chance < 0.25 else 0)
        self._own_asked = Position(place.epoch, offset)
        return {"user_position": {"epoch": place.epoch, "offset": offset}}

    def lost(self, line: Line) -> None:
        """The connection is gone, and with it what was on its way."""
        if line is self.line:
            self._world.note(self.name, "has lost its connection")
            self.line = None
            self.has_own = False
            self.asked.clear()
            self._deaf.clear()
            self._fresh.clear()
            self._subscribing.clear()
            self._unanswered.clear()

    def _send(self, messages: list[Message]) -> None:
        if self.line is not None and messages:
            self.line.send(*messages)

    # What it asks.

    def _request(self, kind: str, **fields: object) -> Message:
        return {"type": kind, "id": next(self._ids), **fields}

    def _whim(self) -> list[Message]:
        channel = self._dice.choice(self._world.channels)
        if not self._world.rules.has_members(channel):
            # Where who is there is told there is more to go wrong.
            channel = self._dice.choice(self._world.channels)
        chance = self._dice.random()
        if chance < 0.45:
            return [self._turn(channel)]
        if chance < 0.55:
            return [self._turn(channel), self._turn(channel)]
        if chance < 0.6:
            return [self._again(channel)] if channel in self.asked else []
        if chance < 0.7:
            return [self._publish(channel)]
        if chance < 0.75:
            return [self._history(channel)]
        if chance < 0.8 and self._world.rules.has_members(channel):
            return [self._request("presence", channel=channel)]
        return []

    def _turn(self, channel: str) -> Message:
        if channel in self.asked:
            self.wanted.pop(channel, None)
            return self._unsubscribe(channel)
        self.wanted[channel] = None
        return self._subscribe(channel)

    def _again(self, channel: str) -> Message:
        """Ask for what it has: refused, unless it is being taken out of the channel just now."""
        message = self._request("subscribe", channel=channel)
        self._expect(message)
        return message

    def _subscribe(self, channel: str) -> Message:
        fields: dict[str, object] = {}
        place, chance = self.places.get(channel), self._dice.random()
        if place is not None and chance < 0.75:
            fields = {"epoch": place.epoch, "offset": place.offset}
        elif chance < 0.78 and place is not None:
            # Not an honest client.
            fields = {"epoch": place.epoch, "offset": place.offset + 10_000}
        if self._dice.random() < 0.2:
            fields["history"] = self._dice.randint(1, HISTORY_MAX)
        self.asked[channel] = False
        message = self._request("subscribe", channel=channel, **fields)
        self._expect(message)
        return message

    def _expect(self, message: Message) -> None:
        self._subscribing[message["id"]] = message
        self._unanswered.setdefault(message["channel"], {})[message["id"]] = None

    def _unsubscribe(self, channel: str) -> Message:
        self.asked.pop(channel, None)
        self._unanswered.pop(channel, None)
        self._fresh.pop(channel, None)
        self._deaf[channel] += 1
        return self._request("unsubscribe", channel=channel)

    def _publish(self, channel: str) -> Message:
        mark = f"{self.name}:{next(self._ids)}"
        fields = self._world.drawn_fields()
        return self._request("publish", channel=channel, event="said", data=mark, **fields)

    def _history(self, channel: str) -> Message:
        fields: dict[str, object] = {"limit": self._dice.randint(1, HISTORY_MAX)}
        place = self.places.get(channel)
        if place is not None and self._dice.random() < 0.5:
            fields |= {"epoch": place.epoch, "offset": place.offset}
        return self._request("history", channel=channel, **fields)

    # What it hears.

    def hear(self, line: Line, messages: list[Message]) -> None:
        """Take what has arrived."""
        if line is self.line:
            for message in messages:
                if message.get("channel") == OWN or "user_position" in message:
                    self._take_own(message)
                else:
                    self._take(message)

    def _take(self, message: Message) -> None:
        kind, channel = message["type"], message.get("channel", "")
        if kind == "welcome" and self.session is None:
            self.session, self._secret = message["session"], message["resume_session"]
        elif kind == "unsubscribed" and "id" in message:
            self._deaf[channel] -= 1
        elif kind == "unsubscribed":
            # Unless that crossed what it has asked since.
            if self.asked.get(channel) and not self._deaf[channel]:
                self.asked.pop(channel)
                self._fresh.pop(channel, None)
        elif kind == "error":
            self._failed(message)
        elif kind == "subscribed" and not self._deaf[channel]:
            self._subscribed(message)
        elif channel in self.asked and not self._deaf[channel]:
            if kind == "event" and "offset" in message:
                self._event(message)
            elif kind == "gap":
                self._fresh.pop(channel, None)
                self.places[channel] = Position(message["epoch"], message["offset"])

    def _begin_own(self, told: Message) -> None:
        self.has_own = True
        if not told["recovered"] or self._own_asked is None:
            self.places[self.own] = Position(told["epoch"], told["offset"])

    def _take_own(self, message: Message) -> None:
        if message["type"] in ("authenticated", "subscribed"):
            self._begin_own(message.get("user_position", message))
        elif message["type"] == "gap":
            self.places[self.own] = Position(message["epoch"], message["offset"])
        elif "offset" in message:
            self._event({**message, "channel": self.own})

    def _failed(self, message: Message) -> None:
        """A subscription that was asked for came to nothing, if it was one."""
        asked = self._subscribing.get(message.get("id", -1))
        if asked is not None and message["code"] in ("cancelled", "already_subscribed"):
            channel = asked["channel"]
            unanswered = self._unanswered.get(channel, {})
            if message["id"] in unanswered:
                del unanswered[message["id"]]
                if not unanswered and not self.asked.get(channel):
                    self.asked.pop(channel, None)

    def _subscribed(self, message: Message) -> None:
        channel, asked = message["channel"], self._subscribing.pop(message["id"])
        self.asked[channel] = True
        self._unanswered.get(channel, {}).pop(message["id"], None)
        place = asked_position(asked)
        if place is None or not message["recovered"]:
            place = Position(message["epoch"], message["offset"])
            if "history" in asked:
                self._fresh[channel] = None
        self.places[channel] = place

    def _event(self, message: Message) -> None:
        channel, offset = message["channel"], message["offset"]
        place = self.places[channel]
        ids = () if self.session is None else (self.session,)
        # What is withheld from this page leaves a hole that is none.
        next_one = self._world.server.truth.next_for(ids, channel, place)
        expected = channel in self._fresh or offset == next_one
        demand(expected, "{} at {} gets {}", self.name, place, message)
        self._fresh.pop(channel, None)
        self.places[channel] = Position(place.epoch, offset)
