"""Where River is: path prefixes, proxies of the environment, and addresses that are another's."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from bad_servers import Raw, ok
from real_river import ForwardProxy, PrefixProxy, Running

from river_realtime import (
    AsyncRiver,
    Event,
    River,
    RiverError,
    Subscriber,
    UnreachableError,
    UsageError,
    sign_token,
)
from river_realtime.addresses import api_url, websocket_url

WAIT_S_MAX = 20.0
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def forward_proxy(running: Running) -> AsyncIterator[ForwardProxy]:
    targets = {"river.test:8000": running.url, "river.test:8001": running.api_url}
    async with ForwardProxy(targets) as proxy:
        yield proxy


async def first_event(url: str, running: Running, channel: str) -> object:
    token = sign_token(running.secret, "ann")
    async with (
        asyncio.timeout(WAIT_S_MAX),
        Subscriber(url, token, channel, history=1) as subscriber,
    ):
        async for delivery in subscriber:
            if isinstance(delivery, Event):
                return delivery.data
    return None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("localhost:8000", "ws://localhost:8000/ws"),
        ("http://localhost:8000/", "ws://localhost:8000/ws"),
        ("https://rt.example.com", "wss://rt.example.com/ws"),
        ("wss://rt.example.com/ws", "wss://rt.example.com/ws"),
        ("https://example.com/rt", "wss://example.com/rt/ws"),
        ("https://example.com/rt/", "wss://example.com/rt/ws"),
        ("https://example.com/a/b/ws/", "wss://example.com/a/b/ws"),
    ],
)
def test_gateways_address_may_be_written_as_people_write_it(written: str, meant: str) -> None:
    assert websocket_url(written) == meant


@pytest.mark.parametrize("url", ["localhost:8000?a=b", "http://localhost:8000/#there"])
def test_address_with_a_query_is_refused(url: str) -> None:
    for function in (websocket_url, api_url):
        with pytest.raises(RiverError, match="is not an address"):
            function(url)


async def test_both_clients_work_below_a_path_prefix(running: Running) -> None:
    async with (
        PrefixProxy(running.api_url, "/rt") as api,
        PrefixProxy(running.url, "/rt") as gateway,
        AsyncRiver(f"{api.url}/rt/", running.key) as river,
    ):
        await river.publish("py-prefix", "n", 1)
        assert (await river.history("py-prefix")).events[0].data == 1
        assert await first_event(f"{gateway.url}/rt", running, "py-prefix") == 1


async def test_proxy_of_the_environment_is_used(
    running: Running, forward_proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", forward_proxy.url)
    async with AsyncRiver("http://river.test:8001", running.key) as river:
        await river.publish("py-proxied", "n", 1)
    assert await first_event("ws://river.test:8000", running, "py-proxied") == 1
    assert forward_proxy.connections == 2


@pytest.mark.parametrize("name", PROXIES[:3])
async def test_proxy_of_the_environment_is_not_used_for_loopback(
    running: Running, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    with River(running.api_url, running.key) as river:
        river.publish("py-loopback", "n", 1)
    async with AsyncRiver(running.api_url, running.key) as river:
        await river.publish("py-loopback", "n", 2)
    assert await first_event(running.url, running, "py-loopback") == 2


def test_socks_proxy_that_cannot_be_used_is_named_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://user:password@127.0.0.1:9")
    with pytest.raises(UsageError, match=r"ALL_PROXY.*NO_PROXY=river\.test") as caught:
        River("http://river.test:8001", "key")
    assert "password" not in str(caught.value)
    monkeypatch.setenv("NO_PROXY", "river.test")
    River("http://river.test:8001", "key").close()


def test_proxy_of_another_kind_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://127.0.0.1:9")
    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        Subscriber("wss://river.test", "token")


@pytest.mark.parametrize("value", ["http://[bad", "http://", "http://proxy:port"])
def test_proxy_that_is_no_address_is_named_at_the_start(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", value)
    with pytest.raises(UsageError, match=r"HTTP_PROXY is not an address.*NO_PROXY=river\.test"):
        River("http://river.test:8001", "key")


async def test_proxy_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://user:password@127.0.0.1:9")
    named = r"http://river\.test:8001/publish \(through the proxy of ALL_PROXY\)"
    with (
        River("http://river.test:8001", "key", timeout_s=0.1) as river,
        pytest.raises(UnreachableError, match=named) as caught,
    ):
        river.publish("dogs", "n")
    assert "password" not in str(caught.value)
    async with AsyncRiver("http://river.test:8001", "key", timeout_s=0.1) as river:
        with pytest.raises(UnreachableError, match=named):
            await river.publish("dogs", "n")
    async with asyncio.timeout(WAIT_S_MAX), Subscriber("ws://river.test", "token", "dogs"):
        while "ws://river.test/ws (through the proxy of ALL_PROXY)" not in caplog.text:
            await asyncio.sleep(0.01)


def test_gateways_port_instead_of_the_apis_is_named(running: Running) -> None:
    with River(running.url, running.key) as river:
        for call in (lambda: river.publish("dogs", "n"), river.channels):
            with pytest.raises(UnreachableError, match=r"is River's gateway.*RIVER_API_PORT"):
                call()


async def test_gateways_port_instead_of_the_apis_is_named_to_who_awaits(running: Running) -> None:
    async with AsyncRiver(running.url, running.key) as river:
        with pytest.raises(UnreachableError, match="is River's gateway"):
            await river.publish("dogs", "n")


async def test_apis_port_instead_of_the_gateways_is_named(running: Running) -> None:
    async with asyncio.timeout(WAIT_S_MAX), Subscriber(running.api_url, "token") as subscriber:
        with pytest.raises(
            UnreachableError, match=r"River's publish API answers there.*RIVER_PORT"
        ):
            await anext(subscriber)


def test_redirect_is_named_and_never_followed_with_the_key() -> None:
    with Raw(ok({"epoch": "e", "offset": 1})) as elsewhere:
        head = f"HTTP/1.1 307 Moved\r\nlocation: http://{elsewhere.address}/\r\n"
        with (
            Raw(f"{head}content-length: 0\r\n\r\n".encode()) as server,
            River(server.address, "key") as river,
            pytest.raises(UnreachableError, match=f"redirect to http://{elsewhere.address}/"),
        ):
            river.publish("dogs", "n")
        assert elsewhere.requests == []
