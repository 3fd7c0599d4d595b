"""What the generator says where a server wants it in its own way, and how it takes pieces."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import loader
import pytest
from websockets.asyncio.server import ServerConnection, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "5ec" * 20
MESSAGES = 7


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    loader.build()


class Verifier(BaseHTTPRequestHandler):
    """Checks a request as the Pusher protocol wants it signed."""

    protocol_version = "HTTP/1.1"
    bodies: list[dict[str, object]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        place = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        signature = query.pop("auth_signature")
        told = "&".join(f"{name}={query[name]}" for name in sorted(query))
        text = f"POST\n{place.path}\n{told}".encode()
        wanted = hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        good = query["body_md5"] == md5 and hmac.compare_digest(signature, wanted)
        if good:
            self.bodies.append(json.loads(body))
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def verifier() -> Iterator[ThreadingHTTPServer]:
    Verifier.bodies = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Verifier)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("size", [64, 65, 120, 1000])
def test_requests_are_signed_as_the_pusher_protocol_wants_it(
    verifier: ThreadingHTTPServer, size: int
) -> None:
    found = loader.run(
        [
            str(loader.LOAD),
            *("--connections", "0", "--publish-url", f"http://127.0.0.1:{verifier.server_port}"),
            *("--api", "pusher", "--api-key", f"bench:{SECRET}", "--publish-channels", "private-a"),
            *("--publish-count", str(MESSAGES), "--size", str(size), "--duration-s", "30"),
        ],
        lambda _: None,
    )
    publish = found["publish"]
    assert isinstance(publish, dict)
    assert (publish["ok"], publish["other"]) == (MESSAGES, 0)
    data = [json.loads(str(body["data"])) for body in Verifier.bodies]
    assert [body["channel"] for body in Verifier.bodies] == ["private-a"] * MESSAGES
    assert all(len(json.dumps(one, separators=(",", ":"))) == size for one in data)


async def _in_pieces(client: ServerConnection) -> None:
    """A bus that answers in frames which end anywhere: each of so many bytes."""
    said = b'INFO {"server_id":"x"}\r\n'
    await client.send(said)
    heard = b""
    async for part in client:
        heard += part if isinstance(part, bytes) else part.encode()
        if b"SUB news" in heard and heard.endswith(b"PING\r\n"):
            payload = b'{"t":1,"pad":"\r\nMSG news 2 3\r\n"}'
            message = b"MSG news 2 %d\r\n%s\r\n" % (len(payload), payload)
            stream = b"PONG\r\n" + message * MESSAGES
            for at in range(0, len(stream), 5):
                await client.send(stream[at : at + 5])
        elif heard.endswith(b"PING\r\n"):
            await client.send(b"PONG\r\n")


async def test_messages_in_pieces_of_any_size_are_counted_once() -> None:
    async with serve(_in_pieces, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        line = [
            str(loader.LOAD),
            *("--url", f"ws://127.0.0.1:{port}/", "--dialect", "nats", "--token", "t"),
            *("--connections", "3", "--channels", "news", "--duration-s", "1", "--settle-s", "0.5"),
        ]
        found = await asyncio.to_thread(loader.run, line, lambda _: None)
    total = found["total"]
    assert isinstance(total, dict)
    assert total["deliveries"] == 3 * MESSAGES
    assert total["errors"] == 0


@pytest.mark.parametrize(
    ("dialect", "frames"),
    [
        pytest.param("native", ["SECRET", "one", "two"], id="a frame each"),
        pytest.param("centrifugo", ["SECRET one two"], id="all in one frame"),
    ],
)
async def test_channels_are_asked_for_before_the_token_is_answered(
    dialect: str, frames: list[str]
) -> None:
    """As these systems' own clients do it."""
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def listening(client: ServerConnection) -> None:
        """Answers nothing: whoever waits for a word says no more."""
        async for message in client:
            heard.put_nowait(" ".join(re.findall("SECRET|one|two", str(message))))

    async with serve(listening, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        load = await asyncio.create_subprocess_exec(
            str(loader.LOAD),
            *("--url", f"ws://127.0.0.1:{port}/", "--dialect", dialect, "--token", "SECRET"),
            *("--connections", "1", "--channels", "one,two", "--connect-s", "60"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            said = [await asyncio.wait_for(heard.get(), 30) for _ in frames]
        finally:
            load.kill()
            await load.wait()
    assert said == frames
