"""Unmasks whole frames as picows does: many bytes at a time, in C."""

from picows import WSFrame, WSListener, WSTransport

from riverd.websocket.picows_parser import Parser, new_parser

_AT_ONCE_MAX = 1_024
"""Half of the room that there always is."""


class _Unmasker(WSListener):
    """A parser that all connections share: no frame that it is given leaves anything in it.

    A short message takes a third of the instructions that way, a long one a tenth.
    """

    __slots__ = ("_parser", "_payloads")

    def __init__(self) -> None:
        self._parser: Parser | None = None
        self._payloads: list[bytes] = []

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        del transport
        self._payloads.append(frame.get_payload_as_bytes())

    def payload_of(self, frame: memoryview) -> bytes:
        """The payload of one frame of a message, which is all there and is well-formed."""
        parser = self._parser
        if parser is None:
            # A parser wants a running loop.
            parser = self._parser = new_parser(self)
        size = len(frame)
        if size > _AT_ONCE_MAX:
            self._feed(parser, frame)
        else:
            parser.get_buffer(-1)[:size] = frame
            parser.buffer_updated(size)
        return self._payloads.pop()

    def _feed(self, parser: Parser, frame: memoryview) -> None:
        """In portions, for which picows makes room as they come."""
        at = 0
        while at < len(frame):
            room = parser.get_buffer(-1)
            portion = frame[at : at + (len(room) >> 1)]
            room[: len(portion)] = portion
            parser.buffer_updated(len(portion))
            at += len(portion)


payload_of = _Unmasker().payload_of
