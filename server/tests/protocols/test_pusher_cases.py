"""Every conversation of protocol/pusher/cases, with a real server over real sockets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from protocol_server import Server
from pusher_runner import CASES, SETTINGS, PusherConversation, all_pusher_cases
from redis_server import running as redis

from riverd.protocols.pusher.close_codes import PusherCode

SUCCEEDED = "pusher_internal:subscription_succeeded"
CONVERSATIONS = [
    pytest.param(case, id=f"{file}: {case['name']}") for file, case in all_pusher_cases()
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(SETTINGS, tmp_path_factory.mktemp("pusher"))
    yield running
    running.stop()


@pytest.mark.parametrize("case", CONVERSATIONS)
def test_server_keeps_to_the_pusher_conversation(case: dict[str, Any], server: Server) -> None:
    PusherConversation(case, server).run()


def test_two_gateways_keep_to_what_their_clients_see_of_each_other(tmp_path: Path) -> None:
    with redis() as broker:
        settings = {**SETTINGS, "RIVER_BROKER": broker.url}
        folders = [tmp_path / "one", tmp_path / "other"]
        for folder in folders:
            folder.mkdir()
        servers = [Server(settings, folder) for folder in folders]
        try:
            for file, case in all_pusher_cases():
                if file in ("counts", "presence"):
                    PusherConversation(case, *servers).run()
            killed = {
                "steps": [
                    {"connect": "a", "key": "counting-key"},
                    {"connect": "b", "key": "counting-key"},
                    {"on": "b", "subscribe": "room"},
                    {"on": "b", "sign_in": '{"id":"b"}'},
                    {"on": "b", "expect_among": {"event": "pusher:signin_success", "data": "$_"}},
                    {"on": "a", "subscribe": "room"},
                    {"on": "a", "expect_among": counted(2)},
                    {"on": "a", "sign_in": '{"id":"a","watchlist":["b"]}'},
                    {"on": "a", "expect_among": watched("online")},
                    {"kill": 1},
                    {"on": "a", "expect_among": counted(1)},
                    {"on": "a", "expect_among": watched("offline")},
                ]
            }
            PusherConversation(killed, *servers).run()
        finally:
            for server in servers:
                server.stop()


def counted(number: int) -> dict[str, Any]:
    """The message that says how many are subscribed."""
    data = {"subscription_count": number}
    return {"event": "pusher_internal:subscription_count", "channel": "room", "data": data}


def watched(state: str) -> dict[str, Any]:
    """The message that says what the user b is."""
    data = {"events": [{"name": state, "user_ids": ["b"]}]}
    return {"event": "pusher_internal:watchlist_events", "data": data}


def test_names_of_pusher_cases_are_unique() -> None:
    names = [case["name"] for _, case in all_pusher_cases()]
    assert len(names) == len(set(names))


def test_every_file_of_pusher_cases_says_what_it_is_about() -> None:
    for path in CASES.glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8")).keys() == {"about", "cases"}, path.name


def test_clients_of_a_gateway_that_stops_are_moved(tmp_path: Path) -> None:
    stopping = Server(SETTINGS, tmp_path)
    try:
        steps = [{"connect": "a"}, {"on": "a", "quiet": True}, {"stop": True}]
        case = {"steps": [*steps, {"on": "a", "expect_close": PusherCode.RECONNECT}]}
        PusherConversation(case, stopping).run()
    finally:
        stopping.stop()


FLOOD_TEXT = [['{"event":"pusher:ping","data":"', 1], ["x", 16_000], ['"}', 1]]
FLOOD = [{"on": "a", "send_text": FLOOD_TEXT}]


def test_who_brings_no_signature_has_the_budget_of_a_stranger(server: Server) -> None:
    pong = {"event": "pusher:pong", "data": {}}
    patient = [*FLOOD, {"on": "a", "expect": pong}] * 3
    steps = [{"connect": "a"}, *patient, *FLOOD * 7]
    # An answer to what was within the budget may come before.
    case = {"steps": [*steps, {"on": "a", "expect_end": PusherCode.OVER_CAPACITY}]}
    PusherConversation(case, server).run()


def test_a_signature_lifts_the_budget_of_a_stranger(server: Server) -> None:
    pong = {"event": "pusher:pong", "data": {}}
    signed = [
        {"connect": "a"},
        {"on": "a", "subscribe": "private-${case}"},
        {"on": "a", "expect": {"event": SUCCEEDED, "channel": "private-${case}", "data": {}}},
    ]
    PusherConversation(
        {"steps": [*signed, *[*FLOOD, {"on": "a", "expect": pong}] * 8]}, server
    ).run()
