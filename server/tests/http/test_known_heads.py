"""A head that came before is not parsed again; all that it means stays the same."""

import pytest
from http_site import Client, Site, connected, get, listening, post

from riverd.http.limits import HttpLimits
from riverd.http.listener import HttpListener

KNOWN = post("/one", b"abc")
HEAD = KNOWN.removesuffix(b"abc")


async def body_of(client: Client, sent: bytes) -> bytes:
    client.send(sent)
    status, _, body = await client.answer()
    assert status == 200
    return body


def count_of(listener: HttpListener) -> int:
    return len(listener.pool.heads)


async def test_known_head_serves_other_bodies_other_connections_and_other_heads() -> None:
    async with listening(Site()) as listener, connected(listener) as one:
        expected = await body_of(one, KNOWN)
        assert count_of(listener) == 1
        assert await body_of(one, KNOWN) == expected
        assert await body_of(one, HEAD + b"xyz") == expected.replace(b"abc", b"xyz")
        assert await body_of(one, get("/two")) != expected
        assert await body_of(one, post("/two", b"abc")) == expected.replace(b"/one", b"/two")
        assert await body_of(one, KNOWN) == expected
        async with connected(listener) as two:
            assert await body_of(two, KNOWN) == expected
        assert count_of(listener) == 2


async def test_body_of_a_known_head_may_come_in_parts_and_others_behind_it() -> None:
    async with listening(Site()) as listener, connected(listener) as client:
        expected = await body_of(client, KNOWN)
        await client.send_all(HEAD + b"a")
        assert await body_of(client, b"bc") == expected
        await client.send_all(HEAD[:-1])
        assert await body_of(client, HEAD[-1:] + b"abc") == expected
        client.send(KNOWN * 40 + get("/last"))
        for _ in range(40):
            assert (await client.answer())[2] == expected
        assert b"/last" in (await client.answer())[2]


async def test_what_follows_a_known_head_is_judged_as_ever() -> None:
    async with listening(Site()) as listener, connected(listener) as client:
        await body_of(client, KNOWN)
        client.send(KNOWN)
        assert (await client.answer())[0] == 200
        client.send(b"no request\r\n\r\n")
        assert (await client.answer())[0] == 400


@pytest.mark.parametrize(
    "sent",
    [
        get("/early"),
        post("/early", b"abc"),
        get("/"),
        post("/", b"abc", "Connection: close"),
        post("/", b"abc", f"X-Long: {'x' * 1_024}"),
        get("/", "Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n0\r\n\r\n",
    ],
)
async def test_nothing_else_is_kept(sent: bytes) -> None:
    async with listening(Site()) as listener, connected(listener) as client:
        client.send(sent)
        await client.answer()
        assert count_of(listener) == 0


async def test_heads_that_are_kept_have_a_limit() -> None:
    async with listening(Site(), HttpLimits()) as listener, connected(listener) as client:
        for number in range(600):
            await body_of(client, post(f"/{number}", b"abc"))
            assert count_of(listener) <= 512
        assert count_of(listener) == 88
