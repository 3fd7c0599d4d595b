"""The promises of a broker: orders and questions to all nodes."""

import time
from typing import Any

import msgspec
from brokers import NewBroker, node_with_notes
from river_feed import until

from riverd.broker import Broker
from riverd.channels.names import CONTROL
from riverd.model.log import Member, Message, Position
from riverd.model.orders import Order, OrderKind, Question, Standing, StandingKind, order_of

ANN, BOB = Member("ann"), Member("bob", b'{"name":"Bob"}')


def block(user: str, at: float = 1.0, **fields: Any) -> Order:
    return Order(f"{user}-{at}", OrderKind.BLOCK, at, user=user, **fields)


async def test_all_nodes_get_an_order_in_the_control_log(new_broker: NewBroker) -> None:
    nodes = [await node_with_notes(new_broker) for _ in range(2)]
    for broker, _ in nodes:
        await broker.subscribe(CONTROL)
    order = Order("1", OrderKind.DRAIN, 7.5, node="arn:aws:ecs:eu-central-1:1:task/river/0")
    position = await new_broker().control.order(order)
    for broker, notes in nodes:
        await until(lambda notes=notes: notes.orders == [order])
        assert (await broker.read(CONTROL)).position == position
    tail = await new_broker().read(CONTROL)
    assert [order_of(one.data) for one in tail.publications] == [order]


async def test_an_order_is_in_the_log_once(new_broker: NewBroker) -> None:
    control = new_broker().control
    first = await control.order(block("ann"))
    assert await control.order(block("ann")) == first
    assert (await control.order(block("bob"))).offset == first.offset + 1


async def in_force(broker: Broker) -> list[Standing]:
    return [one async for some in broker.control.standings() for one in some]


async def test_what_stays_in_force_is_kept_beside_the_log(new_broker: NewBroker) -> None:
    broker = new_broker()
    control = broker.control
    revoke = Order("r", OrderKind.REVOKE, 3.0, user="ann", before=8.0, ends_at=9e9)
    for order in (block("ann"), revoke, block("J/{ö}", ends_at=8e9)):
        await control.order(order)
    await control.order(Order("d", OrderKind.DISCONNECT, 4.0, user="cid"))
    kept = {(one.kind, one.user): one for one in await in_force(new_broker())}
    assert kept == {
        (StandingKind.BLOCKED, "ann"): Standing(StandingKind.BLOCKED, "ann", 1.0),
        (StandingKind.REVOKED, "ann"): Standing(StandingKind.REVOKED, "ann", 3.0, 9e9, 8.0),
        (StandingKind.BLOCKED, "J/{ö}"): Standing(StandingKind.BLOCKED, "J/{ö}", 1.0, 8e9),
    }
    await control.order(Order("u", OrderKind.UNBLOCK, 5.0, user="ann"))
    [ann] = [one for one in await in_force(broker) if one.user == "ann" and not one.before]
    assert ann.lifted


async def test_what_is_given_back_replaces_nothing_newer(new_broker: NewBroker) -> None:
    broker = new_broker()
    control = broker.control
    await control.order(block("ann", 5.0))
    older = Standing(StandingKind.BLOCKED, "ann", 4.0, 9e9)
    other = Standing(StandingKind.REVOKED, "bob", 4.0, 9e9, 3.0)
    await control.give_back([older, other], reload=Order("r1", OrderKind.RELOAD))
    found = {one.user: one for one in await in_force(broker)}
    assert found == {"ann": Standing(StandingKind.BLOCKED, "ann", 5.0), "bob": other}
    newer = Standing(StandingKind.BLOCKED, "ann", 6.0, 9e9)
    await control.give_back([newer], reload=Order("r2", OrderKind.RELOAD))
    assert newer in await in_force(broker)
    # An order that a node gives back says nothing of what is in force by now.
    await control.order(msgspec.structs.replace(block("bob", 9.0), was=Position("e", 1)))
    assert (StandingKind.BLOCKED, "bob") not in [
        (one.kind, one.user) for one in await in_force(broker)
    ]


async def test_all_are_ordered_to_read_what_was_given_back_and_was_missing(
    new_broker: NewBroker,
) -> None:
    broker, reload = new_broker(), Order("r", OrderKind.RELOAD)
    await broker.control.order(block("ann", 5.0))
    before = (await broker.read(CONTROL, limit=1, keep=True)).position
    known = Standing(StandingKind.BLOCKED, "ann", 5.0)
    await broker.control.give_back([known], reload=reload)
    assert (await broker.read(CONTROL, limit=1, keep=True)).position == before
    await broker.control.give_back(
        [known, Standing(StandingKind.BLOCKED, "bob", 5.0)], reload=reload
    )
    tail = await broker.read(CONTROL, after=before, limit=10, keep=True)
    orders = [order_of(one.data) for one in tail.publications]
    assert [one and one.kind for one in orders] == [OrderKind.RELOAD]


async def test_it_is_known_how_old_a_publication_is(new_broker: NewBroker) -> None:
    broker = new_broker()
    started_at = time.monotonic()
    for _ in range(2):
        await broker.publish(Message("c", "e", b"1"))
    # The newer one first: its age is asked for earlier.
    newer, older = [await broker.control.age_s("c", offset) for offset in (2, 1)]
    assert older is not None
    assert newer is not None
    # Redis notes whole milliseconds.
    assert -0.001 <= newer <= older + 0.001 <= time.monotonic() - started_at + 0.002
    assert await broker.control.age_s("c", 3) is None
    assert await broker.control.age_s("none", 1) is None


async def test_nodes_are_listed_and_answer(new_broker: NewBroker) -> None:
    (one, notes), (two, _) = await node_with_notes(new_broker), await node_with_notes(new_broker)
    await one.control.register("a name")
    await two.control.register("two")
    api = new_broker().control
    assert sorted((await api.nodes()).values()) == ["a name", "two"]
    question = Question("q1", "J/{ö}")
    await api.ask(question)
    await until(lambda: notes.questions == [question])
    assert await api.answers("q1") == {}
    await one.control.answer("q1", b"17")
    [(who, body)] = (await api.answers("q1")).items()
    assert ((await api.nodes())[who], body) == ("a name", b"17")
    await one.close()
    assert list((await api.nodes()).values()) == ["two"]
