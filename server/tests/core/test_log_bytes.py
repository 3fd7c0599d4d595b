"""What the publications of all channels of a node count for together."""

from riverd.broker.memory.store import Store
from riverd.channels.rules import ChannelRules
from riverd.core.channel import Channel
from riverd.core.hub import Hub
from riverd.model.log import Message, Position, Publication, Tail

RULES = ChannelRules(history_size=100, history_ttl_s=60)
BYTES_MAX = 10_000


def hub_with(*names: str, log_bytes_max: float = BYTES_MAX) -> tuple[Hub, list[Channel]]:
    hub = Hub(RULES, part_bytes_max=1_000, log_bytes_max=log_bytes_max)
    tail = Tail(Position("e", 0), ())
    return hub, [hub.open(name, tail, roster=None, now=0) for name in names]


def publish(hub: Hub, channel: Channel, size: int, *, now: float = 0) -> None:
    offset = channel.log.offset + 1
    assert hub.append(channel, Publication(offset, "e", b"x" * (size - 1)), now=now)
    hub.flush(now)


def held(hub: Hub) -> int:
    return sum(channel.log.size for channel in hub.channels.values())


def test_channels_that_hold_much_give_way_and_others_keep_their_windows() -> None:
    hub, [small, *large] = hub_with("small", "a", "b", "c")
    for _ in range(5):
        publish(hub, small, 100)
    for _ in range(30):
        for channel in large:
            publish(hub, channel, 500)
            assert held(hub) == hub.log_bytes <= BYTES_MAX + 500
    assert small.log.size == 500


def test_a_window_is_whole_while_there_is_room_for_all() -> None:
    hub, [one, other] = hub_with("a", "b")
    for _ in range(9):
        publish(hub, one, 1_000)
    publish(hub, other, 100)
    assert one.log.size == 9_000


def test_what_is_dropped_counts_no_more() -> None:
    hub, [one, other] = hub_with("a", "b", log_bytes_max=1e9)
    for number in range(250):
        publish(hub, one, 10, now=number / 10)
        publish(hub, other, 20)
    assert held(hub) == hub.log_bytes
    hub.expire(1_000)
    assert hub.log_bytes == 0
    publish(hub, one, 10, now=1_000)
    hub.restart(one, Tail(Position("e2", 1), (Publication(1, "e", b"12345"),)), now=1_000)
    assert held(hub) == hub.log_bytes == 6
    hub.flush(1_000)
    hub.close("a")
    assert hub.log_bytes == 0


def test_what_is_read_again_counts_once_and_hides_no_exclusion() -> None:
    hub, [one] = hub_with("a")
    some = [Publication(n, "e", b"x", exclude=f"s.{n}") for n in (1, 2)]
    for publication in (*some, *some[:1]):
        assert hub.append(one, publication, now=0)
    assert held(hub) == hub.log_bytes == one.bytes
    assert one.excluding == 2


def test_a_store_bounds_all_logs_however_many_names_are_published_to() -> None:
    store = Store(RULES, new_epoch=lambda: "e", log_bytes_max=BYTES_MAX)
    for number in range(200):
        store.publish(Message(f"c{number}", "e", b"x" * 499), now=0)
        assert store.log_bytes <= BYTES_MAX + 500
    assert store.log_bytes == sum(log.size for log in store._logs.values())
    for _ in store.expiring(1e9):
        pass
    assert store.log_bytes == 0
