"""`river subscribe`: a live tail in the terminal."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from river_client import condition, member, token
from river_process import (
    API_KEY,
    KEYS,
    Command,
    River,
    Start,
    address,
    ask,
    environment,
    publish,
    run_all,
)

ESCAPE = "\x1b"


@pytest.fixture
def tail(river: River) -> Iterator[Callable[..., Command]]:
    """Return what starts a tail; all are away at the end."""
    started: list[Command] = []

    def start(*arguments: str) -> Command:
        command = Command("subscribe", *arguments, settings=KEYS, folder=river.folder)
        started.append(command)
        return command

    yield start
    for command in started:
        command.kill()


def live(command: Command, *, after: int = 0) -> None:
    """Wait until it says that it is live."""
    command.stderr.wait_for(lambda line: "live" in line, after=after)


def stopped(command: Command) -> None:
    """Ctrl-C: it says so, and ends well."""
    command.signal(signal.SIGINT)
    assert command.wait() == 0, command.stderr.text
    assert command.stderr.lines[-1] == "-- stopped"


class Wire:
    """A way to a server that can be cut."""

    def __init__(self, url: str) -> None:
        self._target = address(url)
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        await asyncio.gather(self._pipe(reader, back), self._pipe(there, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[tuple[str, Wire]]:
    carrier = Wire(url)
    server = await asyncio.start_server(carrier.carry, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", carrier
    finally:
        carrier.cut()
        server.close()


def test_tail_begins_with_history_and_goes_on_live(
    river: River, tail: Callable[..., Command]
) -> None:
    publish(river, "dogs", 5)
    command = tail("dogs", "--history", "2")
    live(command)
    publish(river, "dogs", 1)
    command.stdout.wait_for(lambda line: line.split()[1] == "6")
    assert [line.split(maxsplit=1)[1] for line in command.stdout.lines] == [
        '4 post {"n": 3}',
        '5 post {"n": 4}',
        '6 post {"n": 0}',
    ]
    stopped(command)


async def test_tail_shows_who_comes_and_goes(river: River, tail: Callable[..., Command]) -> None:
    command = tail("presence-dogs", "--user", "watcher")
    await asyncio.to_thread(live, command)
    async with member(river.url, token("ann"), "presence-dogs") as ann:
        await ann.send(type="publish", id=1, channel="presence-dogs", event="bark", data=[1])
        await ann.until("published")
    await asyncio.to_thread(command.stdout.wait_for, lambda line: "- ann" in line)
    assert [line.split(maxsplit=1)[1] for line in command.stdout.lines] == [
        "+ ann",
        "1 bark by ann [1]",
        "- ann",
    ]
    await asyncio.to_thread(stopped, command)


def test_tail_for_machines_prints_one_json_object_a_line(
    river: River, tail: Callable[..., Command]
) -> None:
    command = tail("cats", "--json")
    live(command)
    body = '{"channel":"cats","event":"a\\nb","data":{\n  "text":\n "\u0085\u202e" }}'
    assert ask_raw(river, body) == 200
    command.stdout.wait_for(lambda line: '"event"' in line)
    told = [json.loads(line) for line in command.stdout.lines]
    assert [one["type"] for one in told] == ["welcome", "authenticated", "subscribed", "event"]
    assert told[-1]["data"] == {"text": "\u0085\u202e"}
    assert told[-1]["event"] == "a\nb"
    stopped(command)


def ask_raw(river: River, body: str) -> int:
    """Publish a body as it stands."""
    return ask(f"{river.api_url}/publish", body.encode(), key=API_KEY)[0]


def test_event_does_to_the_terminal_nothing_but_be_read(
    river: River, tail: Callable[..., Command]
) -> None:
    command = tail("evil")
    live(command)
    wicked = f"{ESCAPE}]0;owned\x07{ESCAPE}[2J\x9b31m\u202e\r\n"
    message = {"channel": "evil", "event": wicked, "data": wicked + "fine: é 漢 🐕 [bold]"}
    assert ask(f"{river.api_url}/publish", message, key=API_KEY)[0] == 200
    # What JSON's escapes do not cover, as it stands.
    assert ask_raw(river, '{"channel":"evil","event":"e","data":"\x9b\x7f\u2028\u2066é"}') == 200
    depth = 60
    deep = f'{{"channel":"evil","event":"deep","data":{"[" * depth}{"]" * depth}}}'
    assert ask_raw(river, deep) == 200
    command.stdout.wait_for(lambda line: "deep" in line)
    first, second, third = command.stdout.lines
    assert first.endswith('fine: é 漢 🐕 [bold]"')
    assert r"\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\u000d\u000a" in first
    assert second.endswith(r'"\u009b\u007f\u2028\u2066é"')
    assert third.endswith("[" * depth + "]" * depth)
    assert not any(unseen in command.stdout.text for unseen in (ESCAPE, "\x9b", "\u202e", "\x7f"))
    stopped(command)


def test_tail_shows_escapes_where_the_output_is_ascii(river: River) -> None:
    ascii_only = {**KEYS, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    command = Command("subscribe", "umlauts", settings=ascii_only, folder=river.folder)
    try:
        live(command)
        message = {"channel": "umlauts", "event": "größe", "data": "漢 🐕"}
        assert ask(f"{river.api_url}/publish", message, key=API_KEY)[0] == 200
        publish(river, "umlauts", 1)
        command.stdout.wait_for(lambda line: '{"n": 0}' in line)
        assert command.stdout.lines[0].endswith(r'gr\xf6\xdfe "\u6f22 \U0001f415"')
        stopped(command)
    finally:
        command.kill()


@pytest.mark.parametrize("output", ["a pipe without a reader", "a full disk"])
def test_tail_that_nobody_can_read_ends(river: River, output: str) -> None:
    reading, writing = os.pipe() if "pipe" in output else (-1, os.open("/dev/full", os.O_WRONLY))
    tail = subprocess.Popen(
        [sys.executable, "-m", "riverd", "subscribe", "unread"],
        cwd=river.folder,
        env=environment(KEYS),
        stdout=writing,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    os.close(writing)
    if reading != -1:
        os.close(reading)
    try:
        assert tail.stderr is not None
        assert "live" in tail.stderr.readline()
        publish(river, "unread", 1)
        assert tail.wait(30) == 1
    finally:
        tail.kill()
        tail.wait()
        tail.stderr.close()


async def test_tail_misses_nothing_over_a_cut_connection(
    river: River, tail: Callable[..., Command]
) -> None:
    async with wire(river.url) as (url, carrier):
        command = tail("news", "--url", url)
        await asyncio.to_thread(live, command)
        publish(river, "news", 3)
        await asyncio.to_thread(command.stdout.wait_for, lambda line: '{"n": 2}' in line)
        said = len(command.stderr.lines)
        carrier.cut()
        publish(river, "news", 4)
        await asyncio.to_thread(live, command, after=said)
        publish(river, "news", 1)
        await condition(lambda: len(command.stdout.lines) == 8)
        assert "nothing missed" in command.stderr.lines[-1]
        assert [int(line.split()[1]) for line in command.stdout.lines] == list(range(1, 9))
        await asyncio.to_thread(stopped, command)


async def test_tail_goes_on_when_the_server_was_restarted(
    start: Start, tail: Callable[..., Command]
) -> None:
    river = start("dev")
    command = tail("dogs", "--url", river.url)
    await asyncio.to_thread(live, command)
    publish(river, "dogs", 2)
    await asyncio.to_thread(command.stdout.wait_for, lambda line: '{"n": 1}' in line)
    said = len(command.stderr.lines)
    await asyncio.to_thread(river.stop)
    again = start("dev", settings=river.ports)
    assert again.url == river.url
    await asyncio.to_thread(live, command, after=said)
    # The memory broker forgot the log with the process: the tail says so, and goes on.
    assert "lost (epoch)" in command.stderr.text
    assert "come again: draining" in command.stderr.text
    publish(again, "dogs", 1)
    await condition(lambda: len(command.stdout.lines) == 3)
    await asyncio.to_thread(stopped, command)


async def test_gap_is_told(river: River, tail: Callable[..., Command]) -> None:
    async with wire(river.url) as (url, carrier):
        command = tail("busy", "--url", url)
        await asyncio.to_thread(live, command)
        publish(river, "busy", 1)
        await condition(lambda: len(command.stdout.lines) == 1)
        said = len(command.stderr.lines)
        carrier.cut()
        publish(river, "busy", 1_000)
        await asyncio.to_thread(live, command, after=said)
        assert "lost (window)" in command.stderr.text
        publish(river, "busy", 1)
        await condition(lambda: len(command.stdout.lines) == 2)
        assert command.stdout.lines[1].split()[1] == "1002"
        await asyncio.to_thread(stopped, command)


def test_tail_that_nothing_can_come_to_ends_with_1(river: River) -> None:
    restricted = token(river={"subscribe": ["dogs"]})
    here = ("--url", river.url)
    hopeless = [
        (("dogs", *here, "--token", token(exp=1)), "4401 the token has expired"),
        (("dogs", *here, "--token", "nonsense"), "4401 that is not a JSON Web Token"),
        (("private-x", *here, "--token", restricted), "forbidden"),
        (("dogs", "--url", river.api_url), "HTTP 404. Is that the gateway? `river doctor ws://"),
        (("dogs", "--url", "ws://["), "not a WebSocket address"),
        (("dogs", "--url", "gopher://x"), "not a WebSocket address"),
    ]
    commands = [(("subscribe", *arguments), KEYS) for arguments, _ in hopeless]
    ended = run_all(commands, folder=river.folder)
    for (code, out, complaint), (_, why) in zip(ended, hopeless, strict=True):
        assert (code, out) == (1, "")
        assert why in complaint
        assert "Traceback" not in complaint


def test_tail_ends_when_the_back_end_disconnects_its_user(
    river: River, tail: Callable[..., Command]
) -> None:
    command = tail("dogs", "--user", "bob")
    live(command)
    assert ask(f"{river.api_url}/users/bob/disconnect", b"", key=API_KEY)[0] == 200
    assert command.wait() == 1
    assert "4403" in command.stderr.text


def test_ctrl_c_is_obeyed_at_once_when_the_server_is_frozen(
    river: River, tail: Callable[..., Command]
) -> None:
    command = tail("dogs", "--url", river.url)
    live(command)
    river.signal(signal.SIGSTOP)
    try:
        stopped(command)
    finally:
        river.signal(signal.SIGCONT)
