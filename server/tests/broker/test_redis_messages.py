"""River's own format between its processes: versions side by side, fields that come later."""

from typing import cast

import msgspec
import pytest
from brokers import RedisBrokers
from redis_server import RedisServer
from river_feed import until
from river_time import in_no_time
from turn_tally import TurnTally

from riverd.broker.redis import messages
from riverd.broker.redis.connection import Reply
from riverd.model.log import Change, Ephemeral, Member, Message, Publication

FIRST_VERSION = msgspec.msgpack.Decoder(tuple[str, bytes, str | None])
"""How 0.1.0 read the body of a publication, and nothing but that."""


def test_bodies_are_what_the_first_version_wrote_and_reads() -> None:
    body = messages.publication_body(Message("c", "post", b"{}", user="ann"))
    assert FIRST_VERSION.decode(body) == ("post", b"{}", "ann")
    assert messages.announced(b"p", b"7", body=body) == Publication(7, "post", b"{}", "ann")
    member = messages.member_body(Member("ann", b"1"))
    assert messages.announced(b"j", b"1", body=member) == Change(1, True, Member("ann", b"1"))
    assert messages.announced(b"l", b"2", body=b"ann") == Change(2, False, Member("ann"))


def test_fields_of_a_later_version_are_skipped() -> None:
    longer = msgspec.msgpack.encode(["post", b"{}", None, "new", 5])
    assert messages.announced(b"p", b"7", body=longer) == Publication(7, "post", b"{}")
    member = msgspec.msgpack.encode(["ann", None, {"since": 1}])
    assert messages.announced(b"j", b"1", body=member) == Change(1, True, Member("ann"))
    annex = msgspec.msgpack.encode({"later": [1, 2]})
    with_annex = b"%d:%b%b" % (len(annex), annex, longer)
    assert messages.announced(b"p2", b"7", body=with_annex) == Publication(7, "post", b"{}")


def test_an_annex_says_who_is_excluded_and_fields_beside_it_are_skipped() -> None:
    body = messages.publication_body(Message("c", "post", b"{}"))
    annex = msgspec.msgpack.encode({"g": 7, "x": "s.1"})
    whole = b"%d:%b%b" % (len(annex), annex, body)
    expected = Publication(7, "post", b"{}", None, "s.1")
    assert messages.announced(b"p2", b"7", body=whole) == expected
    assert messages.entry_publication(b"7-123", [b"p", body, b"a", annex]) == expected
    event = Ephemeral(7, "post", b"{}", None, "s.1")
    assert messages.announced(b"e2", b"7", body=whole) == event
    assert messages.annex(Message("c", "post", b"{}")) == b""


@pytest.mark.parametrize("kind", [b"p3", b"z", b"", b"pp"])
def test_a_kind_of_a_later_version_is_skipped(kind: bytes) -> None:
    assert messages.announced(kind, b"7", body=b"whatever it is") is None


async def test_processes_of_the_first_version_and_of_this_one_work_side_by_side(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker, notes = await redis_broker.node()
    await broker.subscribe("c")
    with server.client() as old, old.pubsub() as old_gateway:
        old_gateway.subscribe("river:{c}:feed")
        position = await broker.publish(Message("c", "new", b"1"))
        run_id = str(old.info("server")["run_id"])
        # What 0.1.0's script does with the same keys.
        assert old.hmget("river:{c}:meta", "e", "r") == [
            position.epoch.encode(),
            run_id.encode(),
        ]
        body = msgspec.msgpack.encode(("old", b"2", None))
        offset = old.hincrby("river:{c}:meta", "o", 1)
        old.xadd("river:{c}:log", {"p": body}, id=f"{offset}-1")
        old.publish("river:{c}:feed", f"p:{position.epoch}:{offset}:".encode() + body)
        await until(lambda: notes.offsets("c") == [1, 2])
        assert [one.event for _, _, one in notes.publications] == ["new", "old"]
        assert [one.event for one in (await broker.read("c")).publications] == ["new", "old"]
        received: bytes = b""
        while not received:
            message = old_gateway.get_message(ignore_subscribe_messages=True, timeout=1)
            received = b"" if message is None else message["data"]
        kind, epoch, number, first = received.split(b":", 3)
        assert (kind, epoch.decode(), number) == (b"p", position.epoch, b"1")
        assert FIRST_VERSION.decode(first) == ("new", b"1", None)
        [(_, fields), _] = cast(
            "list[tuple[bytes, dict[bytes, bytes]]]", old.xrange("river:{c}:log")
        )
        assert FIRST_VERSION.decode(next(iter(fields.values()))) == ("new", b"1", None)


async def test_a_limited_list_of_members_costs_what_it_gives(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker, _ = await redis_broker.node()
    names = [f"user-{number}" for number in range(2_000)]
    for name in names:
        await broker.join("presence-c", Member(name))

    def read(answer: Reply) -> int:
        with server.client() as client:
            del answer
            return int(client.info("stats")["total_net_output_bytes"])

    before = read(None)
    roster = await broker.members("presence-c", limit=100)
    took = read(None) - before
    assert (len(roster.members), roster.count) == (100, 2_000)
    assert set(roster.members) < set(names)
    whole = await broker.members("presence-c")
    assert (set(whole.members), whole.count) == (set(names), 2_000)
    assert read(None) - before - took > 5 * took


@in_no_time
async def test_many_members_are_decoded_some_at_a_time() -> None:
    members = [Member(f"u{number}") for number in range(3 * messages.DECODED_AT_ONCE)]
    tally = TurnTally()
    pairs = [part for one in members for part in (one.user.encode(), messages.member_body(one))]
    found = await messages.members_of(pairs)
    assert list(found.values()) == members
    assert tally.turn == 2
    # What was read is freed on the way.
    assert pairs == []
