"""An echo server on the gateway's WebSocket layer: `python echo_server.py` prints its port."""

import asyncio
import socket

import uvloop
from websocket_site import WebSocketSite

from riverd.http.limits import HttpLimits
from riverd.http.listener import HttpListener
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


async def main() -> None:
    """Serve until killed."""
    sock = socket.create_server(("127.0.0.1", 0))
    print(sock.getsockname()[1], flush=True)  # noqa: T201 - whoever started it waits for this line
    site = WebSocketSite(lambda: Echo(_LIMITS))
    await HttpListener(site, HttpLimits()).start(sock)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
