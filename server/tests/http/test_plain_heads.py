"""Heads that the parser need not see: they are read as it would read them, or left to it."""

import itertools

import pytest

from riverd.http import heads
from riverd.http.heads import plain_request
from riverd.http.reader import Reader
from riverd.http.refusal import HttpRefusal, RequestRefusedError
from riverd.http.request import Request

LINES = (
    *["GET /ws HTTP/1.1", "GET /a#b?c?d HTTP/1.1", "POST / HTTP/1.1", "HEAD //a HTTP/1.1"],
    *["GET / HTTP/1.0", "CONNECT / HTTP/1.1", "PUT /a HTTP/1.1", "GET  / HTTP/1.1"],
    *["GET /a\x7f HTTP/1.1", "GET /\xe9 HTTP/1.1", "GET http://x/a HTTP/1.1", "GET / HTTP/1.1 "],
    *["OPTIONS * HTTP/1.1", "get / HTTP/1.1", "GET /a\tb HTTP/1.1", "GET HTTP/1.1", ""],
)
NAMES = ("Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Host", "A_b", "A ", "")
VALUES = (
    *["websocket", "Upgrade", "keep-alive, Upgrade", "close", "close, upgrade", "keep-alive"],
    *[
        "",
        "x",
        "a: b",
        "a  b",
        "a\tb",
        " a",
        "a ",
        "\xe9",
        "\x00",
        "\x7f",
        "a\rb",
        "a\nb",
        "a\r\n b",
    ],
    *["0", "3", "+3", "3 3", "03", "9" * 15, "9" * 20, "chunked"],
)
FIELDS = tuple(map("".join, itertools.product(NAMES, (": ", ":", ":\t"), VALUES)))
OFFERS = (
    [],
    ["Connection: Upgrade"],
    ["Upgrade: websocket"],
    ["Connection: Upgrade", "Upgrade: h"],
)


class Judge:
    """Takes every request, and writes down what it is given."""

    def __init__(self) -> None:
        self.seen: list[Request | HttpRefusal | bytes] = []

    def head(self, request: Request) -> int:
        self.seen.append(request)
        return 100

    def complete(self, body: bytes, *, too_large: bool) -> None:
        self.seen.append(b"too large" if too_large else body)

    def offered(self, request: Request) -> bool:
        self.seen += [b"offer", request]
        return True


def seen_in(*parts: bytes) -> list[Request | HttpRefusal | bytes]:
    judge, reader = Judge(), Reader({}, peer="192.0.2.1")
    try:
        for part in parts:
            reader.feed(part, judge)
    except RequestRefusedError as refused:
        judge.seen.append(refused.refusal)
    return judge.seen


@pytest.mark.parametrize("offer", OFFERS, ids="+".join)
def test_a_head_that_comes_whole_means_what_the_parser_finds_in_its_parts(offer: list[str]) -> None:
    usual = ["Host: x", *offer]
    heads = [
        *([line, *usual] for line in LINES),
        *(["GET /ws HTTP/1.1", *usual, field] for field in FIELDS),
        *(["POST /ws HTTP/1.1", *usual, "Content-Length: 3", field] for field in FIELDS),
    ]
    for head in heads:
        whole = ("\r\n".join(head) + "\r\n\r\nabc").encode("latin-1")
        assert seen_in(whole) == seen_in(whole[:3], whole[3:]), head


@pytest.mark.parametrize("connection", ["Upgrade", "upgrade", "keep-alive, Upgrade"])
def test_an_offer_is_plain(connection: str) -> None:
    fields = f"Host: x\r\nUpgrade: websocket\r\nConnection: {connection}\r\nSec-WebSocket-Key: a=="
    request = plain_request(f"GET /ws?a=b HTTP/1.1\r\n{fields}".encode(), peer="192.0.2.1")
    assert request is not None
    assert (request.method, request.path, request.query) == ("GET", "/ws", "a=b")
    assert (request.version, request.keep_alive, request.peer) == ("1.1", True, "192.0.2.1")
    assert request.headers == {
        "host": "x",
        "upgrade": "websocket",
        "connection": connection,
        "sec-websocket-key": "a==",
    }


def test_what_is_remembered_has_a_limit_and_holds_no_secret() -> None:
    fields = heads._field_of.__self__
    for number in range(2_000):
        head = (
            f"GET /{number} HTTP/1.1\r\nHost: x\r\nUser-Agent: {number}\r\nCookie: secret-{number}"
        )
        assert plain_request(head.encode(), peer="") is not None
        assert plain_request(f"GET /?token={number} HTTP/1.1\r\nHost: x".encode(), peer="")
        assert len(heads._known_lines) <= 256
        assert len(fields) <= 256
    assert not [line for line in fields if line.startswith(b"Cookie")]
    assert not [line for line in heads._known_lines if b"token" in line]
