"""The numbers of several workers as one."""

from riverd.service.metrics import LabelledReading, Metrics, Reading
from riverd.service.shared_metrics import MetricValues, SharedMetrics, Slot


class Counted:
    """A worker's metrics, and what they count."""

    def __init__(self, slots: list[Slot], own: int) -> None:
        self.deliveries = 0.0
        self.connections = 0.0
        self.closed: dict[str, float] = {}
        self.speaking: dict[str, float] = {}
        self.blocked = 0.0
        self.metrics = Metrics(SharedMetrics(slots, own))
        self.metrics.add(
            Reading("river_deliveries", "Events.", lambda: self.deliveries, counter=True),
            Reading("river_connections", "Open.", lambda: self.connections),
            LabelledReading("river_closed", "Ended.", "code", lambda: self.closed),
            LabelledReading(
                "river_speaking", "Open.", "protocol", lambda: self.speaking, counter=False
            ),
            Reading("river_orders_in_force", "Blocked.", lambda: self.blocked),
        )

    def scraped(self) -> dict[str, float]:
        lines = self.metrics.render().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}


def test_whichever_worker_is_asked_answers_for_all() -> None:
    slots = [Slot.new(), Slot.new()]
    one, other = Counted(slots, 0), Counted(slots, 1)
    one.deliveries, one.connections, one.closed = 5, 2, {"1001": 1}
    other.deliveries, other.connections, other.closed = 7, 1, {"1001": 2, "4401": 1}
    one.metrics.publish()
    other.metrics.publish()
    expected = {
        "river_orders_in_force": 0,
        "river_deliveries_total": 12,
        "river_connections": 3,
        'river_closed_total{code="1001"}': 3,
        'river_closed_total{code="4401"}': 1,
    }
    assert one.scraped() == other.scraped() == expected


def test_counters_of_a_worker_that_died_are_kept_and_its_connections_are_not() -> None:
    slots = [Slot.new(), Slot.new()]
    one, other = Counted(slots, 0), Counted(slots, 1)
    one.deliveries, one.connections, one.closed = 5, 2, {"1001": 1}
    one.metrics.publish()
    slots[0].keep_counters()
    assert other.scraped()["river_deliveries_total"] == 5
    assert other.scraped()["river_connections"] == 0
    successor = Counted(slots, 0)
    successor.deliveries, successor.connections = 1, 1
    assert successor.scraped() == other.scraped()
    assert other.scraped()["river_deliveries_total"] == 6
    assert other.scraped()['river_closed_total{code="1001"}'] == 1
    assert other.scraped()["river_connections"] == 1


def test_a_slot_that_is_read_while_it_is_written_gives_nothing_wrong() -> None:
    slot = Slot.new()
    assert slot.read() == MetricValues()
    slot.write(MetricValues({"a": 1.0}))
    slot.write(MetricValues({"a": 2.0, "b": 3.0}))
    slot.write(MetricValues({"a": 4.0}))
    assert slot.read() == MetricValues({"a": 4.0})


def test_gauges_with_a_label_are_added_up_and_end_with_their_worker() -> None:
    slots = [Slot.new(), Slot.new()]
    one, other = Counted(slots, 0), Counted(slots, 1)
    one.speaking, other.speaking = {"native": 2, "pusher": 1}, {"native": 5}
    one.metrics.publish()
    assert other.scraped()['river_speaking{protocol="native"}'] == 7
    assert other.scraped()['river_speaking{protocol="pusher"}'] == 1
    slots[0].keep_counters()
    assert other.scraped()['river_speaking{protocol="native"}'] == 5


def test_what_all_workers_know_alike_is_not_added_up() -> None:
    slots = [Slot.new(), Slot.new()]
    one, other = Counted(slots, 0), Counted(slots, 1)
    one.blocked, other.blocked = 3, 2
    one.metrics.publish()
    assert other.scraped()["river_orders_in_force"] == 3
