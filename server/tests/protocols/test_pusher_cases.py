"""Every conversation of protocol/pusher/cases, with a real server over real sockets."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from protocol_server import Server
from pusher_runner import CASES, SETTINGS, PusherConversation, all_pusher_cases

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


def test_names_of_pusher_cases_are_unique() -> None:
    names = [case["name"] for _, case in all_pusher_cases()]
    assert len(names) == len(set(names))


def test_every_file_of_pusher_cases_says_what_it_is_about() -> None:
    for path in CASES.glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8")).keys() == {"about", "cases"}, path.name
