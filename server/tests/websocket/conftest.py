"""A WebSocket on a port of its own, for clients that send bytes."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from raw_websocket import HEAD, LIMITS, Connect, Peer, Recorder

from riverd.gateway.handshake import HttpRequest
from riverd.gateway.listener import Upgrade, serve
from riverd.websocket.interface import SocketLimits


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    recorders: list[Recorder] = []
    peers: list[Peer] = []
    limits = LIMITS

    def accept(_request: HttpRequest) -> Upgrade:
        recorders.append(Recorder(limits))
        return Upgrade(recorders[-1])

    listener = await serve(accept, socket.create_server(("127.0.0.1", 0)))
    assert listener.server is not None
    port = listener.server.sockets[0].getsockname()[1]

    async def connect(with_limits: SocketLimits) -> tuple[Peer, Recorder]:
        nonlocal limits
        limits = with_limits
        # A small limit: what the test does not ask for stays in the kernel.
        peers.append(Peer(*await asyncio.open_connection("127.0.0.1", port, limit=1_024)))
        peers[-1].send(HEAD)
        await peers[-1].reader.readuntil(b"\r\n\r\n")
        return peers[-1], recorders[-1]

    yield connect
    listener.close()
    for peer, recorder in zip(peers, recorders, strict=True):
        peer.writer.close()
        if not recorder.gone.is_set():
            recorder._transport.abort()
            await recorder.gone.wait()
