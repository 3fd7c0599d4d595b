"""A Redis that dies and comes back: no position is given twice, and everybody learns of it."""

import asyncio
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest
from brokers import RedisBrokers, persistently
from redis_server import RedisServer
from river_feed import until

from riverd.broker.redis import scripts
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.scripts import DataHistory, Scripts, script
from riverd.errors import BrokerError, RiverError
from riverd.model.log import Member, Message, Position

BrokersAt = Callable[[str], RedisBrokers]


async def publish(broker: RedisBroker, channel: str = "c", key: str | None = None) -> Position:
    return await persistently(lambda: broker.publish(Message(channel, "e", b"1", key)))


def restart(server: RedisServer, *, with_data: bool) -> None:
    server.kill()
    if not with_data:
        server.lose_data()
    server.start()


@pytest.mark.parametrize("with_data", [True, False])
async def test_a_log_begins_again_under_a_new_epoch(
    own_server: RedisServer, brokers_at: BrokersAt, *, with_data: bool
) -> None:
    broker = brokers_at(own_server.url)()
    before = [await publish(broker) for _ in range(3)][-1]
    restart(own_server, with_data=with_data)
    after = await publish(broker)
    assert after.epoch != before.epoch
    assert after.offset == 1
    with pytest.raises(RiverError, match="epoch"):
        await broker.read("c", after=before)
    assert len((await broker.read("c")).publications) == 1


def test_scripts_of_an_upgrade_are_not_used_by_a_process_that_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = script("beat")
    monkeypatch.setattr(scripts, "files", lambda _package: tmp_path)
    (tmp_path / "lua").mkdir()
    (tmp_path / "lua" / "beat.lua").write_text("return 'newer'")
    assert script("beat") == before


@pytest.mark.parametrize("with_data", [True, False])
async def test_a_process_that_was_idle_takes_part_in_the_new_run(
    own_server: RedisServer, brokers_at: BrokersAt, *, with_data: bool
) -> None:
    idle, busy = brokers_at(own_server.url)(), brokers_at(own_server.url)()
    await publish(idle)
    restart(own_server, with_data=with_data)
    after = await publish(busy)
    assert await publish(idle) == Position(after.epoch, 2)
    assert await publish(busy) == Position(after.epoch, 3)


async def test_scripts_that_outlived_their_server_are_not_used(
    own_server: RedisServer, brokers_at: BrokersAt
) -> None:
    # Redis 6.2 keeps scripts in its append-only file and gives them to its replicas.
    broker = brokers_at(own_server.url)()
    before = await publish(broker)
    with own_server.client() as client:
        info = client.info()
        old = Scripts(DataHistory(str(info["run_id"]), str(info["master_replid"])))
    restart(own_server, with_data=True)
    with own_server.client() as client:
        for text in old.texts.values():
            client.script_load(text)
    assert (await publish(broker)).epoch != before.epoch


async def test_no_position_is_given_twice_while_it_dies_and_comes_back(
    own_server: RedisServer, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(own_server.url)
    places: list[Position] = []
    going = asyncio.Event()

    async def go_on(broker: RedisBroker) -> None:
        while not going.is_set():
            places.append(await publish(broker))

    tasks = [asyncio.create_task(go_on(brokers())) for _ in range(4)]
    for with_data in (True, False, True):
        enough = len(places) + 200
        await until(lambda enough=enough: len(places) > enough)
        await asyncio.to_thread(restart, own_server, with_data=with_data)
    enough = len(places) + 200
    await until(lambda: len(places) > enough)
    going.set()
    await asyncio.gather(*tasks)
    assert len(set(places)) == len(places)
    epochs = [epoch for epoch, _ in groupby(places, key=lambda place: place.epoch)]
    assert len(set(epochs)) == 4


async def test_an_id_is_kept_over_a_lost_answer_and_with_the_data_that_has_it(
    own_server: RedisServer, brokers_at: BrokersAt
) -> None:
    broker, notes = await brokers_at(own_server.url).node()
    first = await publish(broker, key="k")
    with own_server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert await publish(broker, key="k") == first
    restart(own_server, with_data=True)
    assert await publish(broker, key="k") == first
    restart(own_server, with_data=False)
    assert (await publish(broker, key="k")).epoch != first.epoch
    assert notes.interruptions


async def test_a_node_that_only_listens_finds_another_epoch(
    own_server: RedisServer, brokers_at: BrokersAt
) -> None:
    broker, notes = await brokers_at(own_server.url).node()
    await broker.subscribe("presence-c")
    log = (await broker.read("presence-c", keep=True)).position
    version = await broker.join("presence-c", Member("ann"))
    interruptions = notes.interruptions
    restart(own_server, with_data=True)
    await until(lambda: notes.interruptions > interruptions)
    [(log_now, version_now)] = await persistently(lambda: broker.positions(["presence-c"]))
    assert log_now.epoch != log.epoch
    assert version_now is not None
    assert version_now.epoch != version.epoch


async def test_members_begin_again_and_seats_can_be_taken_anew(
    own_server: RedisServer, brokers_at: BrokersAt
) -> None:
    brokers = brokers_at(own_server.url)
    nodes = [await brokers.node() for _ in range(2)]
    for broker, _ in nodes:
        await broker.join("presence-c", Member("ann"))
    restart(own_server, with_data=True)
    for broker, _ in nodes:
        await persistently(lambda broker=broker: broker.join("presence-c", Member("ann")))
    assert list((await nodes[0][0].members("presence-c")).members) == ["ann"]
    for broker, _ in nodes:
        await broker.leave("presence-c", "ann")
    assert (await nodes[0][0].members("presence-c")).members == {}


async def test_a_node_without_a_lease_any_more_is_told_and_takes_another(
    own_server: RedisServer, brokers_at: BrokersAt
) -> None:
    broker, notes = await brokers_at(own_server.url).node()
    await broker.join("presence-c", Member("ann"))
    restart(own_server, with_data=False)
    await until(lambda: notes.presence_lost == 1)
    await persistently(lambda: broker.join("presence-c", Member("ann")))
    assert list((await broker.members("presence-c")).members) == ["ann"]


def older_data(server: RedisServer, back_to: dict[bytes, bytes]) -> None:
    """Give a server that goes on running the data that it once had."""
    with server.client() as client:
        for key, dumped in back_to.items():
            client.restore(key, 60_000, dumped, replace=True)


def dumped(server: RedisServer) -> dict[bytes, bytes]:
    with server.client() as client:
        return {key: client.dump(key) for key in client.scan_iter("river:{c}:*")}


async def test_a_publisher_gives_no_position_twice_when_a_server_is_given_older_data(
    server: RedisServer, redis_broker: RedisBrokers
) -> None:
    broker = redis_broker()
    given = [await publish(broker) for _ in range(3)]
    older = dumped(server)
    given += [await publish(broker) for _ in range(3)]
    older_data(server, older)
    given += [await publish(broker) for _ in range(6)]
    assert len(set(given)) == len(given)
    assert given[-1].epoch != given[0].epoch


async def test_a_node_finds_that_a_server_was_given_older_data(
    server: RedisServer, redis_broker: RedisBrokers
) -> None:
    broker, _ = await redis_broker.node()
    for _ in range(3):
        await publish(broker)
    older = dumped(server)
    had = [await publish(broker) for _ in range(3)][-1]
    older_data(server, older)
    [(found, _)] = await broker.positions(["c"])
    assert found == Position(had.epoch, had.offset - 3)
    with pytest.raises(RiverError, match="epoch"):
        await broker.read("c", after=had, keep=True)
    assert (await broker.read("c")).position.epoch != had.epoch


async def test_a_demotion_and_a_promotion_are_another_history(
    own_server: RedisServer, brokers_at: BrokersAt
) -> None:
    broker, notes = await brokers_at(own_server.url).node()
    await broker.subscribe("c")
    before = await publish(broker)
    interruptions = notes.interruptions
    with own_server.client() as client:
        client.replicaof("127.0.0.1", 1)
        with pytest.raises(BrokerError):
            await broker.ping()
        client.replicaof("NO", "ONE")
    after = await publish(broker)
    assert (after.epoch != before.epoch, after.offset) == (True, 1)
    await until(lambda: notes.interruptions > interruptions)
