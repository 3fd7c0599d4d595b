"""A log that another server of a cluster wrote: its slot was moved, or it is an old copy."""

from typing import Any

import pytest
from redis_server import RedisServer

from riverd.broker.redis import keys
from riverd.broker.redis.history import position_in
from riverd.broker.redis.scripts import DataHistory, Scripts
from riverd.model.log import NOWHERE, Position

BEFORE, ADMITTED, NOW = "1.aa", "2.bb", "3.cc"
THEIRS = DataHistory("a" * 40, "b" * 40, BEFORE)
GONE = DataHistory("e" * 40, "f" * 40, BEFORE)
OURS = DataHistory("c" * 40, "d" * 40, ADMITTED, others=(THEIRS,), terms=(ADMITTED, NOW))
FUNCTION = DataHistory("c" * 40, "d" * 40, ADMITTED, others=(), terms=(ADMITTED, NOW))
NAMES = keys.log_keys("c")
LEFT = ("e", "old", "o", 7, "b", 0, "l", 0)
Signed = dict[str, str]


def signed(history: DataHistory, term: str) -> Signed:
    return {"r": history.run_id, "i": history.mark, "t": term}


def published(client: Any, history: DataHistory) -> bytes:
    arguments = ("new", "", 0, "feed", "PUBLISH", 60, "{}", "", 10, 60_000, 1_000, 2, 0)
    answer: bytes = client.eval(Scripts(history).texts["publish"], len(NAMES), *NAMES, *arguments)
    return answer


@pytest.mark.parametrize(
    ("by", "goes_on"),
    [
        (signed(OURS, BEFORE), True),
        (signed(THEIRS, ADMITTED), True),
        (signed(THEIRS, NOW), True),
        # Before this server was admitted: it may be what a replica had of it.
        (signed(THEIRS, BEFORE), False),
        (signed(GONE, NOW), False),
    ],
)
def test_a_log_goes_on_by_who_signed_it_and_when(
    own_server: RedisServer, by: Signed, *, goes_on: bool
) -> None:
    with own_server.client() as client:
        client.hset(NAMES[0], items=[*LEFT, *[one for pair in by.items() for one in pair]])
        asked = ("e", "o", "r", "i", "t")
        position = position_in(client.hmget(NAMES[0], *asked), OURS)
        assert position == (Position("old", 7) if goes_on else NOWHERE)
        assert published(client, OURS) == (b"old:8" if goes_on else b"new:1")
        kept = client.hgetall(NAMES[0])
        assert {name: kept[name.encode()].decode() for name in by} == signed(OURS, NOW)


def test_a_function_takes_no_log_of_another_server(own_server: RedisServer) -> None:
    """Nobody asks it whether it is in the term still."""
    with own_server.client() as client:
        by = signed(THEIRS, NOW)
        client.hset(NAMES[0], items=[*LEFT, *[one for pair in by.items() for one in pair]])
        assert published(client, FUNCTION) == b"new:1"


def test_a_log_that_is_kept_is_signed(own_server: RedisServer) -> None:
    with own_server.client() as client:
        by = signed(THEIRS, ADMITTED)
        client.hset(NAMES[0], items=[*LEFT, *[one for pair in by.items() for one in pair]])
        client.eval(Scripts(OURS).texts["keep"], 1, NAMES[0], 60)
        assert client.hget(NAMES[0], "t") == NOW.encode()
        assert client.hget(NAMES[0], "o") == b"7"
