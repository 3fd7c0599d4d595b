"""What is offered to one Redis that was lost, and what is read there."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from brokers import RULES
from redis_server import RedisServer

from riverd.broker.redis import address, keys
from riverd.broker.redis.connection import RedisConnection
from riverd.broker.redis.connector import Connector
from riverd.broker.redis.healing import RedisSite
from riverd.broker.redis.history import state_of
from riverd.errors import BrokerError
from riverd.healing.offers import Contribution, Replica
from riverd.healing.parts import PARTS
from riverd.model.log import Publication

ONE = Publication(1, "e", b"1")
OFFER = Contribution(
    1, replicas=tuple(Replica(f"c{number}", "a", 1, 1.0, (ONE,), (2.0,)) for number in range(100))
)


@pytest.fixture
async def connection(own_server: RedisServer) -> AsyncIterator[RedisConnection]:
    connector = Connector(address.parse(own_server.url))
    found = await connector.open(lambda: RedisConnection(2.0))
    yield found
    found.drop()


async def new_site(connection: RedisConnection, *, is_light: bool = False) -> RedisSite:
    state = await state_of(connection)
    site = RedisSite(connection, state, rules=RULES, key_ttl_s=60, is_light=is_light)
    await site.turn("a", least=1, round_name="r")
    return site


async def offered(site: RedisSite) -> list[Replica]:
    """The replicas that come back from an offer, out of all its parts."""
    await site.offer("r", "a", offer=OFFER)
    assert await site.offers("r", ()) == {"a": Contribution(1)}
    parts = [await site.part(number, names=["a"]) or () for number in range(PARTS)]
    found = [replica for some in parts for one in some for replica in one.replicas]
    return sorted(found, key=lambda one: int(one.channel[1:]))


async def test_an_offer_comes_back_in_parts(connection: RedisConnection) -> None:
    assert await offered(await new_site(connection)) == list(OFFER.replicas)


async def test_a_round_of_another_history_is_not_gone_on_with(connection: RedisConnection) -> None:
    """It may be over, and who offered to it may have published since."""
    former = await new_site(connection)
    await offered(former)
    await connection.ask("REPLICAOF", "127.0.0.1", 1)
    await connection.ask("REPLICAOF", "NO", "ONE")
    site = RedisSite(connection, await state_of(connection), rules=RULES, key_ttl_s=60)
    turn = await site.turn("b", least=1, round_name="another")
    assert (turn.round, turn.is_mine) == ("another", True)
    assert await site.offers("another", ()) == {}
    # Whose connection has outlived the former one does not end this round in turn.
    with pytest.raises(BrokerError):
        await former.turn("a", least=1, round_name="third")
    assert (await site.turn("b", least=1, round_name="fourth")).round == "another"


async def test_a_part_that_is_lost_is_not_taken_for_empty(connection: RedisConnection) -> None:
    site = await new_site(connection)
    await offered(site)
    fields = await connection.ask("HKEYS", keys.OFFERS)
    assert isinstance(fields, list)
    part = next(one for one in fields if b":" in one)
    await connection.ask("HDEL", keys.OFFERS, part)
    assert await site.part(int(part.partition(b":")[2]), names=["a"]) is None


async def test_after_a_connection_was_lost_over_an_offer_only_positions_are_offered(
    own_server: RedisServer, connection: RedisConnection
) -> None:
    site = await new_site(connection)
    connection.drop()
    with pytest.raises(BrokerError):
        await site.offer("r", "a", offer=OFFER)
    assert site.is_offering
    other = await Connector(address.parse(own_server.url)).open(lambda: RedisConnection(2.0))
    try:
        site = await new_site(other, is_light=site.is_offering)
        assert [(one.offset, one.publications) for one in await offered(site)] == [(1, ())] * 100
        assert not site.is_offering
    finally:
        other.drop()


async def test_without_memory_only_positions_are_offered(connection: RedisConnection) -> None:
    site = await new_site(connection)
    state = msgspec.structs.replace(await state_of(connection), free_bytes=0)
    full = RedisSite(connection, state, rules=RULES, key_ttl_s=60)
    await full.offer("r", "a", offer=OFFER)
    await site.offers("r", ())
    parts = [await site.part(number, names=["a"]) or () for number in range(PARTS)]
    replicas = [replica for some in parts for one in some for replica in one.replicas]
    assert len(replicas) == 100
    assert {one.publications for one in replicas} == {()}
