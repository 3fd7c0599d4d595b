"""Every conversation of protocol/cases, with a real server over real sockets."""

import json
import socket
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from protocol_patterns import difference
from protocol_runner import CASES, STEP_S_MAX, Case, Conversation, all_cases, signed
from protocol_server import API_KEY, Server, Servers
from websockets.sync.client import connect

CONVERSATIONS = [pytest.param(case, id=f"{file}: {case.name}") for file, case in all_cases()]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Return the servers of this module, which end with it."""
    servers = Servers(tmp_path_factory.mktemp("protocol"))
    yield servers
    servers.stop()


@pytest.mark.parametrize("case", CONVERSATIONS)
def test_server_keeps_to_the_conversation(case: Case, servers: Servers) -> None:
    server = servers.with_settings(case.settings)
    try:
        Conversation(case, server).run()
    finally:
        if case.stops_its_server:
            servers.forget(server)


def test_client_that_did_not_read_is_told_where_the_gap_is(servers: Servers) -> None:
    server = servers.with_settings({"RIVER_HISTORY_SIZE": "3"})
    # A small buffer here, and more than the kernel keeps for the other side.
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 131_072)
    narrow.connect((urlsplit(server.url).hostname, urlsplit(server.url).port))
    url = f"{server.url.replace('http', 'ws', 1)}/ws"
    with connect(url, sock=narrow, max_queue=1, compression=None) as client:
        token = signed({"claims": {"sub": "alice"}}, {})
        client.send(json.dumps({"type": "auth", "token": token}))
        client.send(json.dumps({"type": "subscribe", "channel": "unread"}))
        told = [json.loads(client.recv(STEP_S_MAX))["type"] for _ in range(3)]
        assert told == ["welcome", "authenticated", "subscribed"]
        for _ in range(20):
            _publish(server, ["x" * 60_000] * 20)
        messages: list[dict[str, Any]] = []
        while not messages or messages[-1]["type"] != "gap":
            messages.append(json.loads(client.recv(STEP_S_MAX)))
        _publish(server, ["after the gap"])
        while messages[-1].get("data") != "after the gap":
            messages.append(json.loads(client.recv(STEP_S_MAX)))
    # Whatever was left out lies before a gap, and nothing came twice.
    for before, after in pairwise(messages):
        step = after["offset"] - before["offset"]
        assert step == 1 or (after["type"] == "gap" and step > 0)


def _publish(server: Server, texts: list[str]) -> None:
    messages = [{"channel": "unread", "event": "post", "data": text} for text in texts]
    answer = httpx.post(
        f"{server.api_url}/publish/batch",
        json={"messages": messages},
        headers={"x-api-key": API_KEY},
        timeout=STEP_S_MAX,
    )
    assert answer.is_success


def test_names_of_cases_are_unique() -> None:
    names = [case.name for _, case in all_cases()]
    assert len(names) == len(set(names))


def test_every_file_of_cases_says_what_it_is_about() -> None:
    for path in CASES.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content.keys() == {"about", "cases"}, path.name


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1}, {"a": True}),
        ({"a": "1"}, {"a": 1}),
        ({"a": ["$x", "$x"]}, {"a": [1, 2]}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": {"$unordered": [1, 2]}}, {"a": [1, 1]}),
        ({"a": {}}, {"a": None}),
    ],
)
def test_pattern_notices_what_is_not_as_written(pattern: object, value: object) -> None:
    assert difference(pattern, value, {}) is not None


def test_pattern_takes_what_is_as_written() -> None:
    pattern = {"a": "$x", "b": ["$x", "$_"], "c": {"$unordered": [1, 2]}, "d": "no $x"}
    value = {"a": 7, "b": [7, None], "c": [2, 1], "d": "no $x"}
    assert difference(pattern, value, {}) is None
