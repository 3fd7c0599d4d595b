"""What has ended is freed by its last reference: the collector has nothing to do."""

import asyncio
import gc
import json
import socket
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import pytest
from pusher_runner import APPS, QUERY
from river_client import CLOSE, PING, SECRET, TEXT, Client, frame, member, opened, token, visitor
from river_wire import RULES
from stream_client import path_of, requested
from subscribers import PusherSubscriber

from riverd.auth.apps import Apps, parse_apps
from riverd.auth.session_secrets import SessionSecrets
from riverd.auth.tokens import Verifier
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.core.hub import Hub
from riverd.core.session_limits import SessionLimits
from riverd.gateway.admission import Admission
from riverd.gateway.client_files import ClientFiles
from riverd.gateway.connection_limiter import ConnectionLimits
from riverd.gateway.gateway import Gateway
from riverd.gateway.origins import Origins
from riverd.gateway.static_files import Pages
from riverd.gateway.streams import streams
from riverd.http.proxies import ClientAddresses
from riverd.node.node import Node
from riverd.node.replicas.attachment import Linger
from riverd.protocols.native.close_codes import NATIVE_CLOSE_CODES
from riverd.protocols.native.protocol import Native, NativePath
from riverd.protocols.pusher.path import PusherPath
from riverd.service.composition import client_folder
from riverd.websocket.early_input import EarlyInputs, EarlyLimits
from riverd.websocket.interface import SocketLimits

MANY = 20
KINDS = {
    "Handshake",
    "Connection",
    "HttpConnection",
    "BodyWriter",
    "EventStream",
    "Poll",
    "Refusal",
    "EarlyInput",
    "Session",
    "Subscription",
    "Tab",
    "Attachment",
    "PresenceEntry",
    "DesiredState",
    "Channel",
    "Audience",
    "FragmentedMessage",
    "WSProtocol",
    "Task",
}


def alive() -> Counter[str]:
    """How many objects of these kinds there are, reachable or not."""
    return Counter(name for one in gc.get_objects() if (name := type(one).__name__) in KINDS)


@contextmanager
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class AlwaysReady:
    def unready(self) -> str | None:
        return None


@pytest.fixture
async def url() -> AsyncIterator[str]:
    store = Store(RULES, new_epoch=lambda: "epoch")
    failures: list[BaseException] = []
    hub = Hub(RULES, part_bytes_max=65_536)
    node = Node(
        MemoryBroker(Switchboard(store), time.monotonic),
        hub,
        clock=time.monotonic,
        failed=failures.append,
        linger=Linger(channel_s=0.01),
    )
    gateway = Gateway(
        node,
        Pages(health=AlwaysReady(), metrics=bytes, client=ClientFiles(client_folder(), "1")),
        paths=[
            NativePath(Native(RULES, SessionSecrets([SECRET]))),
            PusherPath(Apps(parse_apps("RIVER_APPS", json.dumps(APPS))), RULES),
        ],
        close_codes=NATIVE_CLOSE_CODES.values(),
        verify=Verifier([SECRET]).verify,
        failed=failures.append,
        refused=lambda *_: None,
        limits=SessionLimits(),
        socket_limits=SocketLimits(early=EarlyInputs(EarlyLimits())),
        admission=Admission(
            ConnectionLimits(MANY, MANY, MANY, MANY, MANY),
            ClientAddresses(()),
            25,
            Origins(["*"]),
        ),
    )
    gateway.serve_streams(
        Native(RULES, SessionSecrets([SECRET])), unready=AlwaysReady().unready, query_token=False
    )
    await node.start()
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    await gateway.start(sock)
    yield f"http://127.0.0.1:{port}"
    await gateway.close()
    await node.close()
    assert failures == []


async def settled(before: Counter[str]) -> None:
    """Wait until there is no more of any kind than before."""
    # To look at all objects of a process of many tests takes a while.
    deadline = time.monotonic() + 60
    while left := alive() - before:
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.01)


async def visit(url: str, number: int, *, ending: str) -> None:
    """A client that has all that a client can have, and ends."""
    async with member(url, token(f"user-{number}"), "dogs", f"presence-{number}") as client:
        await client.send_raw(frame(TEXT, b'{"type":"ping"', fin=False))
        if ending == "closes":
            await client.send_raw(frame(CLOSE, b"\x03\xe8"))
            await client.ends()
        elif ending == "is closed":
            await client.send_raw(b"\xff" * 100)
            await client.ends()


@pytest.mark.parametrize("ending", ["closes", "is closed", "is lost"])
async def test_client_with_all_that_it_can_have_leaves_nothing(url: str, ending: str) -> None:
    await visit(url, 0, ending=ending)
    with collector_off():
        before = alive()
        for number in range(MANY):
            await visit(url, number, ending=ending)
        await settled(before)


@pytest.mark.parametrize("mode", ["stream", "poll"])
async def test_a_stream_or_poll_leaves_nothing(
    url: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PARKED_S", 0.0)

    async def listen(number: int) -> None:
        path = path_of("dogs", f"presence-{number}", mode=mode, wait_s=0)
        headers = {"authorization": f"Bearer {token(f'user-{number}')}"}
        async with requested(url, path, headers=headers) as answer:
            await (answer.body() if mode == "poll" else answer.message("subscribed"))

    await listen(0)
    with collector_off():
        before = alive()
        # The port may not have noticed yet that the last ones have gone.
        for number in range(MANY // 2):
            await listen(number)
        await settled(before)


@pytest.mark.parametrize("page", [False, True])
async def test_a_client_of_pusher_s_protocol_leaves_nothing(
    url: str,
    page: bool,  # noqa: FBT001  a case
) -> None:
    async def come(number: int) -> None:
        name = f"/t/l8k2j0zz-{uuid.uuid4()}" if page else ""
        client = PusherSubscriber(await opened(url, path=f"{name}/app/native-key?{QUERY}"))
        await client.enter(f"user-{number}")
        await client.subscribe("dogs")
        member = json.dumps({"user_id": f"user-{number}"})
        await client.subscribe(f"presence-{number}", channel_data=member)
        await client.close()

    await come(0)
    with collector_off():
        before = alive()
        for number in range(MANY):
            await come(number)
        await settled(before)


@asynccontextmanager
async def refused(url: str) -> AsyncIterator[Client]:
    client = await opened(url)
    try:
        yield client
    finally:
        await client.close()


async def test_stranger_leaves_nothing(url: str) -> None:
    async with visitor(url):
        pass
    with collector_off():
        before = alive()
        for _ in range(MANY):
            async with visitor(url) as stranger:
                await stranger.send_raw(frame(PING, b"") + frame(TEXT, b"x" * 500)[:300])
        await settled(before)


async def test_client_that_is_refused_leaves_nothing(url: str) -> None:
    async with AsyncExitStack() as stack:
        for number in range(MANY):
            await stack.enter_async_context(member(url, token(f"user-{number}")))
        async with refused(url):
            pass
        with collector_off():
            before = alive()
            for _ in range(MANY):
                async with refused(url) as newcomer:
                    await newcomer.expect("bye")
            await settled(before)


async def test_subscriptions_that_end_leave_nothing_while_the_client_stays(url: str) -> None:
    async with member(url, token("wanderer")) as client:
        # The task that reports counts begins with the first, and stays.
        await client.send(type="subscribe", channel="room-first")
        await client.until("subscribed")
        with collector_off():
            before = alive()
            for number in range(MANY):
                for channel in (f"room-{number}", f"presence-{number}"):
                    await client.send(type="subscribe", channel=channel)
                    await client.until("subscribed")
                    await client.send(type="unsubscribe", channel=channel)
                    await client.until("unsubscribed")
            await settled(before)


async def test_client_that_makes_room_leaves_nothing(url: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(MANY):
            await stack.enter_async_context(visitor(url))
        with collector_off():
            before = alive()
            for _ in range(MANY):
                async with visitor(url):
                    pass
    # All of the first are closed by now, and all of the others.
    await settled(before)
