"""The gateway's port: who is let in, and what everybody else is told."""

import re
from pathlib import PurePosixPath

import pytest
from river_client import (
    TEXT,
    Answer,
    Refused,
    connection,
    exchange,
    frame,
    opened,
    request,
    token,
    visitor,
)
from river_process import River, Start, ask

ORIGINS = "https://*.example.com, http://localhost:*, http://[::1]:3000"


@pytest.fixture(scope="module")
def river(start_shared: Start) -> River:
    return start_shared("gateway", settings={"RIVER_ALLOWED_ORIGINS": ORIGINS})


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", True),
        ("https://a.b.example.com", True),
        ("HTTPS://APP.EXAMPLE.COM", True),
        ("http://localhost:5173", True),
        ("http://[::1]:3000", True),
        ("http://app.example.com", False),
        ("https://example.com", False),
        ("https://app.example.com.evil.org", False),
        ("https://evil.org/.example.com/", False),
        ("http://[::1]:3001", False),
        ("http://:3000", False),
        ("null", False),
        ("", False),
    ],
)
async def test_only_pages_of_the_allowed_origins_connect(
    river: River, *, origin: str, allowed: bool
) -> None:
    if allowed:
        async with visitor(river.url, Origin=origin) as client:
            await client.expect("welcome")
    else:
        answer = await exchange(river.url, request(Origin=origin))
        assert answer.status == 403
        assert b"RIVER_ALLOWED_ORIGINS" in answer.body


async def test_without_an_origin_everybody_connects(river: River) -> None:
    async with visitor(river.url) as client:
        await client.expect("welcome")


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/x", "/WS", "//ws", "/wss", "/%77s", "/ws%00"])
async def test_websocket_is_at_one_path_only(river: River, path: str) -> None:
    answer = await exchange(river.url, request(path))
    assert answer.status == 404
    assert b"/ws" in answer.body


async def test_front_page_says_what_this_is_and_loads_nothing(river: River) -> None:
    page = await exchange(river.url, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert b"River gateway" in page.body
    assert b"://" not in page.body
    for link in re.findall(r'href="([^"]+)"', page.body.decode()):
        # Relative, as a proxy may have the gateway below a path of its own.
        assert ask(f"{river.url}/{link}")[0] == 200, link


async def test_query_of_the_path_does_not_matter(river: River) -> None:
    client = await opened(river.url, path="/ws?v=1&token=x")
    await client.expect("welcome")
    await client.close()


async def test_token_that_comes_with_the_upgrade_opens_at_once(river: River) -> None:
    proof = token("ann")
    async with visitor(river.url, Authorization=f"bearer {proof}") as client:
        assert "sec-websocket-protocol" not in client.answer.headers
        await client.expect("welcome")
        told = await client.expect("authenticated")
        assert told["user"] == "ann"
        assert "id" not in told
    offered = f"chat, river.v1, bearer.{proof}"
    async with visitor(river.url, Sec_WebSocket_Protocol=offered) as client:
        assert client.answer.headers["sec-websocket-protocol"] == "river.v1"
        await client.expect("welcome")
        assert (await client.expect("authenticated"))["user"] == "ann"


@pytest.mark.parametrize("proof", [" ", "a b", "..", "é", "x" * 8_000])
async def test_nonsense_for_a_token_with_the_upgrade_ends_with_4401(
    river: River, proof: str
) -> None:
    async with visitor(river.url, Authorization=f"Bearer {proof}x") as client:
        await client.expect("welcome")
        assert (await client.expect("error"))["code"] == "token_invalid"
        assert (await client.ends())[0] == 4401


async def test_other_kinds_of_authorization_are_none(river: River) -> None:
    async with visitor(river.url, Authorization="Basic YW5uOmFubg==") as client:
        await client.expect("welcome")
        await client.send(type="auth", id=1, token=token())
        await client.expect("authenticated")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        (b"HEAD /ws HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        (request(Upgrade="h2c"), 426),
        (request(Connection="close"), 426),
        (request(Sec_WebSocket_Version="8"), 426),
        (request(Sec_WebSocket_Key="short"), 400),
        (request().replace(b"HTTP/1.1", b"HTTP/1.0"), 426),
        (request().replace(b"GET", b"POST"), 405),
        (b"DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"OPTIONS /client/river.js HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (request(Content_Length="5") + b"GET /metrics HTTP/1.1\r\n\r\n", 400),
        (request(Transfer_Encoding="chunked"), 400),
        (request(Cookie="x" * 16_384), 431),
        (b"GET /" + b"x" * 20_000, 431),
        (b"GET http://x/ws HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        (b"\r\n" * 10_000, 400),
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET /ws\r\n\r\n", 400),
        (b"GET  /ws HTTP/1.1\r\n\r\n", 400),
        (b"GET http://x/ws HTTP/1.1\r\n\r\n", 400),
        (b"GET /ws HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET /ws HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n", 400),
        (b"GET /ws HTTP/1.1\r\nHost: a\x00b\r\n\r\n", 400),
        (b"GET /ws HTTP/1.1\nHost: x\n\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
    ids=lambda one: ascii(one)[:40] if isinstance(one, bytes) else "",
)
async def test_request_that_is_no_upgrade_is_told_so(
    river: River, head: bytes, status: int
) -> None:
    answer = await exchange(river.url, head)
    assert answer.status == status
    if status == 426:
        assert answer.headers["upgrade"] == "websocket"
        assert answer.headers["sec-websocket-version"] == "13"
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD"


async def test_refused_upgrade_says_why_to_those_who_ask_for_one(river: River) -> None:
    with pytest.raises(Refused, match="404"):
        await opened(river.url, path="/elsewhere")


async def test_large_cookies_of_the_application_are_let_through(river: River) -> None:
    async with visitor(river.url, Cookie="x" * 15_000) as client:
        await client.expect("welcome")


async def test_messages_in_the_same_packet_as_the_upgrade_are_served(river: River) -> None:
    early = b'{"type":"ping","id":"early"}'
    reader, writer = await connection(river.url)
    writer.write(request() + frame(TEXT, early))
    received = await reader.readuntil(b"early")
    assert received.startswith(b"HTTP/1.1 101 ")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/client/river.js"])
async def test_page_is_answered_and_its_head_too(river: River, path: str) -> None:
    whole = await exchange(river.url, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert whole.status == 200
    assert int(whole.headers["content-length"]) == len(whole.body) > 0
    head = await exchange(river.url, f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert head.status == 200
    assert head.headers.keys() == whole.headers.keys()
    assert not head.body


async def test_client_script_can_be_imported_by_any_page_and_is_not_sent_twice(
    river: River,
) -> None:
    asked = "GET /client/river.js HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.org\r\n"
    whole = await exchange(river.url, f"{asked}\r\n".encode())
    assert whole.status == 200
    assert whole.headers["content-type"] == "text/javascript; charset=utf-8"
    assert whole.headers["access-control-allow-origin"] == "*"
    assert whole.headers["x-content-type-options"] == "nosniff"
    tag = whole.headers["etag"]
    again = await exchange(river.url, f"{asked}If-None-Match: {tag}\r\n\r\n".encode())
    assert again.status == 304
    assert not again.body
    assert again.headers["etag"] == tag
    other = await exchange(river.url, f'{asked}If-None-Match: "other"\r\n\r\n'.encode())
    assert other.status == 200


@pytest.mark.parametrize("name", ["river", "tabs"])
async def test_client_is_one_file_and_its_modules_and_types_are_there_to_read(
    river: River, name: str
) -> None:
    status, script = ask(f"{river.url}/client/{name}.js")
    assert status == 200
    # What is needed later only is loaded then, from a file that is served beside it.
    assert {ask(f"{river.url}/client/{PurePosixPath(one).name}")[0] for one in imports(script)} == {
        200
    }
    wanted, seen = [f"src/{name}.js", f"{name}.d.ts"], set[str]()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        status, text = ask(f"{river.url}/client/{name}")
        assert status == 200, name
        suffix = ".d.ts" if name.endswith(".d.ts") else ".js"
        for one in imports(text):
            path = f"src/{PurePosixPath(one).stem}{suffix}"
            wanted += [] if path in seen else [path]
    assert len(seen) > 4


def imports(script: str) -> list[str]:
    return re.findall(r'(?:from|import)\s*\(?"(\.[^"]+)"', script)


async def test_files_come_over_a_connection_that_stays(river: River) -> None:
    reader, writer = await connection(river.url)
    for _ in range(2):
        writer.write(b"GET /client/river.js HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = Answer(await reader.readuntil(b"\r\n\r\n"))
        assert (answer.status, answer.headers["connection"]) == (200, "keep-alive")
        await reader.readexactly(int(answer.headers["content-length"]))
    writer.close()


@pytest.mark.parametrize(
    "path",
    [
        "/client/../README.md",
        "/client/../../../etc/passwd",
        "/client/%2e%2e/package.json",
        "/client/..%2fpackage.json",
        "/client/./river.js",
        "/client/dist/river.native.js",
        "/client/src/../src/river.js",
        "/client/river-x.js",
        "/client//river.js",
        "/client/river.js/",
        "/client/river.js%00",
        "/client/",
        "/client",
        "/client/%72iver.js",
        "/client/..\\river.js",
        "/.river/dev.json",
    ],
)
async def test_nothing_but_the_client_is_served(river: River, path: str) -> None:
    answer = await exchange(river.url, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.status == 404
    assert b"root" not in answer.body


async def test_many_who_never_finish_their_request_keep_nobody_out(river: River) -> None:
    halves = [await connection(river.url) for _ in range(500)]
    for _, writer in halves:
        writer.write(b"GET /ws HTTP/1.1\r\nHost: ")
    async with visitor(river.url) as client:
        await client.expect("welcome")
    assert ask(f"{river.url}/readyz")[0] == 200
    for _, writer in halves:
        writer.transport.abort()
        await writer.wait_closed()
