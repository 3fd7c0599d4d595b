"""Streams as a `ClientProtocol`: their clients listen, and cannot answer.

What it encodes are records (see `records`), to which each stream adds its cursor.
"""

from collections.abc import Callable, Iterator

import msgspec

from riverd.channels.names import shown_name
from riverd.errors import DecodeError, ErrorCode
from riverd.model.commands import Command
from riverd.model.log import Change, Ephemeral, Position, Publication
from riverd.model.replies import Authenticated, Gap, HistoryReply, Pong, Reply, Subscribed, Welcome
from riverd.protocols.native.codec import message_of
from riverd.protocols.native.events import change_message, ephemeral_message, event_message
from riverd.protocols.native.protocol import Native
from riverd.protocols.sse.cursor import position_text
from riverd.protocols.sse.records import record
from riverd.protocols.sse.shapes import StreamShape, encode_json


class _MessageHead(msgspec.Struct):
    """What every message has; the decoder skips the rest."""

    type: str
    channel: str = ""


_envelope = msgspec.json.Decoder(_MessageHead).decode


class Sse(Native):
    """River's own protocol in another form; who may do what is the same.

    One object a shape: streams of one shape share what is encoded.

    Args:
        is_native: Also greetings are sent, and a lost position is said once, as on a WebSocket.
    """

    name = "stream"
    # A stream subscribes to these itself: its cursor has to know them.
    joins_channels = False

    def __init__(self, native: Native, shape: StreamShape, *, is_native: bool = False) -> None:
        super().__init__(native.rules, native.secrets)
        self._shape = shape
        self._is_native = is_native

    def decode(self, payload: bytes) -> Command:
        """Nothing comes on a stream."""
        raise DecodeError(ErrorCode.NOT_JSON, f"{len(payload)} bytes on a stream", fatal=True)

    def encode(self, reply: Reply) -> bytes:
        """A reply as records. That a resume was not possible is a gap.

        Clients that know River's own messages are sent those of a WebSocket and no others.
        """
        match reply:
            case Welcome() | Authenticated() if self._is_native:
                return self._record(reply)
            case Welcome() | Authenticated() | Pong():
                return b""
            case Subscribed(recovered=True):
                # What was missed follows: the cursor stays where the client is.
                return self._record(reply)
            case Subscribed(reason=str()) if not self._is_native:
                gap = Gap(reply.channel, reply.position, reply.reload_after_ms)
                return self._record(reply) + self._record(gap, position=reply.position)
            case Subscribed() | Gap():
                return self._record(reply, position=reply.position)
            case _:
                return self._record(reply)

    def encode_parts(self, reply: HistoryReply) -> Iterator[bytes]:
        """Nobody asks for a history on a stream."""
        yield self._record(reply)

    def publications(self, channel: str) -> Callable[[Publication], bytes]:
        """What makes records of a channel's publications."""
        text_of, channel = self._shape.event, shown_name(channel)
        head = b'{"type":"event","channel":"%b","event":' % channel.encode()

        def make(publication: Publication) -> bytes:
            text = text_of(publication.event, publication.data, event_message(head, publication))
            return record(channel, text, position=b":%d" % publication.offset)

        return make

    def ephemerals(self, channel: str) -> Callable[[Ephemeral], bytes]:
        """What makes records of a channel's events that no log keeps: the cursor stays."""
        text_of = self._shape.event

        def make(event: Ephemeral) -> bytes:
            message = encode_json(ephemeral_message(channel, event))
            return record(shown_name(channel), text_of(event.event, event.data, message))

        return make

    def changes(self, channel: str) -> Callable[[Change], bytes]:
        """What makes records of a channel's joins and leaves."""
        own = self._shape.own

        def make(change: Change) -> bytes:
            message = change_message(channel, change)
            return record(channel, own(str(message["type"]), encode_json(message)))

        return make

    def bye(self, reason: str, retry_after_ms: int, **code: int) -> bytes:
        """The text of the last message; its `code` is the close code of a WebSocket."""
        fields = {"type": "bye", "reason": reason, "retry_after_ms": retry_after_ms, **code}
        return self._shape.own("bye", encode_json(fields))

    def _record(self, reply: Reply, *, position: Position | None = None) -> bytes:
        message = encode_json(message_of(reply))
        envelope = _envelope(message)
        text = self._shape.own(envelope.type, message)
        at = b"" if position is None else position_text(position)
        return record(envelope.channel, text, position=at)
