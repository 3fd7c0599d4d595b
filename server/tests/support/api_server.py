"""The publish API on a real socket, by itself or behind API Gateway, and a client to ask it."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from itertools import count
from typing import Any, NamedTuple, TypeVar

import pytest
import uvloop
from api_gateway import behind_api_gateway
from redis_server import RedisServer
from river_feed import Notes

from riverd.api.context import Api
from riverd.api.handler import ApiHandler, limits_of
from riverd.api.live import LiveAnswers
from riverd.auth.api_keys import Keys
from riverd.auth.tokens import Signer
from riverd.aws.lambda_api import ApiFunction
from riverd.broker import Broker, Feed
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.broker.redis import address as redis_address
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connector import Connector
from riverd.channels.names import CONTROL
from riverd.channels.rules import ChannelRules
from riverd.http.limits import HttpLimits
from riverd.http.listener import HttpListener
from riverd.model.log import Publication
from riverd.scheduling.tasks import Tasks

KEY = "the-key-of-the-tests"
OTHER_KEY = "the-key-that-comes-next"
SECRET = "s" * 32
DEADLINE_S = 30.0
HISTORY_SIZE = 1_000
RULES = ChannelRules(history_size=HISTORY_SIZE, history_ttl_s=300)
JSON = {"content-type": "application/json"}

T = TypeVar("T")

_names = count(1)
_databases = count()
_unexpected: list[BaseException] = []


class Doors:
    """Which way into the API is tried now, and what is behind it."""

    kind = "socket"
    redis: RedisServer


class Beside:
    """A loop in a thread of its own, for what a test does beside the API."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()


_beside = Beside()


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

    def __init__(
        self, port: int, new_door: Callable[[], Broker], tally: Tally, failures: list[str]
    ) -> None:
        self.port = port
        self.tally = tally
        self.failures = failures
        self._new_door = new_door
        self._doors: list[Broker] = []
        self._reader: Broker | None = None
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
        if self._reader is None:
            self._reader = self._new_door()
            self._doors.append(self._reader)
        return list(run(self._reader.read(channel)).publications)

    def door(self, feed: Feed | None = None, *, name: str | None = None) -> Broker:
        """Another door to the same broker: that of a node, which may have a name."""
        door = self._new_door()
        self._doors.append(door)
        run(door.attach(feed or Notes()))
        run(door.subscribe(CONTROL))
        if name is not None:
            run(door.control.register(name))
        return door

    def connect(self) -> socket.socket:
        """A connection on which bytes are sent as they are."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def close(self) -> None:
        self._connection.close()
        for door in self._doors:
            run(door.close())


def new_channel(prefix: str = "") -> str:
    """A channel that no other test uses."""
    return f"{prefix}test-{next(_names)}"


@contextmanager
def serving(
    door: Callable[[Switchboard, Callable[[], float]], MemoryBroker] | None = None,
    *,
    limits: HttpLimits | None = None,
    **surroundings: Any,
) -> Iterator[Served]:
    """Run the API until the block ends, with what the test gives it in place of the usual.

    Behind API Gateway its broker is a Redis, unless a test brings one of its own.
    """
    tally, failures = Tally(), list[str]()
    given = {
        "signer": Signer(SECRET),
        "counts": tally,
        "failed": lambda error: failures.append(repr(error)),
        **surroundings,
    }
    if Doors.kind == "lambda" and door is None:
        # A database of its own: nothing of other tests is in there.
        new_door: Callable[[], Broker] = partial(_redis_door, next(_databases))
        broker = new_door()
        given.setdefault("answer_s_max", DEADLINE_S)
        given.setdefault("list_s_max", DEADLINE_S)
    else:
        epochs = count(1)
        store = Store(RULES, new_epoch=lambda: f"e{next(epochs)}")
        board = Switchboard(store)
        broker = (door or MemoryBroker)(board, time.monotonic)

        def new_door() -> Broker:
            return MemoryBroker(board, time.monotonic)

    api = Api(broker, Keys([KEY, OTHER_KEY]), RULES, **given)
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        _running(api, listening, limits=limits or limits_of(api))
        if Doors.kind == "socket"
        else _invoked(api, listening),
        closing(Served(listening.getsockname()[1], new_door, tally, failures)) as served,
    ):
        yield served


def _redis_door(database: int) -> RedisBroker:
    clients = Connector(redis_address.parse(f"{Doors.redis.url}/{database}"))
    return RedisBroker(clients, rules=RULES, failed=_unexpected.append)


class _Kept:
    """What a sandbox keeps, if nothing of it ever changes."""

    may_renew = False

    def __init__(self, api: Api) -> None:
        self._api = api

    def api(self) -> Api:
        return self._api

    async def renew(self) -> None:
        raise NotImplementedError


@contextmanager
def _invoked(api: Api, listening: socket.socket) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    function = ApiFunction(lambda work: loop.run_until_complete(work(_Kept(api))))
    try:
        with behind_api_gateway(function, listening):
            yield
    finally:
        # Not here: a browser's driver may leave a loop of its own running in the tests' thread.
        closing_it = threading.Thread(target=lambda: loop.run_until_complete(api.broker.close()))
        closing_it.start()
        closing_it.join()
        loop.close()
        assert _unexpected == [], _unexpected


@contextmanager
def _running(api: Api, listening: socket.socket, *, limits: HttpLimits) -> Iterator[None]:
    ready, stopping = threading.Event(), asyncio.Event()
    loop = uvloop.new_event_loop()

    async def serve() -> None:
        tasks = Tasks(api.failed)
        live = LiveAnswers(api, start=tasks.start, stopping=stopping)
        handler = ApiHandler(api, live)
        listener = HttpListener(handler, limits, tick_s=min(0.5, limits.head_s / 4))
        await listener.start(listening)
        ready.set()
        await stopping.wait()
        await listener.end(1)
        await tasks.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(DEADLINE_S)
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
        loop.close()


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


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run something beside the API."""
    return asyncio.run_coroutine_threadsafe(work, _beside.loop).result(DEADLINE_S)


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait for what is told on other ways than in an answer."""
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


over_a_socket = pytest.mark.parametrize("way_in", ["socket"], indirect=True, scope="session")
"""For tests of what API Gateway does by itself: bytes on a connection, many at once."""
