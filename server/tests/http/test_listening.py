"""A port: how many connections and requests it has at once, and how it stops."""

import asyncio
import datetime as dt
import logging
import ssl
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from http_site import LARGE, Client, Site, connected, listening, until

from riverd.gateway.admission import Admission
from riverd.gateway.connection_limiter import ConnectionLimits
from riverd.gateway.origins import Origins
from riverd.http.limits import HttpLimits
from riverd.http.pool import _REFUSED_MAX
from riverd.http.proxies import ClientAddresses

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
GATE = GET.replace(b"/ ", b"/gate ", 1)
STREAM = GET.replace(b"/ ", b"/stream ", 1)
SLOW = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab"


async def test_newcomer_takes_the_place_of_the_connection_that_waited_longest() -> None:
    async with (
        listening(Site(), HttpLimits(connections_max=3)) as listener,
        connected(listener) as first,
        connected(listener) as second,
        connected(listener) as third,
    ):
        for client in (second, third, first):
            client.send(GET)
            assert (await client.answer())[0] == 200
            # The order is that of the ticks in which they were answered.
            tick = listener.pool.tick
            await until(lambda tick=tick: listener.pool.tick > tick)
        async with connected(listener) as fourth:
            fourth.send(GET)
            assert (await fourth.answer())[0] == 200
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await second.head()
            for client in (first, third):
                client.send(GET)
                assert (await client.answer())[0] == 200
        assert listener.pool.refused == 0


async def test_all_who_come_at_once_are_answered_while_there_is_room_elsewhere() -> None:
    admission = Admission(
        ConnectionLimits(20, 0, 0, 0, 0), ClientAddresses(()), 25, Origins(()), waiting_max=3
    )
    connected_elsewhere = set[str]()
    async with (
        listening(
            Site(), HttpLimits(connections_max=3), room=admission.room_beside(connected_elsewhere)
        ) as listener,
        AsyncExitStack() as stack,
    ):
        crowd = [await stack.enter_async_context(connected(listener)) for _ in range(23)]
        await until(lambda: len(listener.pool) == len(crowd))
        for client in crowd:
            client.send(GET)
        assert [(await client.answer())[0] for client in crowd] == [200] * len(crowd)
        # With WebSockets in all other places there are three again.
        connected_elsewhere.update(map(str, range(20)))
        newcomer = await stack.enter_async_context(connected(listener))
        newcomer.send(GET)
        assert (await newcomer.answer())[0] == 200
        assert len(listener.pool) == len(crowd)


async def test_newcomer_is_refused_when_all_others_are_owed_an_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site()
    async with (
        listening(site, HttpLimits(connections_max=3)) as listener,
        connected(listener) as one,
        connected(listener) as two,
        connected(listener) as three,
    ):
        one.send(GATE)
        two.send(SLOW)
        three.send(STREAM)
        await three.head()
        await until(lambda: not listener.pool.waiting)
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                async with connected(listener) as newcomer:
                    newcomer.send(GET)
                    status, fields, _ = await newcomer.answer()
                    assert (status, fields["connection"]) == (503, "close")
        assert len(caplog.messages) == 1
        assert listener.pool.refused == 2
        two.send(b"c")
        assert (await two.answer())[0] == 200


async def test_newcomer_beyond_the_room_is_answered_that_there_is_none() -> None:
    room = _REFUSED_MAX + 1
    async with (
        listening(Site(), HttpLimits(connections_max=1), room=lambda: room) as listener,
        AsyncExitStack() as stack,
    ):
        for _ in range(room):
            client = await stack.enter_async_context(connected(listener))
            client.send(GATE)
        await until(lambda: len(listener.pool) == room and not listener.pool.waiting)
        newcomer = await stack.enter_async_context(connected(listener))
        newcomer.send(GET)
        assert (await newcomer.answer())[0] == 503


async def test_requests_beyond_those_that_may_wait_are_refused_at_once() -> None:
    site = Site()
    async with listening(site, HttpLimits(requests_max=2)) as listener, AsyncExitStack() as stack:
        one, two, three, four = [
            await stack.enter_async_context(connected(listener)) for _ in range(4)
        ]
        one.send(GATE)
        two.send(SLOW)
        await until(lambda: listener.pool.is_busy)
        three.send(GATE + GET)
        for _ in range(2):
            assert (await three.answer())[0] == 503
        four.send(SLOW)
        assert (await four.answer())[0] == 503
        four.send(b"c" + GET.replace(b"/ ", b"/unlimited ", 1))
        assert (await four.answer())[0] == 200
        two.close()
        await until(lambda: not listener.pool.is_busy)
        three.send(GET)
        assert (await three.answer())[0] == 200
        site.gate.set()
        assert (await one.answer())[0] == 200


async def test_stop_ends_idle_connections_at_once_and_others_after_their_answer() -> None:
    site = Site()
    async with (
        listening(site, HttpLimits(idle_s=300, head_s=300)) as listener,
        connected(listener) as idle,
        connected(listener) as new,
        connected(listener) as begun,
        connected(listener) as waiting,
    ):
        idle.send(GET)
        await idle.answer()
        begun.send(b"GET /")
        waiting.send(GATE + GET)
        await until(lambda: len(listener.pool.waiting) == 3)
        port = listener.port
        stopping = asyncio.create_task(listener.end(30))
        for client in (idle, new, begun):
            assert await client.rest() == b""
        site.gate.set()
        status, fields, _ = await waiting.answer()
        assert (status, fields["connection"]) == (200, "close")
        assert await waiting.rest() == b""
        await stopping
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_closed_port_answers_each_connection_that_it_had_once_more() -> None:
    site = Site()
    async with (
        listening(site) as listener,
        connected(listener) as new,
        connected(listener) as begun,
        connected(listener) as idle,
    ):
        idle.send(GET)
        assert (await idle.answer())[0] == 200
        begun.send(GET[:5])
        await until(lambda: len(listener.pool.waiting) == 3)
        port = listener.port
        listener.stop_accepting()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", port)
        for client, rest in ((idle, GET), (new, GET), (begun, GET[5:])):
            # The second one is too late; that it was sent costs nobody the first one's answer.
            client.send(rest + GET)
            status, fields, _ = await client.answer()
            assert (status, fields["connection"]) == (200, "close")
            assert await client.rest() == b""


async def test_stop_does_not_wait_longer_than_it_may() -> None:
    site = Site()
    async with listening(site) as listener, connected(listener) as client:
        client.send(GATE)
        await until(lambda: not listener.pool.waiting)
        await listener.end(0.05)
        assert await client.rest() == b""
        assert not len(listener.pool)


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own signing, and one that trusts all."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "river")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    file = folder / "river.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    serving.load_cert_chain(file)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    return serving, trusting


async def test_all_of_it_works_over_tls(tmp_path: Path) -> None:
    serving, trusting = contexts(tmp_path)
    site = Site()
    site.gate.set()

    async def talk(client: Client) -> None:
        client.send(GATE + GET.replace(b"/ ", b"/large ", 1) + STREAM + GET)
        assert (await client.answer())[0] == 200
        assert (await client.answer())[2] == LARGE
        await client.head()
        site.writers.pop().end()
        assert await client.reader.readexactly(5) == b"0\r\n\r\n"
        assert (await client.answer())[0] == 200
        client.send(b"nonsense\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")

    async with listening(site, ssl_context=serving) as listener:
        for _ in range(2):
            async with connected(listener, trusting) as client:
                await talk(client)
        await until(lambda: not len(listener.pool))
