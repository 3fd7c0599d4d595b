"""The publish API behind a real uvicorn on a real socket, and a client to ask it."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from itertools import count
from typing import Any, NamedTuple

import uvicorn

from riverd.api.asgi import create_app
from riverd.api.handlers import Api
from riverd.api.keys import Keys
from riverd.broker.memory import MemoryBroker, Switchboard
from riverd.broker.store import Store
from riverd.model import Publication
from riverd.tokens import Signer

KEY = "the-key-of-the-tests"
OTHER_KEY = "the-key-that-comes-next"
SECRET = "s" * 32
DEADLINE_S = 30.0
JSON = {"content-type": "application/json"}

_names = count(1)


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The object in the body."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error, whose form is checked."""
        told = self.json
        assert set(told) == {"error"}
        assert set(told["error"]) == {"code", "message"}
        assert told["error"]["message"]
        return str(told["error"]["code"])


class Tally:
    """Counts as the API tells them."""

    def __init__(self) -> None:
        self.count = 0
        self.codes: list[str] = []

    def published(self, count: int) -> None:
        self.count += count

    def refused(self, code: str) -> None:
        self.codes.append(code)


class Served:
    """A running API: ask it, and look into the log behind it."""

    def __init__(self, port: int, board: Switchboard, tally: Tally, failures: list[str]) -> None:
        self.port = port
        self.board = board
        self.tally = tally
        self.failures = failures
        self._connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        key: str | None = KEY,
        headers: Mapping[str, str] = JSON,
    ) -> Answer:
        """Send a request over the connection that is kept, and read its answer."""
        sent = dict(headers) if key is None else {**headers, "x-api-key": key}
        self._connection.request(method, path, body, sent)
        response = self._connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, told, response.read())

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, value: object) -> Answer:
        return self.ask("POST", path, json.dumps(value).encode())

    def publish(self, **fields: object) -> Answer:
        return self.post("/publish", fields)

    def log(self, channel: str) -> list[Publication]:
        """What the broker has of a channel."""
        return list(self.board.store.read(channel, None, None, time.monotonic()).publications)

    def door(self) -> MemoryBroker:
        """Another door to the same broker."""
        return MemoryBroker(self.board, time.monotonic)

    def connect(self) -> socket.socket:
        """A connection on which bytes are sent as they are."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def close(self) -> None:
        self._connection.close()


def new_channel(prefix: str = "") -> str:
    """A channel that no other test uses."""
    return f"{prefix}test-{next(_names)}"


@contextmanager
def serving(
    door: Callable[[Switchboard, Callable[[], float]], MemoryBroker] = MemoryBroker,
    **surroundings: Any,
) -> Iterator[Served]:
    """Run the API until the block ends, with what the test gives it in place of the usual."""
    epochs = count(1)
    store = Store(size=1_000, ttl_s=300, new_epoch=lambda: f"e{next(epochs)}")
    board = Switchboard(store)
    tally, failures = Tally(), list[str]()
    given = {
        "signer": Signer(SECRET),
        "counts": tally,
        "failed": lambda error: failures.append(repr(error)),
        **surroundings,
    }
    api = Api(door(board, time.monotonic), Keys([KEY, OTHER_KEY]), **given)
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        _running(api, listening),
        closing(Served(listening.getsockname()[1], board, tally, failures)) as served,
    ):
        yield served


@contextmanager
def _running(api: Api, listening: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        create_app(api),
        log_config=None,
        lifespan="off",
        http="httptools",
        loop="uvloop",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def head(line: str, *fields: str) -> bytes:
    """The head of a request with a key, as bytes."""
    lines = [f"{line} HTTP/1.1", "host: river", f"x-api-key: {KEY}", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def read_answer(connection: socket.socket) -> Answer:
    """The next answer on a connection of bytes."""
    stream = connection.makefile("rb")
    status = int(stream.readline().split()[1])
    headers: dict[str, str] = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Answer(status, headers, stream.read(int(headers.get("content-length", "0"))))


def run(work: Any) -> Any:
    """Run what never really waits."""
    return asyncio.run(work)
