"""An echo server on the gateway's WebSocket layer: `python echo_server.py` prints its port."""

import asyncio
import socket

import uvloop

from riverd.gateway.handshake import HttpAnswer, HttpRequest
from riverd.gateway.listener import Upgrade, serve
from riverd.websocket import frames
from riverd.websocket.connection import WebSocket
from riverd.websocket.interface import SocketLimits

_LIMITS = SocketLimits(close_timeout_s=1.0)


class Echo(WebSocket):
    """Says what it hears."""

    def on_text(self, payload: bytes) -> None:
        """As text."""
        self.write(frames.text(payload))

    def on_binary(self, payload: bytes) -> None:
        """As binary: such a frame differs only in its opcode."""
        self.write(b"\x82" + frames.text(payload)[1:])


def accept(request: HttpRequest) -> Upgrade | HttpAnswer:
    """Every path is a WebSocket."""
    del request
    return Upgrade(Echo(_LIMITS))


async def main() -> None:
    """Serve until killed."""
    sock = socket.create_server(("127.0.0.1", 0))
    print(sock.getsockname()[1], flush=True)  # noqa: T201 - whoever started it waits for this line
    await serve(accept, sock)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
