"""A subscriber's side of the protocol, without a socket: what to say, and what was heard."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from river_realtime.calls import Object, event_of, member_of, position_of
from river_realtime.errors import RiverError
from river_realtime.values import Event, Gap, Joined, Json, Left, Position, Presence

Heard = Event | Gap | Joined | Left | Presence

_PRESENCE = "presence-"
# What became of it stands in what was asked later.
_OVERTAKEN = ("cancelled", "already_subscribed")
PASSING = ("broker_unavailable", "internal", "too_fast", "unavailable")
"""Refusals that are over in a moment."""


class NotRiverError(Exception):
    """What was heard is not River's protocol."""


@dataclass
class Conversation:
    """The channels that are wanted, and up to where each was heard.

    Events come out of `hear` once and in order; a `Gap` where something cannot be had.
    """

    history: int = 0
    positions: dict[str, Position | None] = field(default_factory=dict[str, Position | None])
    _histories: dict[str, int] = field(default_factory=dict[str, int])
    _asked: dict[int, str] = field(default_factory=dict[int, str])
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def is_settled(self) -> bool:
        """Whether all that was asked has been answered."""
        return not self._asked

    def opening(self) -> list[str]:
        """What to say on a new connection: where we want to go on."""
        self._asked.clear()
        return [self.subscription(channel) for channel in self.positions]

    def want(self, channel: str, *, after: Position | None, history: int | None) -> str:
        """What to say to hear one more channel, after a position or with its last events."""
        self.positions[channel] = after
        if history is not None:
            self._histories[channel] = history
        return self.subscription(channel)

    def subscription(self, channel: str) -> str:
        """What to say to hear a channel, from where we were if we were there before."""
        self._forget(channel)
        number = next(self._numbers)
        self._asked[number] = channel
        wanted: dict[str, object] = {"type": "subscribe", "id": number, "channel": channel}
        position, history = self.positions[channel], self._history_of(channel)
        if position is not None:
            wanted |= {"epoch": position.epoch, "offset": position.offset}
        elif history:
            wanted["history"] = history
        return json.dumps(wanted)

    def unsubscription(self, channel: str) -> str:
        """What to say to hear a channel no more."""
        self._leave(channel)
        wanted = {"type": "unsubscribe", "id": next(self._numbers), "channel": channel}
        return json.dumps(wanted)

    def hear(self, told: Object) -> list[Heard]:
        """What one message of the server means for the program.

        Raises:
            RiverError: a channel was refused. Unless the code is one of PASSING it is given up.
            NotRiverError: the message is not as the protocol has it.
        """
        try:
            return list(self._heard(str(told.get("channel", "")), told))
        except (KeyError, TypeError, AttributeError) as error:
            raise NotRiverError(f"{told.get('type')} is not complete: {error!r}") from None

    def _heard(self, channel: str, told: Object) -> Iterator[Heard]:
        match told["type"]:
            case "event":
                yield from self._event(channel, told)
            case "subscribed" if self._is_answer(channel, told):
                yield from self._subscribed(channel, told)
            case "error":
                self._refused(told)
            case "gap" | "joined" | "left" | "presence" if self.positions.get(channel):
                yield self._news(channel, told)
            case _:
                return

    def _event(self, channel: str, told: Object) -> Iterator[Event]:
        position = self.positions.get(channel)
        # Not wanted any more, or not yet again: what was on its way when the channel was given up.
        if position is None:
            return
        event = event_of(channel, position.epoch, told)
        if event.position.offset > position.offset:
            self.positions[channel] = event.position
            yield event

    def _subscribed(self, channel: str, told: Object) -> Iterator[Heard]:
        resumed, position = self.positions[channel], position_of(told)
        if not told["recovered"]:
            # The history that follows stands before the position that is told.
            history = self._history_of(channel) if resumed is None else 0
            before = max(0, position.offset - history)
            self.positions[channel] = Position(position.epoch, before)
            if resumed is not None:
                yield Gap(channel, position)
        if channel.startswith(_PRESENCE):
            yield _presence(channel, cast("Object", told["presence"]))

    def _news(self, channel: str, told: Object) -> Heard:
        match told["type"]:
            case "gap":
                self.positions[channel] = position = position_of(told)
                return Gap(channel, position)
            case "joined":
                return Joined(channel, member_of(told))
            case "left":
                return Left(channel, str(told["user"]))
            case _:
                return _presence(channel, told)

    def _refused(self, told: Object) -> None:
        channel = self._asked.pop(_number(told), None)
        if channel is None or told["code"] in _OVERTAKEN:
            return
        if told["code"] not in PASSING:
            self._leave(channel)
        raise RiverError(str(told["code"]), str(told["message"]))

    def _is_answer(self, channel: str, told: Object) -> bool:
        return self._asked.pop(_number(told), None) == channel

    def _history_of(self, channel: str) -> int:
        return self._histories.get(channel, self.history)

    def _leave(self, channel: str) -> None:
        self._forget(channel)
        self.positions.pop(channel, None)
        self._histories.pop(channel, None)

    def _forget(self, channel: str) -> None:
        """An answer that is still on its way speaks of a subscription that is over."""
        self._asked = {number: asked for number, asked in self._asked.items() if asked != channel}


def read(text: str | bytes) -> Object:
    """One message of the server. Raises NotRiverError if it is none."""
    try:
        told = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not isinstance(cast("Object", told).get("type"), str):
        raise NotRiverError(f"{text[:60]!r} is no message of River's")
    return cast("Object", told)


def _number(told: Object) -> int:
    number = told.get("id")
    return number if isinstance(number, int) else 0


def _presence(channel: str, told: Object) -> Presence:
    listed = cast("list[Mapping[str, Json]]", told["members"])
    members = tuple(member_of(one) for one in listed)
    return Presence(channel, cast("int", told["count"]), members)
