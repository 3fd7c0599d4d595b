"""What every broker promises about counts that clients are shown."""

from brokers import NewBroker
from river_feed import Notes, until


async def test_counts_of_all_nodes_are_added(new_broker: NewBroker) -> None:
    one, other = new_broker(), new_broker()
    await one.attach(Notes())
    await other.attach(Notes())
    await one.report({"dogs": 2, "cats": 1})
    await other.report({"dogs": 3})
    assert await one.counts.subscribers(["cats", "dogs", "birds"]) == [1, 5, 0]
    await other.report({"dogs": 0})
    assert await other.counts.subscribers(["dogs"]) == [2]
    assert await other.counts.subscribers([]) == []


async def test_nodes_that_are_subscribed_are_notified_of_counts(new_broker: NewBroker) -> None:
    one, other = new_broker(), new_broker()
    heard, elsewhere = Notes(), Notes()
    await one.attach(heard)
    await other.attach(elsewhere)
    await one.subscribe("dogs")
    await other.subscribe("cats")
    await other.counts.announce(["dogs"])
    await until(lambda: heard.recounted == ["dogs"])
    await one.counts.announce(["cats"])
    await until(lambda: elsewhere.recounted == ["cats"])
    assert heard.publications == []


async def test_users_are_counted_and_all_nodes_are_notified(new_broker: NewBroker) -> None:
    one, other = new_broker(), new_broker()
    heard = Notes()
    await one.attach(Notes())
    await other.attach(heard)
    user = '#app:1:#user:"ö {}'
    await one.counts.report_users({user: 2, "bob": 1})
    await until(lambda: heard.users_recounted == [user, "bob"])
    await other.counts.report_users({"bob": 1})
    assert await other.counts.connections([user, "bob", "cid"]) == [2, 2, 0]
    await one.counts.report_users({"bob": 0, user: 0})
    assert await one.counts.connections([user, "bob"]) == [0, 1]
    assert await one.occupied("") == {}


async def test_users_of_a_node_that_stopped_are_gone(new_broker: NewBroker) -> None:
    one, other = new_broker(), new_broker()
    await one.attach(Notes())
    await other.attach(Notes())
    await one.counts.report_users({"ann": 1})
    await one.close()
    assert await other.counts.connections(["ann"]) == [0]
