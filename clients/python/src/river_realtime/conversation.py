"""A subscriber's side of the protocol, without a socket: what to say, and what was heard."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from river_realtime.calls import event_of, member_of
from river_realtime.errors import RiverError
from river_realtime.values import Event, Gap, Joined, Json, Left, Position, Presence

Heard = Event | Gap | Joined | Left | Presence
_PRESENCE = "presence-"


@dataclass
class Conversation:
    """The channels that are wanted, and up to where each was heard.

    Events come out of `hear` once and in order; a `Gap` where something cannot be had.
    """

    history: int = 0
    positions: dict[str, Position | None] = field(default_factory=dict[str, Position | None])

    def opening(self, token: str) -> Iterator[str]:
        """What to say on a new connection: who we are, and where we want to go on."""
        yield json.dumps({"type": "auth", "token": token})
        for channel in self.positions:
            yield self.subscription(channel)

    def subscription(self, channel: str) -> str:
        """What to say to hear a channel, from where we were if we were there before."""
        wanted: dict[str, object] = {"type": "subscribe", "channel": channel}
        position = self.positions.get(channel)
        if position is not None:
            wanted |= {"epoch": position.epoch, "offset": position.offset}
        elif self.history:
            wanted["history"] = self.history
        return json.dumps(wanted)

    def hear(self, text: str) -> Iterator[Heard]:
        """What one message of the server means for the program.

        Raises:
            RiverError: something that we asked for was refused.
        """
        told = cast("Mapping[str, Json]", json.loads(text))
        channel = str(told.get("channel", ""))
        match told["type"]:
            case "event":
                yield from self._event(channel, told)
            case "subscribed":
                yield from self._subscribed(channel, told)
            case "gap":
                self.positions[channel] = position = _position(told)
                yield Gap(channel, position)
            case "joined":
                yield Joined(channel, member_of(told))
            case "left":
                yield Left(channel, str(told["user"]))
            case "presence":
                yield _presence(channel, told)
            case "error":
                raise RiverError(str(told["code"]), str(told["message"]))
            case _:
                return

    def _event(self, channel: str, told: Mapping[str, Json]) -> Iterator[Event]:
        position = self.positions.get(channel)
        offset = cast("int", told["offset"])
        # Not wanted any more, or known: the server sends neither, and it costs nothing to be sure.
        if position is None or offset <= position.offset:
            return
        event = event_of(channel, position.epoch, told)
        self.positions[channel] = event.position
        yield event

    def _subscribed(self, channel: str, told: Mapping[str, Json]) -> Iterator[Heard]:
        resumed, position = self.positions.get(channel), _position(told)
        if channel not in self.positions:
            return
        if not told["recovered"]:
            # The history that follows stands before the position that is told.
            before = max(0, position.offset - self.history) if resumed is None else position.offset
            self.positions[channel] = Position(position.epoch, before)
            if resumed is not None:
                yield Gap(channel, position)
        if channel.startswith(_PRESENCE):
            yield _presence(channel, cast("Mapping[str, Json]", told["presence"]))


def _position(told: Mapping[str, Json]) -> Position:
    return Position(str(told["epoch"]), cast("int", told["offset"]))


def _presence(channel: str, told: Mapping[str, Json]) -> Presence:
    listed = cast("list[Mapping[str, Json]]", told["members"])
    members = tuple(member_of(one) for one in listed)
    return Presence(channel, cast("int", told["count"]), members)
