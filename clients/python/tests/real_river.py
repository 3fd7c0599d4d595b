"""A real River for the tests of its Python client, and a proxy that can be cut."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

READY_S_MAX = 20.0


@dataclass
class Running:
    """Where River is, and what opens it."""

    url: str
    api_url: str
    key: str
    secret: str
    process: "subprocess.Popen[bytes]"
    folder: Path

    def stop(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


def start(folder: Path, *, port: int = 0, api_port: int = 0) -> Running:
    """A `river dev` in a folder of its own, as soon as it answers."""
    kept = folder / ".river" / "dev.json"
    before = kept.stat().st_ino if kept.exists() else 0
    environment = {**os.environ, "RIVER_PORT": str(port), "RIVER_API_PORT": str(api_port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "riverd", "dev"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + READY_S_MAX
    while not kept.exists() or kept.stat().st_ino == before:
        assert time.monotonic() < deadline, "River did not start"
        assert process.poll() is None, "River ended"
        time.sleep(0.02)  # another process is waited for
    told = json.loads(kept.read_text())
    return Running(told["url"], told["api_url"], told["api_key"], told["secret"], process, folder)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    river = start(tmp_path_factory.mktemp("river"))
    yield river
    river.stop()


class Proxy:
    """A TCP proxy; `cut` breaks all that goes through, `swallow_answers` lets no answer through."""

    def __init__(self, target: str) -> None:
        self._target = address_of(target)
        self._writers: set[asyncio.StreamWriter] = set()
        self.answers_to_swallow = 0
        self.connections = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._forward(reader, writer)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, first: bytes = b""
    ) -> None:
        self.connections += 1
        back_reader, back_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back_writer}
        back_writer.write(first)
        await asyncio.gather(
            self._pipe(reader, back_writer), self._pipe(back_reader, writer, answers=True)
        )

    async def _pipe(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                if answers and self.answers_to_swallow:
                    self.answers_to_swallow -= 1
                    self.cut()
                    break
                sink.write(data if answers else self._changed(data))
                await sink.drain()
        self._writers.discard(sink)
        sink.close()

    def _changed(self, request: bytes) -> bytes:
        return request


class PrefixProxy(Proxy):
    """A proxy that serves what is below a path, as many a web server does."""

    def __init__(self, target: str, prefix: str) -> None:
        super().__init__(target)
        self._prefix = prefix.encode()

    def _changed(self, request: bytes) -> bytes:
        return request.replace(b" " + self._prefix + b"/", b" /", 1)


class ForwardProxy(Proxy):
    """A proxy for HTTP and CONNECT, that knows by name where to connect to."""

    def __init__(self, targets: dict[str, str]) -> None:
        super().__init__(next(iter(targets.values())))
        self._targets = targets

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, url, _ = head.split(b" ", 2)
        name = url.decode().removeprefix("http://").partition("/")[0]
        self._target = address_of(self._targets[name])
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            head = b""
        await self._forward(reader, writer, first=head.replace(f"http://{name}".encode(), b"", 1))


def address_of(url: str) -> tuple[str, int]:
    host, _, port = url.partition("://")[2].partition(":")
    return host, int(port)


@pytest.fixture
async def api_proxy(running: Running) -> AsyncIterator[Proxy]:
    async with Proxy(running.api_url) as proxy:
        yield proxy


@pytest.fixture
async def gateway_proxy(running: Running) -> AsyncIterator[Proxy]:
    async with Proxy(running.url) as proxy:
        yield proxy


class NoWebSockets(Proxy):
    """A proxy that takes the Upgrade away while `is_blocking`, as those of companies do."""

    is_blocking = True

    def _changed(self, request: bytes) -> bytes:
        return request.replace(b"Upgrade: websocket", b"X-Gone: 1") if self.is_blocking else request
