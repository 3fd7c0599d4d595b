"""Members and counts over several nodes: leases, nodes that die, nodes that come back."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import pytest
import redis
from brokers import RedisBrokers
from redis_server import RedisServer
from river_feed import Notes, until

from proxy import Proxy
from riverd.broker.redis import keys
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.positions import KEPT_EVERY
from riverd.model.log import Member, Occupancy, Position

BrokersAt = Callable[[str], RedisBrokers]
CROWD = 20_000
GONE_S_MAX = 10.0


async def vanish(broker: RedisBroker) -> None:
    """What `kill -9` leaves of a node: nothing that could give up anything."""
    assert broker._lease is not None
    assert broker._feed is not None
    await broker._lease._tasks.close()
    await broker._feed.close()
    await broker._server.close()


def leaves(notes: Notes) -> Counter[str]:
    return Counter(change.member.user for _, _, change in notes.changes if not change.joined)


def server_ms(client: redis.Redis) -> float:
    seconds, micros = client.time()
    return float(seconds) * 1000 + float(micros) / 1000


def set_clock(client: redis.Redis, by_ms: int) -> None:
    """Have what is kept look as if the server's clock had been set by so much."""
    with client.pipeline() as together:
        together.hincrby(keys.CLAIMS, "time", -by_ms)
        for node in client.zrange(keys.NODES, 0, -1):
            together.zincrby(keys.NODES, -by_ms, node)
        together.execute()


def is_renewed(client: redis.Redis, since_ms: float) -> bool:
    return 0 < float(client.hget(keys.CLAIMS, "time") or 0) - since_ms < 60_000


def joins(notes: Notes) -> Counter[str]:
    return Counter(change.member.user for _, _, change in notes.changes if change.joined)


async def test_a_killed_node_is_cleared_once_by_one_of_its_survivors(
    redis_broker: RedisBrokers,
) -> None:
    survivors = [await redis_broker.node() for _ in range(3)]
    for broker, _ in survivors:
        await broker.subscribe("presence-c")
        await broker.join("presence-c", Member("stays"))
    dead, _ = await redis_broker.node()
    gone = {f"user-{number}" for number in range(500)}
    await asyncio.gather(*[dead.join("presence-c", Member(user)) for user in gone])
    await dead.join("presence-c", Member("stays"))
    await dead.report({"presence-c": 501, "dogs": 1})
    assert await survivors[0][0].occupancy("dogs") == Occupancy(1)
    await vanish(dead)
    began = time.monotonic()
    for _, notes in survivors:
        await until(lambda notes=notes: leaves(notes).keys() == gone)
    assert time.monotonic() - began < GONE_S_MAX
    broker = survivors[0][0]
    async with asyncio.timeout(20):
        while await broker.occupied(""):
            await asyncio.sleep(0.01)
    assert list((await broker.members("presence-c")).members) == ["stays"]
    for _, notes in survivors:
        assert set(leaves(notes).values()) == {1}


async def test_many_nodes_that_die_together_are_all_cleared(redis_broker: RedisBrokers) -> None:
    survivor, notes = await redis_broker.node()
    await survivor.subscribe("presence-c")
    for number in range(4):
        dead, _ = await redis_broker.node()
        await dead.join("presence-c", Member(f"user-{number}"))
        await vanish(dead)
    began = time.monotonic()
    await until(lambda: len(leaves(notes)) == 4)
    assert time.monotonic() - began < GONE_S_MAX
    assert set(leaves(notes).values()) == {1}


async def test_a_cut_off_node_loses_its_seats_and_takes_them_again_under_another_name(
    server: RedisServer, brokers_at: BrokersAt
) -> None:
    proxy = Proxy(server.port)
    proxy.start()
    try:
        other, notes = await brokers_at(server.url).node()
        await other.subscribe("presence-c")
        broker, lost = await brokers_at(f"redis://127.0.0.1:{proxy.port}").node()
        assert broker._lease is not None
        name = broker._lease.node
        await broker.join("presence-c", Member("ann"))
        await broker.report({"presence-c": 1})
        proxy.cut()
        await until(lambda: leaves(notes) == Counter(["ann"]))
        proxy.mend()
        await until(lambda: lost.presence_lost == 1)
        assert broker._lease.node != name
        await broker.join("presence-c", Member("ann"))
        await broker.report({"presence-c": 1})
        await until(lambda: joins(notes)["ann"] == 2)
        assert await other.occupancy("presence-c") == Occupancy(1, 1)
        await broker.leave("presence-c", "ann")
        await until(lambda: leaves(notes)["ann"] == 2)
    finally:
        proxy.close()


async def test_a_seat_taken_under_a_name_that_others_cleared_does_not_stay(
    redis_broker: RedisBrokers,
) -> None:
    other, notes = await redis_broker.node()
    await other.subscribe("presence-c")
    late, lost = await redis_broker.node()
    assert late._lease is not None
    assert other._lease is not None
    await late.join("presence-c", Member("ann"))
    # Its lease ran out while it was frozen; now it goes on before it knows.
    await other._lease._clear(late._lease.node)
    await late.join("presence-c", Member("ann"))
    await late.join("presence-c", Member("bob"))
    await until(lambda: lost.presence_lost == 1)
    await late.join("presence-c", Member("ann"))
    # As a node says when all of its entries are made under the new name.
    await late.remaking(here=False)
    await until(lambda: "bob" in leaves(notes))
    assert leaves(notes)["ann"] == 1
    assert list((await other.members("presence-c")).members) == ["ann"]
    await late.close()
    await until(lambda: leaves(notes) == joins(notes))
    assert (await other.members("presence-c")).members == {}


async def test_a_node_whose_name_is_being_cleared_takes_another(redis_broker: RedisBrokers) -> None:
    broker, notes = await redis_broker.node()
    assert broker._lease is not None
    await broker._server.commands([("HSET", "river:{nodes}:claims", broker._lease.node, 1)])
    await until(lambda: notes.presence_lost == 1)
    names = await broker._server.commands([("ZRANGE", "river:{nodes}", 0, -1)])
    assert broker._lease.node.encode() in names[0]  # type: ignore[operator]  a list of names


async def test_a_crowd_comes_and_goes(
    redis_broker: RedisBrokers, record_property: Callable[[str, str], None]
) -> None:
    watcher, notes = await redis_broker.node()
    await watcher.subscribe("presence-crowd")
    nodes = [(await redis_broker.node())[0] for _ in range(2)]
    began = time.monotonic()
    users = [Member(f"user-{number}", b'{"name":"somebody"}') for number in range(CROWD)]
    for start in range(0, CROWD, 1000):
        await asyncio.gather(
            *[
                nodes[number % 2].join("presence-crowd", member)
                for number, member in enumerate(users[start : start + 1000])
            ]
        )
    joined = time.monotonic()
    roster = await watcher.members("presence-crowd")
    read = time.monotonic()
    assert len(roster.members) == roster.position.offset == CROWD
    await nodes[0].close()
    await vanish(nodes[1])
    closed = time.monotonic()
    await until(lambda: len(leaves(notes)) == CROWD)
    cleared = time.monotonic()
    assert set(joins(notes).values()) == set(leaves(notes).values()) == {1}
    assert [change.offset for _, _, change in notes.changes] == list(range(1, 2 * CROWD + 1))
    record_property(
        "figures",
        f"{CROWD:,} joins: {joined - began:.1f} s; reading the list: {read - joined:.3f} s; "
        f"a planned stop of half of them: {closed - read:.1f} s; "
        f"the others gone after their node was killed: {cleared - closed:.1f} s",
    )


async def test_nothing_is_left_that_has_no_end(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    one, notes = await redis_broker.node()
    two, _ = await redis_broker.node()
    for broker in (one, two):
        await broker.subscribe("presence-c")
        await broker.join("presence-c", Member("ann"))
        await broker.read("presence-c")
        await broker.report({"presence-c": 1})
    await one.close()
    await vanish(two)
    last, _ = await redis_broker.node()
    with server.client() as client:
        await until(lambda: client.zcard("river:{nodes}") == 1)
        await last.close()
        kept = [key for key in client.scan_iter() if client.ttl(key) < 0]
    assert kept == []
    assert notes.presence_lost == 0


async def test_a_part_of_a_list_that_is_gone_is_found_and_mended(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    one, notes = await redis_broker.node()
    two, _ = await redis_broker.node()
    await one.subscribe("presence-c")
    before = await one.join("presence-c", Member("ann"))
    await two.join("presence-c", Member("bob"))
    with server.client() as client:
        # As an eviction does it.
        client.delete("river:{presence-c}:members")
    await two.leave("presence-c", "bob")
    # Not a list without ann: one that began again, in which the nodes make their entries anew.
    [(_, version)] = await one.positions(["presence-c"])
    assert version is not None
    assert version.epoch != before.epoch
    await one.join("presence-c", Member("ann"))
    assert list((await two.members("presence-c")).members) == ["ann"]
    with server.client() as client:
        assert one._lease is not None
        client.delete(keys.node_entries("presence-c", one._lease.node))
    again = await one.join("presence-c", Member("ann"))
    assert again.epoch != version.epoch
    await one.leave("presence-c", "ann")
    assert (await two.members("presence-c")).members == {}
    assert notes.presence_lost == 0


@pytest.mark.parametrize(
    "lost", [("members",), ("users",), ("members", "users"), ("entries",), ("meta",)]
)
async def test_a_part_that_is_gone_is_found_though_nobody_comes_or_goes(
    redis_broker: RedisBrokers, server: RedisServer, lost: tuple[str, ...]
) -> None:
    broker, notes = await redis_broker.node()
    before = await broker.join("presence-c", Member("ann"))
    assert broker._lease is not None
    meta, members, users = keys.member_keys("presence-c")
    entries = keys.node_entries("presence-c", broker._lease.node)
    names = {"meta": meta, "members": members, "users": users, "entries": entries}
    with server.client() as client:
        assert client.delete(*[names[one] for one in lost]) == len(lost)
    found = None
    for _ in range(KEPT_EVERY + 1):
        [(_, found)] = await broker.positions(["presence-c"])
    assert found is not None
    assert found.epoch != before.epoch
    await broker.join("presence-c", Member("ann"))
    assert list((await broker.members("presence-c")).members) == ["ann"]
    assert notes.presence_lost == 0


async def test_a_list_that_is_all_there_goes_on(redis_broker: RedisBrokers) -> None:
    broker, _ = await redis_broker.node()
    await broker.join("presence-c", Member("ann"))
    before = await broker.join("presence-c", Member("bob"))
    for left, user in enumerate(("bob", "ann"), 1):
        await broker.leave("presence-c", user)
        for _ in range(KEPT_EVERY + 1):
            [(_, found)] = await broker.positions(["presence-c"])
            assert found == Position(before.epoch, before.offset + left)


async def test_a_user_leaves_whose_entry_is_gone(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    one, _ = await redis_broker.node()
    two, notes = await redis_broker.node()
    await one.join("presence-c", Member("ann"))
    before = await two.join("presence-c", Member("bob"))
    with server.client() as client:
        assert two._lease is not None
        client.delete(keys.node_entries("presence-c", two._lease.node))
    await two.leave("presence-c", "bob")
    # The list has begun again: nodes make their entries anew, and nobody makes bob's.
    after = await one.join("presence-c", Member("ann"))
    assert after.epoch != before.epoch
    assert list((await one.members("presence-c")).members) == ["ann"]
    # Who was no member changes nothing.
    await two.leave("presence-c", "bob")
    assert (await one.join("presence-c", Member("ann"))).epoch == after.epoch
    assert notes.presence_lost == 0


async def test_nobody_leaves_while_nobody_can_renew(
    own_server: RedisServer, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(own_server.url)
    nodes = [await brokers.node() for _ in range(3)]
    for number, (broker, _) in enumerate(nodes):
        await broker.subscribe("presence-c")
        await broker.join("presence-c", Member(f"user-{number}"))
    with own_server.client() as client:
        client.config_set("maxmemory", 1)
        refused_at = time.monotonic()
        # Longer than any lease.
        await until(lambda: time.monotonic() - refused_at > 7)
        client.config_set("maxmemory", 0)
        began_ms = server_ms(client)
        await until(lambda: is_renewed(client, began_ms + 5_000))
    for _, notes in nodes:
        assert leaves(notes) == Counter()
        assert notes.presence_lost == 0
    assert len((await nodes[0][0].members("presence-c")).members) == 3


@pytest.mark.parametrize("by_ms", [-300_000, 300_000])
async def test_leases_end_by_the_clock_of_the_server_after_it_was_set(
    own_server: RedisServer, brokers_at: BrokersAt, by_ms: int
) -> None:
    brokers = brokers_at(own_server.url)
    nodes = [await brokers.node() for _ in range(3)]
    for number, (broker, _) in enumerate(nodes):
        await broker.subscribe("presence-c")
        await broker.join("presence-c", Member(f"user-{number}"))
    with own_server.client() as client:
        set_clock(client, by_ms)
        # Of 0.1.0 a node reads them so: none may be over that is not, none last for minutes.
        for _ in range(3):
            began_ms = server_ms(client)
            await until(partial(is_renewed, client, began_ms))
            ends = [end for _, end in client.zrange(keys.NODES, 0, -1, withscores=True)]
            assert len(ends) == 3
            assert all(0 < end - began_ms < 10_000 for end in ends)
        assert [notes.presence_lost for _, notes in nodes] == [0, 0, 0]
        set_clock(client, by_ms)
        await vanish(nodes[0][0])
    began = time.monotonic()
    await until(lambda: leaves(nodes[1][1]) == Counter(["user-0"]))
    assert time.monotonic() - began < GONE_S_MAX


async def test_a_node_notes_only_channels_in_which_it_has_somebody(
    redis_broker: RedisBrokers, server: RedisServer
) -> None:
    broker, _ = await redis_broker.node()
    assert broker._lease is not None
    await broker.join("presence-stays", Member("ann"))
    for number in range(300):
        await broker.join(f"presence-{number}", Member("ann"))
        await broker.leave(f"presence-{number}", "ann")
    noted = keys.node_channels(broker._lease.node)
    with server.client() as client:
        assert client.smembers(noted) == {b"presence-stays"}
        left = [key for key in client.scan_iter("river:{presence-*") if b"stays" not in key]
        # Where somebody was, the version of the list lives on for a while.
        assert {client.ttl(key) <= 120 for key in left} == {True}


class JoiningUnsearched(Counter[str]):
    """Of so many channels as a node has: nobody goes through all of them for one."""

    def items(self) -> NoReturn:
        raise AssertionError("all are looked at")

    keys = values = __iter__ = items


async def test_an_entry_that_is_made_costs_the_same_however_many_are_made(
    redis_broker: RedisBrokers,
) -> None:
    broker, _ = await redis_broker.node()
    assert broker._lease is not None
    joining = broker._lease._name.joining = JoiningUnsearched()
    channels = [f"presence-{number}" for number in range(5)]
    await asyncio.gather(*(broker.join(channel, Member("ann")) for channel in channels))
    assert not joining
    assert [len((await broker.members(channel)).members) for channel in channels] == [1] * 5
