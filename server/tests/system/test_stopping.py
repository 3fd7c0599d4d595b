"""Planned stops: what clients are told, and that nothing stays behind."""

import asyncio
import signal
import socket

from redis_server import RedisServer
from river_client import condition, connection, is_refused, member, request, token, visitor
from river_process import API_KEY, River, Start, address, ask

from riverd.broker.redis import keys
from riverd.healing.process import FAREWELL

# A stop that takes no longer did not wait for what it must not wait for.
AT_ONCE_S = 15.0
READYZ = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"


async def ends_well(river: River, *, within_s: float = AT_ONCE_S) -> None:
    await asyncio.to_thread(river.ends_well, within_s=within_s)


async def test_gateway_that_stops_asks_clients_to_move_and_ends_when_they_did(
    start: Start,
) -> None:
    river = start("gateway", settings={"RIVER_DRAIN_S": "600"})
    async with member(river.url, token("ann"), "dogs") as ann, visitor(river.url) as stranger:
        river.signal(signal.SIGTERM)
        told = await ann.expect("bye")
        assert told["reason"] == "draining"
        assert 0 <= told["retry_after_ms"] <= 600_000
        await stranger.until("bye")
        assert is_refused(river.url)
        # Those who were asked are served until they go.
        await ann.send(type="ping", id=1)
        await ann.expect("pong")
    await ends_well(river)
    assert river.event("gateway_draining")["connections"] == 2
    assert river.event("gateway_stopped")["level"] == "info"
    assert river.event("memory_broker")["level"] == "warning"


async def test_what_was_accepted_before_a_stop_is_answered(start: Start) -> None:
    river = start("gateway", settings={"RIVER_DRAIN_S": "600"})
    async with member(river.url, token(), "dogs") as client:
        # Connections are accepted in their order: the last one was, so all were.
        late, begun, asking, idle = [await connection(river.url) for _ in range(4)]
        head = request()
        begun[1].write(head[:9])
        for reader, writer in (asking, idle):
            writer.write(READYZ)
            assert (await reader.readuntil(b"ready\n")).startswith(b"HTTP/1.1 200")
        river.signal(signal.SIGTERM)
        await client.expect("bye")
        for (reader, writer), data, said in (
            (late, head, b"draining: try again\n"),
            (begun, head[9:], b"draining: try again\n"),
            (asking, READYZ, b"stopping\n"),
            (idle, READYZ.replace(b"readyz", b"metrics"), b"river_connections 1.0\n"),
        ):
            writer.write(data)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 " + (b"200" if b"metrics" in data else b"503"))
            assert b"connection: close\r\n" in answer
            assert said in answer
            writer.close()
    await ends_well(river)


async def test_client_that_stays_is_closed_when_the_drain_time_is_over(start: Start) -> None:
    river = start("gateway", settings={"RIVER_DRAIN_S": "1"})
    async with member(river.url, token(), "dogs") as client:
        river.signal(signal.SIGTERM)
        await client.expect("bye")
        assert await client.ends() == (4503, "draining")
    await ends_well(river)


async def test_second_signal_cuts_the_drain_short(start: Start) -> None:
    river = start("gateway", settings={"RIVER_DRAIN_S": "600"})
    async with member(river.url, token(), "dogs") as client:
        river.signal(signal.SIGTERM)
        await client.expect("bye")
        river.signal(signal.SIGTERM)
        assert (await client.ends())[0] == 4503
    await ends_well(river)


async def test_ctrl_c_ends_river_dev_at_once_and_it_says_goodbye(start: Start) -> None:
    river = start("dev", settings={"RIVER_DRAIN_S": "600"})
    async with member(river.url, token(), "presence-dogs") as client:
        river.signal(signal.SIGINT)
        assert (await client.expect("bye"))["reason"] == "draining"
        assert (await client.ends())[0] == 4503
    await ends_well(river)


async def test_stop_waits_neither_for_half_a_request_nor_for_a_client_that_is_deaf(
    start: Start,
) -> None:
    river = start("dev")
    head = f"POST /publish HTTP/1.1\r\nHost: x\r\nx-api-key: {API_KEY}\r\ncontent-length: 99\r\n"
    with (
        socket.create_connection(address(river.api_url)) as half,
        socket.create_connection(address(river.api_url)) as idle,
        socket.create_connection(address(river.url)) as slow,
    ):
        half.sendall(f"{head}content-type: application/json\r\n\r\n{{".encode())
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        slow.sendall(b"GET /ws HT")
        assert idle.recv(65_536).startswith(b"HTTP/1.1 200")
        async with member(river.url, token(), "dogs", receive_bytes=4_096):
            river.signal(signal.SIGTERM)
            await ends_well(river)


async def test_stop_does_not_wait_for_a_client_that_was_refused(start: Start) -> None:
    river = start("api")
    head = f"POST /publish HTTP/1.1\r\nx-api-key: {API_KEY}\r\ntransfer-encoding: chunked\r\n\r\n"
    with (
        socket.create_connection(address(river.api_url)) as in_head,
        socket.create_connection(address(river.api_url)) as in_body,
    ):
        in_head.sendall(b"no HTTP\r\n\r\n")
        in_body.sendall(f"{head}no length\r\n".encode())
        for refused in (in_head, in_body):
            assert refused.recv(65_536).startswith(b"HTTP/1.1 400")
        river.signal(signal.SIGTERM)
        await ends_well(river)
    assert "graceful" not in river.stderr.text


async def test_api_stops_and_its_port_is_free_again(start: Start) -> None:
    river = start("api")
    message = {"channel": "dogs", "event": "post", "data": 1}
    assert ask(f"{river.api_url}/publish", message, key=API_KEY)[0] == 200
    river.signal(signal.SIGTERM)
    await ends_well(river)
    assert river.event("api_stopped")["level"] == "info"
    assert river.event("memory_broker")["level"] == "warning"
    again = start("api", settings={"RIVER_API_PORT": str(address(river.api_url)[1])})
    assert again.api_url == river.api_url


async def test_nobody_waits_for_processes_that_were_stopped(
    start: Start, own_redis: RedisServer
) -> None:
    settings = {"RIVER_BROKER": own_redis.url, "RIVER_BROKER_UNSAFE": "true"}
    for command in ("gateway", "api"):
        river = start(command, settings=settings)
        await condition(lambda river=river: ask(f"{river.api_url or river.url}/readyz")[0] == 200)
        river.signal(signal.SIGTERM)
        await ends_well(river)
    with own_redis.client() as beside:
        signs = [name.decode() for name in beside.zrange(keys.SIGNS, 0, -1)]
    assert signs
    assert all(name.startswith(FAREWELL) for name in signs), signs


async def test_stop_does_not_wait_for_a_broker_that_is_silent(
    start: Start, own_redis: RedisServer
) -> None:
    settings = {"RIVER_BROKER": own_redis.url, "RIVER_BROKER_UNSAFE": "true"}
    stopped = [start(command, settings=settings) for command in ("gateway", "api")]
    own_redis.pause()
    try:
        for river in stopped:
            river.signal(signal.SIGTERM)
        for river in stopped:
            await ends_well(river)
    finally:
        own_redis.go_on()


async def test_gateway_starts_again_on_the_port_of_one_that_was_killed(start: Start) -> None:
    river = start("gateway")
    async with member(river.url, token(), "dogs") as client:
        river.kill()
        assert (await client.ends())[0] == 1006
    again = start("gateway", settings={"RIVER_PORT": str(address(river.url)[1])})
    await condition(lambda: ask(f"{again.url}/readyz")[0] == 200)
