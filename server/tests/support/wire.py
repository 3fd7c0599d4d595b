"""A WebSocket on a transport without a socket."""

import asyncio

from riverd.websocket.connection import WebSocket
from riverd.websocket.interface import SocketLimits

TEXT, BINARY = 0x1, 0x2
Message = tuple[int, bytes]


class Wire(asyncio.Transport):
    """A transport without a socket: keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended
        if data:
            self.writes.append(bytes(data))

    @property
    def written(self) -> bytes:
        return b"".join(self.writes)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        assert not self.ended
        self.ended = True

    def close(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.ended = True

    def resume_reading(self) -> None:
        """It reads what the test gives."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """The test knows whom to give bytes to."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """It is never full."""


class Collector(WebSocket):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(SocketLimits(message_bytes_max=20_000))
        self.messages: list[Message] = []
        self.codes: list[int] = []

    def on_text(self, payload: bytes) -> None:
        self.messages.append((TEXT, payload))

    def on_binary(self, payload: bytes) -> None:
        self.messages.append((BINARY, payload))

    def on_closed(self, code: int) -> None:
        self.codes.append(code)
