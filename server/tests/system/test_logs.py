"""What a process logs: events for machines or for people, and nothing that is secret."""

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from river_client import TEXT, exchange, frame, member, token, visitor
from river_process import API_KEY, SECRET, River, Start, ask, publish

MISSPELT = {"RIVER_HISTROY_SIZE": "5"}

FAILING = """
import logging, structlog
from riverd.service import logs

def fail(token):
    nested = {"payload": token}
    raise ValueError("it cannot be")

logs.configure("info", console=%r)
try:
    fail("a-secret-" + "value")
except ValueError as error:
    structlog.get_logger().error("task_failed", error=repr(error), exc_info=error)
    logging.getLogger("library").exception("it went wrong")
structlog.get_logger().debug("too little to say")
logging.getLogger("library").info("too little to say")
"""


@pytest.mark.parametrize("console", [False, True])
def test_traceback_shows_no_values(*, console: bool) -> None:
    command = [sys.executable, "-c", FAILING % console]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert "in fail" in done.stderr or '"name": "fail"' in done.stderr
    assert done.stderr.count("it cannot be") >= 2
    assert "it went wrong" in done.stderr
    assert "a-secret-value" not in done.stderr
    assert "too little" not in done.stderr
    assert not done.stdout
    if not console:
        assert [json.loads(line)["level"] for line in done.stderr.splitlines()] == ["error"] * 2


@pytest.mark.parametrize("console", [False, True])
def test_a_line_is_one_write_so_that_the_lines_of_several_workers_do_not_mix(
    *, console: bool
) -> None:
    # A packet socket gives each write as it was made; unbuffered is how containers run Python.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-u", "-c", FAILING % console]
    with ours, theirs:
        subprocess.run(command, stderr=theirs, check=True)
        theirs.close()
        writes = list(iter(lambda: ours.recv(65_536), b""))
    assert len(writes) == 2
    assert all(write.endswith(b"\n") for write in writes)


async def make_trouble(river: River, proof: str) -> None:
    """Everything that somebody may think worth a line."""
    async with member(river.url, proof, "dogs") as client:
        publish(river, "dogs")
        await client.expect("event")
        await client.send(type="auth", id=1, token=token("somebody-else"))
        assert (await client.ends())[0] == 4401
    async with visitor(river.url) as client:
        await client.send_raw(frame(TEXT, b'{"a-payload":'))
        assert (await client.ends())[0] == 4400
    async with visitor(river.url, Authorization=f"Bearer {proof}x") as client:
        assert (await client.ends())[0] == 4401
    for url in (river.url, river.api_url):
        await exchange(url, b"GARBAGE a-payload\r\n\r\n")
    body = {"channel": "a channel", "event": "a-payload", "data": 1}
    assert ask(f"{river.api_url}/publish", body, key=API_KEY)[0] == 400
    assert ask(f"{river.api_url}/publish", body, key="a-wrong-key-of-somebody")[0] == 401


async def test_log_is_json_lines_without_anything_secret(start: Start) -> None:
    proof = token("ann")
    settings = {"RIVER_LOG_FORMAT": "json", "RIVER_LOG_LEVEL": "debug", **MISSPELT}
    river = start("dev", settings=settings)
    await make_trouble(river, proof)
    await asyncio.to_thread(river.stop)
    for line in river.log():
        assert line["level"] in {"debug", "info", "warning", "error"}
        assert line["timestamp"].endswith("Z")
        assert line["event"]
    log = river.stderr.text
    # What clients do wrong is said to them; an operator who asks for details gets the reason.
    refused = [line["code"] for line in river.log() if line["event"] == "client_refused"]
    assert refused == ["user_mismatch", "not_json", "token_invalid"]
    told = {line["event"] for line in river.log() if line["level"] != "debug"}
    assert told - {"connections_limited", "app_shares_channels"} == {"setting_unknown"}
    for secret in (SECRET, API_KEY, proof, proof.split(".")[2], "a-wrong-key", "a-payload"):
        assert secret not in log


def test_log_of_river_dev_is_for_people_unless_told(start: Start, tmp_path: Path) -> None:
    river = start("dev", folder=tmp_path, settings=MISSPELT)
    river.stderr.wait_for(lambda line: "setting_unknown" in line)
    with pytest.raises(json.JSONDecodeError):
        river.log()
