"""What a connection may cost before anybody knows whose it is."""

import logging
import select
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import repeat

import pytest
from api_server import KEY, Served, head, new_channel, over_a_socket, read_answer, serving

from riverd.http.limits import HEAD_BYTES_MAX, HttpLimits

# API Gateway has bounds of its own.
pytestmark = over_a_socket

# What Java's client sends with its first request, whatever that is.
OFFER = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAEAAEAA")


@pytest.fixture
def hasty(way_in: None) -> Iterator[Served]:
    """An API that waits for nothing for long."""
    del way_in
    limits = HttpLimits(head_s=0.1, linger_s=0.1, stalled_s=0.1, discarded_bytes_max=1_000_000)
    with serving(limits=limits) as served:
        yield served


def rest(connection: socket.socket) -> bytes:
    """What comes until the server ends the connection."""
    with connection.makefile("rb") as stream:
        return stream.read()


def flood(connection: socket.socket, piece: bytes) -> None:
    """Send a piece again and again until the server says something, or ends."""
    for sent in repeat(piece):
        if select.select([connection], [], [], 0)[0]:
            return
        connection.sendall(sent)


def published(channel: str) -> bytes:
    return b'{"channel":"%b","event":"e","data":1}' % channel.encode()


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_head_has_a_size(api: Served, pieces: int) -> None:
    usual = len(head("GET /healthz", "x: "))
    for size, status in ((HEAD_BYTES_MAX - usual, 200), (HEAD_BYTES_MAX, 431)):
        request = head("GET /healthz", f"x: {'a' * size}")
        with closing(api.connect()) as connection:
            for piece in (request[:9_000], request[9_000:]) if pieces > 1 else (request,):
                connection.sendall(piece)
                # So that the server reads them one by one.
                select.select([connection], [], [], 0.05)
            answer = read_answer(connection)
            assert answer.status == status
            if status != 200:
                assert answer.code == "too_large"
                assert rest(connection) == b""


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET /", b"a" * 60_000),
        (b"GET / HTTP/1.1\r\nx: ", b"a" * 60_000),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 10_000),
    ],
)
def test_a_head_that_never_ends_is_refused_while_it_arrives(
    api: Served, begin: bytes, piece: bytes
) -> None:
    with closing(api.connect()) as connection:
        connection.sendall(begin)
        flood(connection, piece)
        answer = read_answer(connection)
        assert (answer.status, answer.code) == (431, "too_large")
        assert answer.headers["connection"] == "close"
        assert rest(connection) == b""


@pytest.mark.parametrize("piece", [b"a: b\r\n" * 10_000, b"a" * 60_000])
def test_fields_after_a_body_that_never_end_are_cut_off(api: Served, piece: bytes) -> None:
    refused = head("POST /publish", "transfer-encoding: chunked").replace(KEY.encode(), b"wrong")
    with closing(api.connect()) as connection:
        connection.sendall(refused + b"0\r\nx: ")
        assert read_answer(connection).status == 401
        flood(connection, piece)
        assert rest(connection) == b""


def test_fields_after_a_body_are_no_answer_to_a_publication(api: Served) -> None:
    channel = new_channel()
    body = published(channel)
    with closing(api.connect()) as connection:
        connection.sendall(head("POST /publish", "transfer-encoding: chunked"))
        connection.sendall(b"%x\r\n%b\r\n0\r\nx: " % (len(body), body))
        flood(connection, b"a" * 60_000)
        assert read_answer(connection).code == "too_large"
        assert rest(connection) == b""
    assert api.log(channel) == []


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /", head("GET /healthz")[:-2]])
def test_a_head_that_does_not_come_is_not_waited_for_for_ever(hasty: Served, sent: bytes) -> None:
    with closing(hasty.connect()) as connection:
        connection.sendall(sent)
        assert rest(connection) == b""


@pytest.mark.parametrize("sent", [b"\r\n", b"GET /", head("GET /healthz")[:-2]])
def test_nor_is_the_next_one_waited_for_for_ever(hasty: Served, sent: bytes) -> None:
    with closing(hasty.connect()) as connection:
        connection.sendall(head("GET /healthz"))
        assert read_answer(connection).status == 200
        connection.sendall(sent)
        assert rest(connection) == b""


def test_a_body_that_nobody_reads_is_not_waited_for_for_ever(hasty: Served) -> None:
    with closing(hasty.connect()) as connection:
        connection.sendall(head("POST /publish", f"content-length: {10**12}"))
        assert read_answer(connection).code == "too_large"
        # It is cut off in the middle of what it sends: that may be a reset.
        with suppress(ConnectionError):
            flood(connection, b"a" * 1_000)
            assert rest(connection) == b""


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\nhost : river\r\n\r\n",
        b"CONNECT river:80 HTTP/1.1\r\n\r\n",
        head("POST /publish", "content-length: 5", "transfer-encoding: chunked"),
        head("POST /publish", "content-length: 5", "content-length: 6"),
        head("POST /publish", "transfer-encoding: chunked") + b"-1\r\n",
    ],
)
def test_what_is_not_http_is_told_so_and_not_logged(
    api: Served, caplog: pytest.LogCaptureFixture, request_bytes: bytes
) -> None:
    with caplog.at_level(logging.WARNING), closing(api.connect()) as connection:
        connection.sendall(request_bytes)
        answer = read_answer(connection)
        assert (answer.status, answer.code) == (400, "invalid_field")
        assert rest(connection) == b""
    assert caplog.messages == []


def test_what_follows_a_publication_is_no_answer_to_it(api: Served) -> None:
    body = published(new_channel())
    request = head("POST /publish", f"content-length: {len(body)}") + body
    with closing(api.connect()) as connection:
        connection.sendall(request + b"no HTTP\r\n\r\n")
        assert read_answer(connection).json["offset"] == 1
        assert rest(connection) == b""


def test_a_client_that_offers_another_protocol_is_served_in_this_one(
    api: Served, caplog: pytest.LogCaptureFixture
) -> None:
    channel = new_channel()
    body = published(channel)
    request = head("POST /publish", *OFFER, f"content-length: {len(body)}") + body
    with caplog.at_level(logging.WARNING), closing(api.connect()) as connection:
        for offset, size in enumerate((len(request), 40, len(request) - 10, 1), 1):
            for at in range(0, len(request), size):
                connection.sendall(request[at : at + size])
            assert read_answer(connection).json["offset"] == offset
        connection.sendall(head("GET /healthz"))
        assert read_answer(connection).status == 200
    assert len(api.log(channel)) == 4
    assert caplog.messages == []


def test_several_requests_at_once_are_answered_in_their_order(api: Served) -> None:
    # Together they are larger than one head may be.
    three = head("GET /healthz") + head("GET /nothing", *OFFER) + head("GET /readyz", *OFFER)
    last = head("GET /healthz", "connection: close")
    with closing(api.connect()) as connection:
        connection.sendall(three * 100 + last)
        answers = rest(connection).split(b"HTTP/1.1 ")[1:]
    assert [int(answer[:3]) for answer in answers] == [*[200, 404, 200] * 100, 200]
