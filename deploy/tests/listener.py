"""A browser, as far as River sees one: a WebSocket that is authenticated and hears a channel."""

import json
import logging
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError

import jwt
from websockets.exceptions import ConnectionClosedError, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

DEADLINE_S = 60.0
COME_AGAIN = 4503
Json = dict[str, Any]


class Pings(logging.Handler):
    """Counts the pings that a connection got and answered: its library tells them to its log."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.getMessage().startswith("< PING")

    def logger(self) -> logging.Logger:
        found = logging.getLogger(f"pings-{id(self)}")
        found.setLevel(logging.DEBUG)
        found.propagate = False
        found.handlers = [self]
        return found


class Listener:
    """One connection, live in a channel."""

    def __init__(self, connection: ClientConnection, pings: "Pings") -> None:
        self._connection = connection
        self.pings = pings

    def tell(self, **message: object) -> None:
        self._connection.send(json.dumps(message))

    def until(self, *kinds: str) -> Json:
        """The next message of one of these types, whatever comes before it."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            told: Json = json.loads(self._connection.recv(DEADLINE_S))
            if told["type"] in kinds:
                return told
            assert told["type"] != "error", told
        raise AssertionError(f"none of {kinds} came")

    def enter(self, proof: str, channel: str) -> None:
        """Authenticate and subscribe."""
        self.tell(type="auth", id=1, token=proof)
        self.until("authenticated")
        self.tell(type="subscribe", id=2, channel=channel)
        self.until("subscribed")

    def rest_until(self, holds: Callable[[], bool]) -> None:
        """Say nothing and hear nothing until something is so."""
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.05)

    def ends(self) -> int:
        """Read to the end; the close code."""
        try:
            while True:
                self._connection.recv(DEADLINE_S)
        except WebSocketException:
            return self._connection.close_code or 1006


@contextmanager
def listening(
    url: str, proof: str, channel: str, *, context: ssl.SSLContext | None = None
) -> Iterator[Listener]:
    """A listener on `ws://...` or `wss://...`, without `/ws`.

    Where a gateway drains it comes again, as every client does: its balancer may not know yet.
    """
    deadline = time.monotonic() + DEADLINE_S
    with ExitStack() as stack:
        while True:
            with ExitStack() as attempt:
                listener = _opened_if_served(attempt, url, context)
                if listener is not None and _enters(listener, proof, channel=channel):
                    stack.push(attempt.pop_all())
                    break
            assert time.monotonic() < deadline, "nobody let it in"
            time.sleep(0.2)
        yield listener


def _opened_if_served(
    stack: ExitStack, url: str, context: ssl.SSLContext | None
) -> Listener | None:
    """A connection; None where a gateway that drains had accepted it before."""
    try:
        return stack.enter_context(_opened(url, context))
    except InvalidStatus as error:
        if error.response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return None


def _enters(listener: Listener, proof: str, *, channel: str) -> bool:
    try:
        listener.enter(proof, channel)
    except ConnectionClosedError as error:
        if error.rcvd is None or error.rcvd.code != COME_AGAIN:
            raise
        return False
    return True


@contextmanager
def _opened(url: str, context: ssl.SSLContext | None) -> Iterator[Listener]:
    pings = Pings()
    with connect(
        f"{url}/ws",
        ssl=context,
        proxy=None,
        open_timeout=DEADLINE_S,
        ping_interval=None,
        logger=pings.logger(),
    ) as connection:
        yield Listener(connection, pings)


def token(secret: str, user: str = "ann") -> str:
    """A token that opens every channel for an hour."""
    grants = {"subscribe": ["*"], "publish": ["*"]}
    claims = {"sub": user, "exp": int(time.time()) + 3600, "river": grants}
    return jwt.encode(claims, secret, algorithm="HS256")


def ask(
    url: str, body: object = None, *, key: str = "", context: ssl.SSLContext | None = None
) -> tuple[int, str]:
    """One HTTP request: status and text of any answer; 0 and the reason if there was none."""
    headers = {"content-type": "application/json", "x-api-key": key}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)  # noqa: S310  http(s) only
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def publish(api: str, key: str, channel: str, *, context: ssl.SSLContext | None = None) -> Json:
    """Publish one event through the publish API; what it answered."""
    body = {"channel": channel, "event": "post", "data": {"text": "Hello"}}
    status, text = ask(f"{api}/publish", body, key=key, context=context)
    assert status == 200, (status, text)
    told: Json = json.loads(text)
    return told
