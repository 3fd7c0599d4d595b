"""Servers that are not as River is, or are not well."""

import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

SILENCE = None
Json = dict[str, object]


def html(status: str) -> bytes:
    """What a proxy says."""
    body = b"<html><h1>Sorry</h1></html>"
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def ok(content: object) -> bytes:
    """What a publish API says."""
    return _answer("200 OK", content)


def refusal(status: str, code: str) -> bytes:
    """What a publish API says that does not do it."""
    return _answer(status, {"error": {"code": code, "message": "so it is"}})


def _answer(status: str, content: object) -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Raw:
    """Gives one answer a connection, and closes it; the last answer again and again.

    `SILENCE` keeps the connection and says nothing, b"" closes at once.
    """

    def __init__(self, *answers: bytes | None, tls: ssl.SSLContext | None = None) -> None:
        self._answers = list(answers)
        self._tls = tls
        self._open: list[socket.socket] = []
        self._stopped = False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.methods: list[str] = []
        self.targets: list[str] = []
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A thread that waits in accept() is woken by somebody who comes.
        self._answers = [b""]
        port = int(self.address.rpartition(":")[2])
        self._stopped = True
        socket.create_connection(("127.0.0.1", port)).close()
        self._thread.join()
        self._socket.close()
        for one in self._open:
            one.close()

    def _serve(self) -> None:
        while not self._stopped:
            connection, _ = self._socket.accept()
            with suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        self._open.append(connection)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
            self._open.append(connection)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is SILENCE:
            return
        if answer:
            head, body = _request(connection)
            method, target, _ = head.decode().split(" ", 2)
            self.methods.append(method)
            self.targets.append(target)
            self.requests.append(body)
            connection.sendall(answer)
        connection.close()


def _request(connection: socket.socket) -> tuple[bytes, bytes]:
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65_536)
    head, _, body = got.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().splitlines() if line.startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    while len(body) < length:
        body += connection.recv(65_536)
    return head, body


class Talk:
    """One connection to a scripted gateway."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection

    async def heard(self) -> Json:
        message: Json = json.loads(await self.connection.recv())
        return message

    async def say(self, kind: str, **fields: object) -> None:
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def accept(self, expires_at: float | None = None) -> str:
        """Take the token, and give it back."""
        await self.say("welcome", session="s", auth_timeout_s=15)
        message = await self.heard()
        assert message["type"] == "auth"
        await self.say("authenticated", id=message["id"], user="ann", expires_at=expires_at)
        return str(message["token"])

    async def subscribed(self) -> int:
        """Take a subscription; the offset after which it goes on, 0 for a new one."""
        message = await self.heard()
        assert message["type"] == "subscribe"
        after = message.get("offset", 0)
        assert isinstance(after, int)
        channel, recovered = message["channel"], "offset" in message
        place = {"epoch": "e", "offset": after, "recovered": recovered}
        await self.say("subscribed", id=message["id"], channel=channel, **place)
        return after

    async def event(self, offset: int, channel: str = "dogs") -> None:
        await self.say("event", channel=channel, event="n", data=offset, offset=offset)


Script = Callable[[Talk], Awaitable[None]]


@asynccontextmanager
async def gateway(*scripts: Script, port: int = 0) -> AsyncIterator[str]:
    """A gateway whose connections follow scripts, one after the other; the last again and again.

    A script that ends closes its connection.
    """
    left = list(scripts)

    async def follow(connection: ServerConnection) -> None:
        script = left.pop(0) if len(left) > 1 else left[0]
        with suppress(ConnectionClosed):
            await script(Talk(connection))

    async with serve(follow, "127.0.0.1", port, compression=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def good(talk: Talk) -> None:
    """A gateway as it should be, with the event 1, or what comes after the position."""
    await talk.accept()
    after = await talk.subscribed()
    await talk.event(after + 1)
    await talk.connection.wait_closed()


def certificate_for(host: str, folder: Path) -> ssl.SSLContext:
    """A TLS server whose certificate nobody signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "tls.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
