"""What every broker promises about pages whose clients keep no positions."""

import asyncio

from brokers import NewBroker

from riverd.broker import Broker
from riverd.model.log import NOWHERE, Position
from riverd.model.tabs import SESSIONS_MAX, TabRow, TabTraits, TabWrite, Written, lowest

LIFE_S = 60.0
PAGE = "1:mb3k2x-0a1b"


def at(offset: int, epoch: str = "e1") -> Position:
    return Position(epoch, offset)


async def save(
    broker: Broker,
    session: str,
    *,
    number: int = 1,
    begins: bool = True,
    traits: TabTraits | None = None,
    life_s: float = LIFE_S,
    **cursors: Position | None,
) -> Written:
    traits = traits or TabTraits(sessions=(session,))
    write = TabWrite(PAGE, session, number, begins, traits, cursors)
    [result] = await broker.tabs.save([write], life_s=life_s)
    assert isinstance(result, Written)
    return result


async def claim(broker: Broker, session: str) -> TabRow | None:
    return await broker.tabs.claim(PAGE, session, life_s=LIFE_S)


async def test_nothing_is_known_of_a_new_page(new_broker: NewBroker) -> None:
    assert await claim(new_broker(), "1.1") is None


async def test_a_connection_inherits_what_another_had(new_broker: NewBroker) -> None:
    assert await save(new_broker(), "1.1", dogs=at(7), cats=at(0, "e2")) is Written.TAKEN
    row = await claim(new_broker(), "2.1")
    assert row == TabRow({"dogs": at(7), "cats": at(0, "e2")}, TabTraits(sessions=("1.1", "2.1")))


async def test_a_page_without_channels_is_known(new_broker: NewBroker) -> None:
    await save(new_broker(), "1.1")
    assert await claim(new_broker(), "1.2") == TabRow({}, TabTraits(sessions=("1.1", "1.2")))


async def test_a_cursor_that_is_removed_is_gone(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.1", dogs=at(7), cats=at(1))
    await save(broker, "1.1", number=2, begins=False, dogs=None)
    row = await claim(broker, "1.2")
    assert row is not None
    assert row.cursors == {"cats": at(1)}


async def test_a_late_write_changes_nothing(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.1", number=2, dogs=at(7))
    assert await save(broker, "1.1", number=1, dogs=None) is Written.TAKEN
    row = await claim(broker, "1.2")
    assert row is not None
    assert row.cursors == {"dogs": at(7)}


async def test_a_connection_that_was_replaced_writes_no_more(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.1", dogs=at(7))
    await claim(broker, "1.2")
    assert await save(broker, "1.1", number=2, begins=False, dogs=at(9)) is Written.REPLACED
    row = await claim(broker, "1.3")
    assert row is not None
    assert row.cursors == {"dogs": at(7)}


async def test_a_write_says_that_nothing_is_known_of_the_page(new_broker: NewBroker) -> None:
    assert await save(new_broker(), "1.1", begins=False, dogs=at(9)) is Written.UNKNOWN


async def test_the_lowest_cursor_is_inherited(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.1", dogs=at(9), cats=at(1), birds=at(3, "e1"))
    await save(broker, "1.2", dogs=at(10), cats=at(10), birds=at(1, "e2"), fish=at(4))
    row = await claim(broker, "1.3")
    assert row is not None
    assert row.cursors == {"dogs": at(9), "cats": at(1), "birds": NOWHERE, "fish": at(4)}


async def test_claiming_again_gives_the_same(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.1", dogs=at(9))
    row = await claim(broker, "1.2")
    assert await claim(broker, "1.2") == row
    assert await save(broker, "1.2", begins=False, dogs=at(10)) is Written.TAKEN


async def test_rows_of_pages_with_one_identity_stay(new_broker: NewBroker) -> None:
    broker = new_broker()
    shared = TabTraits(is_shared=True, sessions=("1.1",))
    await save(broker, "1.1", traits=shared, dogs=at(9))
    row = await claim(broker, "1.2")
    assert row is not None
    assert row.traits.is_shared
    assert await save(broker, "1.2", begins=False, dogs=at(20)) is Written.TAKEN
    again = await claim(broker, "1.3")
    assert again is not None
    assert again.cursors == {"dogs": at(9)}


async def test_that_something_was_lost_is_inherited(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.1", traits=TabTraits(is_lost=True, sessions=("1.1",)))
    row = await claim(broker, "1.2")
    assert row is not None
    assert row.traits == TabTraits(is_lost=True, sessions=("1.1", "1.2"))


async def test_so_many_sessions_are_remembered(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.0")
    for number in range(1, SESSIONS_MAX + 2):
        row = await claim(broker, f"1.{number}")
    assert row is not None
    assert row.traits.sessions == tuple(f"1.{number}" for number in range(2, SESSIONS_MAX + 2))


async def test_rows_end_some_time_after_the_last_write(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.1", life_s=0.05, dogs=at(9))
    async with asyncio.timeout(20):
        # Of a connection without a row: it renews nothing.
        while await save(broker, "1.2", begins=False) is not Written.UNKNOWN:
            await asyncio.sleep(0.01)
    assert await claim(broker, "1.2") is None


async def test_many_writes_go_together(new_broker: NewBroker) -> None:
    broker = new_broker()
    traits = TabTraits(sessions=("1.1",))
    writes = [TabWrite(f"1:{n}", "1.1", 1, True, traits, {"dogs": at(n)}) for n in range(1_200)]
    assert await broker.tabs.save(writes, life_s=LIFE_S) == [Written.TAKEN] * 1_200
    row = await broker.tabs.claim("1:1199", "1.2", life_s=LIFE_S)
    assert row is not None
    assert row.cursors == {"dogs": at(1_199)}


def test_cursors_of_two_epochs_have_no_order() -> None:
    one, two = {"dogs": at(5, "e1")}, {"dogs": at(3, "e2")}
    assert lowest([one, two, one]) == {"dogs": NOWHERE}


async def test_who_shares_an_identity_makes_the_others_owe_gaps(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.1", dogs=at(5))
    await claim(broker, "1.2")
    shared = TabTraits(is_shared=True, sessions=("1.1",))
    assert await save(broker, "1.1", number=2, traits=shared, dogs=at(5)) is Written.TAKEN
    # The other finds out with whatever it writes, also if it is nothing.
    assert await save(broker, "1.2", begins=False) is Written.ROBBED
    assert await save(broker, "1.2", number=2, begins=False, dogs=at(9)) is Written.ROBBED
    row = await claim(broker, "1.3")
    assert row is not None
    assert row.cursors == {"dogs": NOWHERE}
    assert row.traits.is_shared


async def test_who_knows_that_it_shares_an_identity_goes_on(new_broker: NewBroker) -> None:
    broker = new_broker()
    await save(broker, "1.1", dogs=at(5))
    await claim(broker, "1.2")
    shared = TabTraits(is_shared=True, sessions=("1.1",))
    await save(broker, "1.1", number=2, traits=shared, dogs=at(5))
    traits = TabTraits(is_shared=True, sessions=("1.2",))
    wrote = await save(broker, "1.2", number=3, begins=False, traits=traits, dogs=at(9))
    assert wrote is Written.TAKEN
    assert await save(broker, "1.2", number=4, begins=False, dogs=at(10)) is Written.TAKEN
    row = await claim(broker, "1.3")
    assert row is not None
    assert row.cursors == {"dogs": at(5)}
