"""`river bench` against real servers, and against one that lies: nothing is passed over."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from river_process import (
    API_KEY,
    KEYS,
    SECRET,
    Command,
    River,
    Start,
    ask,
    run,
    run_all,
)
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

CLIENTS, CHANNELS, EACH = 20, 4, 2
RATE, SECONDS = 40, 1
LONG_S = "600"


def options(river: River, **chosen: str) -> list[str]:
    """The command line for a small load on a server."""
    usual = {
        "connections": str(CLIENTS),
        "channels": str(CHANNELS),
        "rate": str(RATE),
        "duration": str(SECONDS),
        "api-url": river.api_url,
    }
    return ["bench", river.url, *_flags({**usual, **chosen})]


def _flags(chosen: dict[str, str]) -> list[str]:
    return [word for name, value in chosen.items() for word in (f"--{name}", value)]


def reported(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return told


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def deliveries(river: River) -> float:
    """How many events the server has handed to clients."""
    _, text = ask(f"{river.url}/metrics")
    (line,) = (one for one in text.splitlines() if one.startswith("river_deliveries_total "))
    return float(line.split()[1])


async def under_load(river: River) -> None:
    while not deliveries(river):
        await asyncio.sleep(0.05)


def test_everything_is_counted_exactly(river: River, tmp_path: Path) -> None:
    files = {"channels-each": str(EACH), "json": "report.json", "html": "report.html"}
    code, out, err = run(*options(river, **files), settings=KEYS, folder=tmp_path)
    assert code == 0, out + err
    told = reported(tmp_path)
    assert told["clean"] is True
    assert told["joins"] == told["connections_up"] == CLIENTS
    assert told["publications_accepted"] == RATE * SECONDS
    assert told["deliveries"] == RATE * SECONDS * CLIENTS * EACH // CHANNELS
    assert (told["lost"], told["doubled"], told["errors"]) == (0, 0, {})
    assert 0 < told["delay_ms"]["p50"] <= told["delay_ms"]["p99"] <= told["delay_ms"]["max"]
    assert "each once and in order" in out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<polyline" in page
    assert f"{told['deliveries']:,}" in page


def test_without_publishing_no_key_is_needed(river: River, tmp_path: Path) -> None:
    code, out, err = run(
        *options(river, rate="0", duration="0"),
        settings={"RIVER_SECRETS": SECRET},
        folder=tmp_path,
    )
    assert code == 0, out + err
    assert "nothing was delivered" in out


def test_what_river_dev_keeps_is_enough(start: Start, tmp_path: Path) -> None:
    start(settings={"RIVER_SECRETS": "", "RIVER_API_KEYS": ""}, folder=tmp_path)
    code, out, err = run("bench", *_flags({"duration": "1"}), folder=tmp_path)
    assert code == 0, out + err


async def test_a_server_that_is_killed_is_reported(start: Start, tmp_path: Path) -> None:
    river = start()
    command = Command(
        *options(river, duration=LONG_S, json="report.json"), settings=KEYS, folder=tmp_path
    )
    await under_load(river)
    river.kill()
    command.stderr.wait_for(lambda line: " 0 of 20 up" in line)
    command.signal(signal.SIGINT)
    assert command.wait() == 1
    told = reported(tmp_path)
    assert told["errors"]["closed 1006: connection lost, without a close frame"] == CLIENTS
    assert any(kind.startswith("cannot connect") for kind in told["errors"])
    assert any(kind.startswith("publish: no answer") for kind in told["errors"])
    assert told["publications_refused"] > 0
    assert told["connections_up"] == 0
    assert "Not clean" in command.stdout.text


async def test_ctrl_c_ends_it_with_a_report(river: River, tmp_path: Path) -> None:
    command = Command(
        *options(river, duration=LONG_S, json="report.json"), settings=KEYS, folder=tmp_path
    )
    command.stderr.wait_for(lambda line: "under load" in line)
    command.signal(signal.SIGINT)
    assert command.wait() == 0, command.stdout.text
    told = reported(tmp_path)
    assert told["ended"] == "stopped by hand"
    assert told["clean"] is True


def test_a_token_that_is_refused_ends_it_at_once(river: River, tmp_path: Path) -> None:
    code, out, _ = run(
        *options(river, token="not-a-token", duration=LONG_S, rate="0"), folder=tmp_path
    )
    assert code == 1
    assert "closed 4401: not authenticated | 1 |" in out
    assert "the first client did not get through" in out
    assert "`river doctor` says which hop is broken" in out


def test_a_key_that_is_refused_is_counted(river: River, tmp_path: Path) -> None:
    wrong = {"api-key": "wrong-key-0123456789", "connections": "1", "json": "report.json"}
    code, _, _ = run(*options(river, **wrong), settings=KEYS, folder=tmp_path)
    assert code == 1
    told = reported(tmp_path)
    assert told["errors"].keys() == {"publish: HTTP 401: api_key_invalid"}
    assert told["publications_refused"] + told["publications_unsent"] == RATE * SECONDS


def test_a_wrong_address_ends_it_at_once(river: River, tmp_path: Path) -> None:
    quiet = f"http://127.0.0.1:{free_port()}"
    addresses = {
        quiet: "cannot connect",
        f"{river.url}/elsewhere": "handshake refused: HTTP 404",
        "ws://no-such-host.invalid": "not known",
    }
    for address, why in addresses.items():
        words = ["bench", address, "--rate", "0", "--yes", "--duration", LONG_S]
        code, out, err = run(*words, settings=KEYS, folder=tmp_path)
        assert code == 1, out + err
        assert why in out + err
        assert "**Not clean: 1 error.**" in out or not out


def test_a_server_that_is_full_is_reported(start: Start, tmp_path: Path) -> None:
    river = start(settings={"RIVER_MAX_CONNECTIONS": "5"})
    code, _, _ = run(
        *options(river, connections="12", rate="0", json="report.json"),
        settings=KEYS,
        folder=tmp_path,
    )
    assert code == 1
    told = reported(tmp_path)
    assert told["connections_up"] == 5
    assert told["errors"]["closed 4503: refused: full"] >= 7


def test_wrong_usage_is_one_clear_line(tmp_path: Path) -> None:
    wrong = {
        ("ftp://river.example.com",): "is not a WebSocket address",
        ("ws://127.0.0.1:1", "--channels-each", "11"): "at most --channels",
        ("ws://127.0.0.1:1", "--prefix", "a room"): "--prefix",
        ("ws://127.0.0.1:1", "--secret", "short"): "32 bytes",
        ("ws://127.0.0.1:1", "--api-url", "here"): "not an http(s) URL",
        ("ws://127.0.0.1:1", "--connections", "0"): "--connections",
        ("ws://river.example.com",): "--api-url",
        ("ws://river.example.com", "--rate", "0"): "--yes",
    }
    bare = {(): "give the gateway's URL", ("ws://127.0.0.1:1",): "tokens"}
    keyless = {("ws://127.0.0.1:1",): "--rate 0"}
    cases = [
        *((words, why, KEYS) for words, why in wrong.items()),
        *((words, why, {}) for words, why in bare.items()),
        *((words, why, {"RIVER_SECRETS": SECRET}) for words, why in keyless.items()),
    ]
    done = run_all([(["bench", *words], settings) for words, _, settings in cases], folder=tmp_path)
    for (words, why, _), (code, _, err) in zip(cases, done, strict=True):
        assert (code, why in err) == (2, True), (words, err)


# A server that lies.

Speech = Callable[[ServerConnection, str], Any]


@asynccontextmanager
async def liar(speech: Speech) -> AsyncIterator[str]:
    """A server that lets everybody in and then says what it likes about the channel."""

    async def talk(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await connection.recv()
            wanted = json.loads(await connection.recv())
            await speech(connection, wanted["channel"])
            await connection.wait_closed()

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


async def heard(speech: Speech, folder: Path) -> dict[str, Any]:
    """What one client reports of it."""
    async with liar(speech) as url:
        words = {"connections": "1", "channels": "1", "rate": "0", "duration": "1"}
        flags = _flags({**words, "json": "report.json"})
        code, out, err = await asyncio.to_thread(
            run, "bench", url, *flags, settings=KEYS, folder=folder
        )
    assert code == 1, out + err
    return reported(folder)


async def say(connection: ServerConnection, **message: object) -> None:
    await connection.send(json.dumps(message))


async def tell_offsets(connection: ServerConnection, channel: str, *offsets: int) -> None:
    for offset in offsets:
        event = {"type": "event", "event": "post", "data": 1}
        await say(connection, **event, channel=channel, offset=offset)


async def admit(connection: ServerConnection, channel: str, **more: object) -> None:
    place = {"epoch": "e", "offset": 10, "recovered": False}
    await say(connection, type="subscribed", id="subscribe", channel=channel, **{**place, **more})


async def test_holes_repetitions_and_gaps_are_counted(tmp_path: Path) -> None:
    async def speech(connection: ServerConnection, channel: str) -> None:
        await admit(connection, channel)
        await tell_offsets(connection, channel, 11, 12, 12, 16, 13, 17)
        await say(connection, type="gap", channel=channel, epoch="e", offset=20)
        await tell_offsets(connection, channel, 21)

    told = await heard(speech, tmp_path)
    assert told["deliveries"] == 5
    assert told["lost_in_silence"] == 3
    assert told["doubled"] == 2
    assert (told["gaps_told"], told["lost_and_told"]) == (1, 3)
    assert told["lost"] == 6


async def test_what_is_not_the_protocol_is_counted(tmp_path: Path) -> None:
    async def speech(connection: ServerConnection, channel: str) -> None:
        await admit(connection, channel)
        await connection.send("no JSON")
        await connection.send(b"binary")
        await tell_offsets(connection, "another-channel", 1)
        await say(connection, type="error", code="too_many", message="for no reason")

    told = await heard(speech, tmp_path)
    assert told["errors"] == {
        "a message that is not River's": 2,
        "an event of a channel that was not asked for": 1,
        "error too_many: for no reason": 1,
    }


async def test_close_codes_are_named_and_a_resume_that_fails_is_told(tmp_path: Path) -> None:
    visits: list[str] = []

    async def speech(connection: ServerConnection, channel: str) -> None:
        visits.append(channel)
        if len(visits) == 1:
            await admit(connection, channel)
            await tell_offsets(connection, channel, 11)
            await say(connection, type="bye", reason="draining", retry_after_ms=1)
            await connection.close(4503, "draining")
        elif len(visits) == 2:
            await admit(connection, channel, offset=15, reason="window")
            await connection.close(4999, "a code of its own")
        else:
            await admit(connection, channel, offset=15, recovered=True)

    told = await heard(speech, tmp_path)
    assert told["moves"] == 1
    assert told["errors"]["could not resume: window"] == 1
    assert told["errors"]["closed 4999: a code of its own"] == 1
    assert told["lost_and_told"] == 4


async def test_a_forbidden_channel_ends_it(tmp_path: Path) -> None:
    async def speech(connection: ServerConnection, channel: str) -> None:
        text = f"no grant to subscribe to {channel}"
        await say(connection, type="error", id="subscribe", code="forbidden", message=text)

    told = await heard(speech, tmp_path)
    assert "forbidden" in told["ended"]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_what_is_no_websocket_server_is_told(answer: bytes, tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    words = ["bench", f"ws://127.0.0.1:{port}", "--rate", "0", "--json", "report.json"]
    code, out, err = await asyncio.to_thread(run, *words, settings=KEYS, folder=tmp_path)
    server.close()
    assert code == 1, out + err
    assert reported(tmp_path)["errors"].keys() != set()
    assert "Traceback" not in err


def test_the_key_is_not_in_the_report(river: River, tmp_path: Path) -> None:
    words = options(river, connections="1", duration="0", json="report.json")
    _, out, err = run(*words, settings=KEYS, folder=tmp_path)
    whole = out + err + (tmp_path / "report.json").read_text(encoding="utf-8")
    assert API_KEY not in whole
    assert SECRET not in whole
