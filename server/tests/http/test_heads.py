"""Which heads and bodies are taken and which are refused, as RFC 9112 has it."""

import json
import re

import pytest
from http_site import Site, connected, exchanged, listening

HOST = b"Host: x\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MARK = b"GET /mark HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

REFUSED = [
    # The request line.
    (b"nonsense\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b" GET / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /  HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n", 400),
    (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /\xe9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET ftp://x/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"CONNECT x:80 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"CONNECT  HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"CONNECT http://x/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 400),
    (b"GET / http/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    (b"GET / HTTP/0.9\r\n" + HOST + b"\r\n", 505),
    (b"GET / RTSP/1.0\r\n" + HOST + b"\r\n", 505),
    # Ends of lines.
    (b"\r\n\r\n", 400),
    (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    (b"\nGET / HTTP/1.1\n" + HOST + b"\r\n", 400),
    (b"GET / HTTP/1.1\r\r\n" + HOST + b"\r\n", 400),
    (GET + b"A: b\nC: d\r\n\r\n", 400),
    (GET + b"A: b\rC: d\r\n\r\n", 400),
    (GET + b"A: b\r\r\n\r\n", 400),
    (GET + b"\rX", 400),
    # Fields.
    (GET + b"A: b\r\n c\r\n\r\n", 400),
    (GET + b"A: b\r\n\tc\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n A: b\r\n" + HOST + b"\r\n", 400),
    (GET + b"A : b\r\n\r\n", 400),
    (GET + b"A\t: b\r\n\r\n", 400),
    (GET + b": b\r\n\r\n", 400),
    (GET + b"no colon\r\n\r\n", 400),
    (GET + b"A\x00: b\r\n\r\n", 400),
    (GET + b"A: \x00\r\n\r\n", 400),
    (GET + b"A: \x01\r\n\r\n", 400),
    (GET + b"A: \x7f\r\n\r\n", 400),
    (GET + b"A(: b\r\n\r\n", 400),
    (GET + b"A\xe9: b\r\n\r\n", 400),
    # Host.
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + HOST + b"hOST: y\r\n\r\n", 400),
    (b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    # Lengths.
    (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
    (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    (POST + b"Content-Length: 1, 1\r\n\r\na", 400),
    (POST + b"Content-Length: +1\r\n\r\na", 400),
    (POST + b"Content-Length: -1\r\n\r\na", 400),
    (POST + b"Content-Length: 0x1\r\n\r\na", 400),
    (POST + b"Content-Length: 1_0\r\n\r\na", 400),
    (POST + b"Content-Length: 1 2\r\n\r\na", 400),
    (POST + b"Content-Length:\r\n\r\na", 400),
    (POST + b"Content-Length: 99999999999999999999\r\n\r\na", 400),
    (POST + b"Content-Length : 1\r\n\r\na", 400),
    # Transfer codings.
    (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: identity\r\n\r\n", 400),
    (POST + b"Transfer-Encoding:\r\n\r\n", 400),
    (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    # Chunks.
    (CHUNKED + b"1\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"1\r\na\n0\r\n\r\n", 400),
    (CHUNKED + b"1\r\naX0\r\n\r\n", 400),
    (CHUNKED + b"1\r\nab\r\n0\r\n\r\n", 400),
    (CHUNKED + b"1\r\n\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"1 \r\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"1 ;a\r\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"1;\r\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"1;\x00\r\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b'1;a="b\r\n"\r\na\r\n0\r\n\r\n', 400),
    (CHUNKED + b"0x1\r\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"-1\r\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"\r\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"fffffffffffffffff\r\na\r\n0\r\n\r\n", 400),
    (CHUNKED + b"0\n\n", 400),
    (CHUNKED + b"0\r\nno colon\r\n\r\n", 400),
    (CHUNKED + b"0\r\nA: b\n\r\n", 400),
    (CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n", 400),
    (CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
]

TOO_LARGE = [
    (GET + b"A: " + b"x" * 17_000, 431),
    (GET + b"A: " + b"x" * 17_000 + b"\r\n\r\n" + MARK, 431),
    (GET + b"A: b\r\n" * 4_000, 431),
    (b"GET /" + b"x" * 17_000, 431),
    (POST + b"Content-Length: 100001\r\n\r\n" + MARK, 413),
    (CHUNKED + b"18700\r\n" + b"x" * 100_096, 413),
    (CHUNKED + b"1;x=" + b"y" * 20_000, 413),
    (CHUNKED + b"0\r\nx: " + b"y" * 20_000, 413),
    (CHUNKED + b"1\r\na\r\n" * 10_000, 413),
]

TAKEN = [
    (GET, ["GET", "/", "", ""]),
    (b"\r\n" + GET, ["GET", "/", "", ""]),
    (b"GET /a%2Fb?c=%20&d HTTP/1.1\r\n" + HOST, ["GET", "/a%2Fb", "c=%20&d", ""]),
    (b"GET /a?b?c HTTP/1.1\r\n" + HOST, ["GET", "/a", "b?c", ""]),
    (b"GET //a HTTP/1.1\r\n" + HOST, ["GET", "//a", "", ""]),
    (b"GET http://river:8001/a?b HTTP/1.1\r\n" + HOST, ["GET", "/a", "b", ""]),
    (b"GET HTTPS://river HTTP/1.1\r\n" + HOST, ["GET", "/", "", ""]),
    (b"GET http://river?b HTTP/1.1\r\n" + HOST, ["GET", "/", "b", ""]),
    (b"OPTIONS * HTTP/1.1\r\n" + HOST, ["OPTIONS", "*", "", ""]),
    (b"GET / HTTP/1.1\r\nHost:\r\n", ["GET", "/", "", ""]),
    (b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n", ["GET", "/", "", ""]),
    (POST + b"Content-Length: 0\r\n", ["POST", "/", "", ""]),
    (POST + b"Content-Length: 3 \r\n\r\nabc", ["POST", "/", "", "abc"]),
    (POST + b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", ["POST", "/", "", ""]),
    (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", ["POST", "/", "", "abc"]),
    (CHUNKED + b"1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", ["POST", "/", "", "\r\n"]),
    (CHUNKED + b'0003;a=b;c="d"\r\nabc\r\n0;e\r\n\r\n', ["POST", "/", "", "abc"]),
    (CHUNKED + b"3\r\nabc\r\n0\r\nHost: y\r\nA: b\r\n\r\n", ["POST", "/", "", "abc"]),
]


@pytest.mark.parametrize(("data", "status"), REFUSED, ids=[ascii(r[0])[:70] for r in REFUSED])
async def test_malformed_request_is_refused_and_nothing_behind_it_is_read(
    data: bytes, status: int
) -> None:
    site = Site()
    async with listening(site) as listener:
        answers = await exchanged(listener, data + MARK)
    _is_one_refusal(answers, status)
    assert site.failures == []


@pytest.mark.parametrize(("data", "status"), TOO_LARGE, ids=[ascii(t[0])[:70] for t in TOO_LARGE])
async def test_what_is_too_large_is_refused_while_it_arrives(data: bytes, status: int) -> None:
    async with listening(Site()) as listener:
        _is_one_refusal(await exchanged(listener, data), status)


async def test_expectation_that_nobody_knows_fails() -> None:
    async with listening(Site()) as listener:
        head = POST + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\n"
        _is_one_refusal(await exchanged(listener, head), 417)


def _is_one_refusal(answers: bytes, status: int) -> None:
    assert answers.startswith(b"HTTP/1.1 %d " % status)
    assert len(re.findall(rb"HTTP/1\.1 \d{3} ", answers)) == 1
    assert b"\r\nconnection: close\r\n" in answers
    assert b"mark" not in answers


@pytest.mark.parametrize(("data", "seen"), TAKEN, ids=[ascii(t[0])[:70] for t in TAKEN])
async def test_well_formed_request_is_seen_as_it_was_sent(data: bytes, seen: list[str]) -> None:
    end = b"" if b"\r\n\r\n" in data[4:] else b"\r\n"
    async with listening(Site()) as listener, connected(listener) as client:
        client.send(data + end + MARK)
        status, _, body = await client.answer()
        assert (status, json.loads(body)[:4]) == (200, seen)
        status, fields, body = await client.answer()
        assert (json.loads(body)[1], fields["connection"]) == ("/mark", "close")
        assert await client.rest() == b""


async def test_header_values_lose_their_white_space_and_those_of_one_name_are_joined() -> None:
    fields = b"X-API-Key:  KEY \t\r\nX-One: 1\r\nx-one:\t2\r\nEmpty:\r\nLatin: \xe9\r\n"
    async with listening(Site()) as listener, connected(listener) as client:
        for _ in range(2):
            client.send(GET + fields + b"\r\n")
            _, _, body = await client.answer()
            assert json.loads(body)[4] == {
                "host": "x",
                "x-api-key": "KEY",
                "x-one": "1, 2",
                "empty": "",
                "latin": "\xe9",
            }


async def test_names_that_nobody_has_sent_before_do_not_fill_the_memory() -> None:
    async with listening(Site()) as listener, connected(listener) as client:
        for number in range(0, 3_000, 100):
            fields = b"".join(b"x-%d: %d\r\n" % (n, n) for n in range(number, number + 100))
            host = b"GET / HTTP/1.1\r\nHost: host-%d\r\n" % number
            client.send(host + fields + b"\r\n")
            _, _, body = await client.answer()
            assert json.loads(body)[4][f"x-{number + 99}"] == str(number + 99)
