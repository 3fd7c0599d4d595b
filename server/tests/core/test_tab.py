"""What a page has proven, without a node around it."""

from typing import TYPE_CHECKING, cast
from weakref import ref

from riverd.core.session import Subscription, SubscriptionState
from riverd.core.tab import CURSORS_MAX, PING_EVERY_S, Tab
from riverd.model.commands import Subscribe
from riverd.model.log import NOWHERE, Position
from riverd.model.tabs import PageIdentity, TabRow, TabTraits, Written

if TYPE_CHECKING:
    from riverd.core.session import Session


def at(offset: int) -> Position:
    return Position("e1", offset)


def claimed(row: TabRow | None = None, *, is_new: bool = True) -> Tab:
    tab = Tab("1:page", "1.1", is_new=is_new)
    tab.claim(row)
    return tab


def wanted(tab: Tab, channel: str = "dogs") -> Position | None:
    return tab.resuming(Subscribe(None, channel)).position


def test_a_new_page_begins_where_a_channel_is() -> None:
    tab = claimed()
    assert wanted(tab) is None
    assert tab.lacks_start("dogs")


def test_a_page_goes_on_where_earlier_connections_were() -> None:
    tab = claimed(TabRow({"dogs": at(7)}, TabTraits()))
    assert wanted(tab) == at(7)
    assert not tab.lacks_start("dogs")
    assert wanted(tab, "cats") is None


def test_every_channel_of_an_old_page_of_which_nothing_is_known_is_lost() -> None:
    tab = claimed(is_new=False)
    assert wanted(tab) == NOWHERE
    assert not tab.lacks_start("dogs")
    assert tab.traits.is_lost


def test_a_young_page_is_lost_too_if_what_was_known_of_it_may_be() -> None:
    for began_at, lost in ((99.0, NOWHERE), (100.0, NOWHERE), (101.0, None)):
        tab = Tab("1:page", "1.1", is_new=True, began_at=began_at)
        tab.claim(None, since=100.0)
        assert wanted(tab) == lost


def test_of_two_pages_with_one_identity_one_row_says_nothing_of_the_other() -> None:
    tab = claimed(TabRow({"dogs": at(7)}, TabTraits(is_lost=True, is_shared=True)))
    assert wanted(tab) == NOWHERE


def test_a_page_is_new_for_a_minute() -> None:
    page = PageIdentity("1:page", began_at=1_000.0)
    assert page.is_new(1_000.0)
    assert page.is_new(1_060.0)
    assert not page.is_new(1_060.1)


def test_a_page_from_the_future_is_not_new() -> None:
    page = PageIdentity("1:page", began_at=1_000.0)
    assert page.is_new(990.0)
    assert not page.is_new(989.9)


def test_a_start_is_lacking_until_the_broker_has_it() -> None:
    tab = claimed()
    tab.start("dogs", at(5), subscribed=())
    write = tab.write()
    assert write is not None
    assert write.begins
    assert write.cursors == {"dogs": at(5)}
    assert tab.lacks_start("dogs")
    tab.written(write, Written.TAKEN)
    assert not tab.lacks_start("dogs")
    assert tab.write() is None


def test_what_could_not_be_written_is_written_again() -> None:
    tab = claimed()
    tab.start("dogs", at(5), subscribed=())
    write = tab.write()
    assert write is not None
    tab.unwritten(write)
    tab.start("cats", at(6), subscribed=())
    again = tab.write()
    assert again is not None
    assert again.number > write.number
    assert again.cursors == {"dogs": at(5), "cats": at(6)}


def test_nothing_is_written_in_doubt_until_the_page_has_answered() -> None:
    tab = claimed(TabRow({"dogs": at(7)}, TabTraits()))
    tab.rewrite()
    write = tab.write()
    assert write is not None
    # A ping that was sent before proves nothing about what came since.
    assert not tab.ping(lambda _: None, now=0.0)
    tab.written(write, Written.REPLACED)
    assert tab.write() is None
    assert tab.ping(lambda _: None, now=1.0)
    assert tab.prove()
    again = tab.write()
    assert again is not None
    assert again.begins
    assert tab.owes_gaps
    tab.lose()
    lost = tab.write()
    assert lost is not None
    assert lost.traits.is_shared
    assert lost.cursors == {"dogs": NOWHERE}
    assert again.cursors == {"dogs": at(7)}


def test_what_the_broker_lost_is_written_again_without_a_doubt() -> None:
    tab = claimed(TabRow({"dogs": at(7)}, TabTraits()))
    tab.start("cats", at(0), subscribed=())
    write = tab.write()
    assert write is not None
    tab.written(write, Written.UNKNOWN)
    again = tab.write()
    assert again is not None
    assert again.begins
    assert again.cursors == {"dogs": at(7), "cats": at(0)}


def test_barriers_are_a_second_apart() -> None:
    tab = claimed(TabRow({}, TabTraits()))
    tab.rewrite()
    tab.start("dogs", at(0), subscribed=())
    write = tab.write()
    assert write is not None
    tab.written(write, Written.REPLACED)
    assert tab.may_ping(5.0)
    assert tab.ping(lambda _: None, now=5.0)
    assert not tab.may_ping(5.0 + PING_EVERY_S)
    tab.prove()
    assert not tab.may_ping(5.0 + PING_EVERY_S / 2)
    assert tab.may_ping(5.0 + PING_EVERY_S)


def test_no_second_barrier_is_sent_before_the_first_is_answered() -> None:
    tab = claimed(TabRow({"dogs": at(7)}, TabTraits()))
    tab.rewrite()
    write = tab.write()
    assert write is not None
    tab.written(write, Written.REPLACED)
    assert tab.ping(lambda _: None, now=1.0)
    assert not tab.may_ping(100.0)
    assert tab.prove()
    assert tab.may_ping(100.0)


def test_a_pong_that_nobody_asked_for_proves_nothing() -> None:
    assert not claimed().prove()


def test_a_page_that_left_thousands_of_channels_without_a_word_has_lost_them() -> None:
    tab = claimed(TabRow({f"c{n}": at(n) for n in range(CURSORS_MAX)}, TabTraits()))
    tab.start("dogs", at(1), subscribed={"c7"})
    assert tab.cursors == {"c7": at(7), "dogs": at(1)}
    assert tab.traits.is_lost
    assert wanted(tab, "c8") == NOWHERE


def test_a_connection_that_is_over_does_not_hold_its_subscriptions() -> None:
    tab = claimed()
    session = set[str]()
    one = Subscription(cast("Session", session), Subscribe(None, "dogs"), member=None)
    one.state = SubscriptionState.BEHIND
    known = ref(session)
    tab.touched[one] = None
    assert tab.ping(lambda _: at(1), now=0.0)
    tab.touched[one] = None
    tab.end()
    del one, session
    assert known() is None


def begun_again(traits: TabTraits, *, is_over: bool) -> TabTraits:
    """What the row says that a connection begins since the broker has lost it."""
    tab = claimed(TabRow({"dogs": at(7)}, traits))
    if is_over:
        tab.end()
    tab.verify()
    lost = tab.write()
    assert lost is not None
    tab.written(lost, Written.UNKNOWN)
    begun = tab.write()
    assert begun is not None
    assert begun.begins
    return begun.traits


def test_a_row_that_begins_again_may_lack_what_another_connection_has() -> None:
    assert not begun_again(TabTraits(), is_over=False).is_lost
    # The page may be connected elsewhere by now, and have subscribed to more.
    assert begun_again(TabTraits(), is_over=True).is_lost
    assert begun_again(TabTraits(is_shared=True), is_over=False).is_lost


def test_the_first_row_of_a_page_has_all_of_it() -> None:
    tab = claimed()
    tab.start("dogs", at(7), subscribed=("dogs",))
    first = tab.write()
    assert first is not None
    assert first.begins
    assert not first.traits.is_lost


def test_a_connection_that_is_over_begins_no_row_that_says_nothing_is_lost() -> None:
    for is_new in (True, False):
        tab = claimed(is_new=is_new)
        tab.start("dogs", at(7), subscribed=("dogs",))
        unanswered = tab.write()
        assert unanswered is not None
        tab.unwritten(unanswered)
        tab.end()
        # The page may have had another connection since, and the broker lost what is known of it.
        row = tab.write()
        assert (row is None) == is_new
        assert row is None or row.traits.is_lost


def test_a_page_that_is_not_alone_has_a_gap_on_what_it_subscribes_to_later() -> None:
    tab = claimed(TabRow({"dogs": at(7)}, TabTraits()))
    assert wanted(tab, "cats") is None
    tab.lose()
    assert wanted(tab, "cats") == NOWHERE
