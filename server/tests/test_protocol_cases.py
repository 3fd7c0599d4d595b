"""Every conversation of protocol/cases, with a real server over real sockets."""

import json
from collections.abc import Iterator

import pytest
from protocol_patterns import difference
from protocol_runner import CASES, Case, Conversation, all_cases
from protocol_server import Servers

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
