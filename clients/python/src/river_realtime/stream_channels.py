"""The channels of a stream: asked for in one request, and answered as on a WebSocket."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from river_realtime.errors import ConnectionLostError
from river_realtime.parsing import Object, position_of
from river_realtime.protocol import PASSING, USER
from river_realtime.values import Json, Position

CHANNELS_MAX = 50
LETTERS_MAX = 4_000
"""In the names of all channels: they go into the address."""
_UNKNOWN = "-"


@dataclass
class StreamChannel:
    """One channel, the question for it that has no answer yet, and up to where it was received."""

    question: Json = None
    is_asked: bool = True
    position: Position | None = None
    history: int = 0

    @property
    def start(self) -> str:
        """Where the next request begins, as the cursor has it (docs/http-streaming.md)."""
        if self.position is not None:
            return f"{self.position.epoch}:{self.position.offset}"
        return f"-{self.history}" if self.history else _UNKNOWN


class StreamChannels:
    """See the module. Each request goes on where the one before was read up to."""

    def __init__(self, *, user_position: Position | None) -> None:
        self._user_position = user_position
        self._channels: dict[str, StreamChannel] = {}
        self._requested: list[str] = []

    def subscribe(self, message: Object) -> Object | None:
        """Take a question of the subscriber; the answer, if there is one already."""
        name = str(message["channel"])
        letters = sum(map(len, {*self._channels, name}))
        is_full = len({*self._channels, name}) > CHANNELS_MAX or letters > LETTERS_MAX
        if is_full:
            reason = f"a stream has up to {CHANNELS_MAX} channels"
            return {
                "type": "error",
                "id": message["id"],
                "code": "too_many_channels",
                "message": reason,
            }
        position = position_of(message) if "epoch" in message else None
        history = cast("int", message.get("history", 0))
        self._channels[name] = StreamChannel(message["id"], position=position, history=history)
        return None

    def unsubscribe(self, message: Object) -> Object:
        """End a subscription; the answer."""
        self._channels.pop(str(message["channel"]), None)
        return {**message, "type": "unsubscribed"}

    def request(self) -> tuple[str, str]:
        """The query of the next request, and its cursor."""
        self._requested = list(self._channels)
        query = urlencode([("shape", "native"), *(("channel", one) for one in self._requested)])
        starts = [one.start for one in self._channels.values()]
        if self._user_position is not None:
            own = self._user_position
            starts.append(f"@{own.epoch}:{own.offset}")
        return query, f".{','.join(starts)}"

    def receive(self, message: Object) -> Iterator[Object]:
        """What a message of the stream is to a subscriber, who knows of one request only.

        Raises:
            ConnectionLostError: a channel cannot be had just now.
        """
        name = str(message.get("channel", ""))
        match message["type"]:
            case "subscribed" if name in self._channels:
                yield from self._subscribed(name, message)
            case "subscribed" if name == USER:
                if self._user_position is None or not message["recovered"]:
                    self._user_position = position_of(message)
                yield message
            case "error" if isinstance(number := message.get("id"), int):
                yield from self._refused(self._requested[number], message)
            case "unsubscribed":
                self._channels.pop(name, None)
                yield message
            case "event" if "offset" in message:
                self._note(name, cast("int", message["offset"]))
                yield message
            case "gap" if name in self._channels:
                self._channels[name].position = position_of(message)
                yield message
            case _:
                yield message

    def _subscribed(self, name: str, message: Object) -> Iterator[Object]:
        channel, position = self._channels[name], position_of(message)
        if not message["recovered"]:
            # The history that follows stands before the position in the message.
            history = channel.history if channel.position is None else 0
            before = max(0, position.offset - history)
            channel.position = Position(position.epoch, before)
        if channel.is_asked:
            channel.is_asked = False
            yield {**message, "id": channel.question}
            return
        if not message["recovered"]:
            where: Object = {"channel": name, "epoch": position.epoch, "offset": position.offset}
            yield {"type": "gap", **where}
        if isinstance(presence := message.get("presence"), dict):
            yield {"type": "presence", "channel": name, **cast("Object", presence)}

    def _refused(self, name: str, message: Object) -> Iterator[Object]:
        channel = self._channels.get(name)
        if channel is None:
            return
        if message["code"] in PASSING:
            raise ConnectionLostError(str(message["message"]), error_code=str(message["code"]))
        if channel.is_asked:
            yield {**message, "id": channel.question}
        else:
            yield {"type": "unsubscribed", "channel": name, "reason": "grant"}
        del self._channels[name]

    def _note(self, name: str, offset: int) -> None:
        if name == USER and self._user_position is not None:
            self._user_position = Position(self._user_position.epoch, offset)
        channel = self._channels.get(name)
        if channel is not None and channel.position is not None:
            channel.position = Position(channel.position.epoch, offset)
