"""A WebSocket on a port of its own, for clients that send bytes."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from raw_websocket import HEAD, LIMITS, Connect, Peer, Recorder
from websocket_site import WebSocketSite

from riverd.http.limits import HttpLimits
from riverd.http.listener import HttpListener
from riverd.websocket.interface import SocketLimits


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    recorders: list[Recorder] = []
    peers: list[Peer] = []
    limits = LIMITS

    def new() -> Recorder:
        recorders.append(Recorder(limits))
        return recorders[-1]

    listener = HttpListener(WebSocketSite(new), HttpLimits())
    await listener.start(socket.create_server(("127.0.0.1", 0)))
    port = listener.port

    async def connect(with_limits: SocketLimits) -> tuple[Peer, Recorder]:
        nonlocal limits
        limits = with_limits
        # A small limit: what the test does not ask for stays in the kernel.
        peers.append(Peer(*await asyncio.open_connection("127.0.0.1", port, limit=1_024)))
        peers[-1].send(HEAD)
        await peers[-1].reader.readuntil(b"\r\n\r\n")
        return peers[-1], recorders[-1]

    yield connect
    await listener.end()
    for peer, recorder in zip(peers, recorders, strict=True):
        peer.writer.close()
        if not recorder.gone.is_set():
            recorder._transport.abort()
            await recorder.gone.wait()
