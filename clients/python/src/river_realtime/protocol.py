"""A subscriber's side of the protocol, without a socket: what to send, and what was received."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from river_realtime.decoding import UNREADABLE, decode, members_of
from river_realtime.errors import RiverError
from river_realtime.parsing import (
    LACKS_MEMBERS,
    Object,
    event_of,
    is_readable,
    log_unreadable,
    member_of,
    position_of,
    presence_of,
)
from river_realtime.values import Event, Gap, Joined, Json, Left, Position, Presence

Delivery = Event | Gap | Joined | Left | Presence

PASSING = ("broker_unavailable", "internal", "too_fast", "unavailable", "unknown")
"""Refusals that are over in a moment."""
RELOAD_AFTER_S_MAX = 60.0
USER = "#user"
"""The channel of the token's user: the server subscribes to it."""
# The outcome is in what was asked later.
_OVERTAKEN = ("cancelled", "already_subscribed")
# The members of a message are its parts.
_PART_LEVELS = 1


class NotRiverError(Exception):
    """What was received is not River's protocol."""


@dataclass
class SubscriberProtocol:
    """The channels that are wanted, and the position up to which each was received.

    `receive` gives events once and in order, and a `Gap` where something is lost.
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
        """The messages for a new connection: subscriptions from where each channel stands."""
        self._asked.clear()
        return [self.subscription(channel) for channel in self.positions if channel != USER]

    def new_subscription(self, channel: str, *, after: Position | None, history: int | None) -> str:
        """The message for one more channel, after a position or with its last events."""
        self.positions[channel] = after
        if history is not None:
            self._histories[channel] = history
        return self.subscription(channel)

    def subscription(self, channel: str) -> str:
        """The message that subscribes to a channel, from its position if it has one."""
        self._forget(channel)
        number = next(self._numbers)
        self._asked[number] = channel
        message: dict[str, object] = {"type": "subscribe", "id": number, "channel": channel}
        position, history = self.positions[channel], self._history_of(channel)
        if position is not None:
            message |= {"epoch": position.epoch, "offset": position.offset}
        elif history:
            message["history"] = history
        return json.dumps(message)

    def unsubscription(self, channel: str) -> str:
        """The message that ends a subscription."""
        self._leave(channel)
        message = {"type": "unsubscribe", "id": next(self._numbers), "channel": channel}
        return json.dumps(message)

    def receive(self, message: Object) -> list[Delivery]:
        """What one message of the server means for the program.

        Raises:
            RiverError: a channel was refused, or its subscription ended by the server. Unless the
                code is one of PASSING it is given up.
            NotRiverError: the message is not as the protocol has it.
        """
        try:
            return list(self._deliveries(str(message.get("channel", "")), message))
        except LACKS_MEMBERS as error:
            raise NotRiverError(f"{message.get('type')} is not complete: {error!r}") from None

    def _deliveries(self, channel: str, message: Object) -> Iterator[Delivery]:
        match message["type"]:
            case "event":
                yield from self._event(channel, message)
            case "authenticated" if "user_position" in message:
                yield from self._placed(cast("Object", message["user_position"]))
            case "subscribed" if channel == USER:
                yield from self._placed(message)
            case "subscribed" if self._is_answer(channel, message):
                yield from self._subscribed(channel, message)
            case "error":
                self._refused(message)
            case "unsubscribed" if "reason" in message and channel in self.positions:
                self._leave(channel)
                reason = f"the server ended the subscription to {channel!r}"
                raise RiverError(str(message["reason"]), reason)
            case "gap" | "joined" | "left" | "presence" if self.positions.get(channel):
                yield self._pushed(channel, message)
            case _:
                return

    def _event(self, channel: str, message: Object) -> Iterator[Event | Gap]:
        position = self.positions.get(channel)
        # Not wanted any more, or not yet again: it was on its way when the channel was given up.
        if position is None:
            return
        event = event_of(message, channel=channel, epoch=position.epoch)
        if event.is_kept:
            if event.position.offset <= position.offset:
                return
            self.positions[channel] = event.position
        if is_readable(event):
            yield event
            return
        log_unreadable(event)
        if event.is_kept:
            yield Gap(channel, event.position)

    def _placed(self, message: Object) -> Iterator[Gap]:
        """Begin in the channel of the user, or go on in it, if the program wants it."""
        if USER not in self.positions:
            return
        resumed, position = self.positions[USER], position_of(message)
        if resumed is None or not message["recovered"]:
            self.positions[USER] = position
            if resumed is not None:
                yield Gap(USER, position)

    def _subscribed(self, channel: str, message: Object) -> Iterator[Delivery]:
        resumed, position = self.positions[channel], position_of(message)
        if not message["recovered"]:
            # The history that follows stands before the position in the message.
            history = self._history_of(channel) if resumed is None else 0
            before = max(0, position.offset - history)
            self.positions[channel] = Position(position.epoch, before)
            if resumed is not None:
                yield Gap(channel, position)
        presence = message.get("presence")
        if presence is not None and presence is not UNREADABLE:
            yield presence_of(channel, cast("Object", presence))

    def _pushed(self, channel: str, message: Object) -> Delivery:
        match message["type"]:
            case "gap":
                self.positions[channel] = position = position_of(message)
                return Gap(channel, position)
            case "joined":
                return Joined(channel, member_of(message))
            case "left":
                return Left(channel, str(message["user"]))
            case _:
                return presence_of(channel, message)

    def _refused(self, message: Object) -> None:
        channel = self._asked.pop(_number(message), None)
        if channel is None or message["code"] in _OVERTAKEN:
            return
        if message["code"] not in PASSING:
            self._leave(channel)
        raise RiverError(str(message["code"]), str(message["message"]))

    def _is_answer(self, channel: str, message: Object) -> bool:
        return self._asked.pop(_number(message), None) == channel

    def _history_of(self, channel: str) -> int:
        return self._histories.get(channel, self.history)

    def _leave(self, channel: str) -> None:
        self._forget(channel)
        self.positions.pop(channel, None)
        self._histories.pop(channel, None)

    def _forget(self, channel: str) -> None:
        """An answer that is still on its way belongs to a subscription that is over."""
        self._asked = {number: asked for number, asked in self._asked.items() if asked != channel}


def read(text: str | bytes) -> Object:
    """One message of the server, with UNREADABLE for members that Python cannot hold.

    Raises:
        NotRiverError: it is not one.
    """
    message = _decoded(text) if isinstance(text, str) else None
    if not isinstance(message, dict) or not isinstance(cast("Object", message).get("type"), str):
        raise NotRiverError(f"{text[:60]!r} is not a message of River's")
    return cast("Object", message)


def reload_after_s(message: Object) -> float:
    """How long the server asks to wait before the state is reloaded after a gap."""
    placed = message.get("user_position")
    asked_ms = (placed if isinstance(placed, dict) else message).get("reload_after_ms")
    if not isinstance(asked_ms, int | float) or not math.isfinite(asked_ms):
        return 0.0
    return min(max(asked_ms / 1000, 0.0), RELOAD_AFTER_S_MAX)


def _decoded(text: str) -> Json:
    try:
        return decode(text, levels=_PART_LEVELS)
    except ValueError:
        return None
    except RecursionError:
        return members_of(text)


def _number(message: Object) -> int:
    number = message.get("id")
    return number if isinstance(number, int) else 0
