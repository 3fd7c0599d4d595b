"""What is sent to a webhook next: order, leaves that wait, failures, resets."""

from collections.abc import Sequence
from itertools import count, pairwise

from riverd.broker.webhooks import QueuedEvent
from riverd.webhooks.outbox import (
    BATCH_BYTES_MAX,
    BATCH_MAX,
    DELAY_MS_MAX,
    GIVE_UP_MS,
    WAIT_ATTEMPTS,
    Outbox,
)

numbers = count(1)


def event(kind: str, at_ms: int, channel: str = "c", **fields: object) -> QueuedEvent:
    number = str(next(numbers))
    given: dict[str, object] = {
        "id": number,
        "queue": "",
        "entry": number,
        "at_ms": at_ms,
        "since_ms": at_ms,
        "kind": kind,
        "channel": channel,
        "size": 100,
    }
    return QueuedEvent(**{**given, **fields})  # type: ignore[arg-type]


def outbox(*events: QueuedEvent) -> Outbox:
    made = Outbox(lambda: 1.0)
    made.take(events)
    return made


def sent(box: Outbox, now_ms: int) -> list[QueuedEvent]:
    """Deliver all that can be sent now."""
    found: list[QueuedEvent] = []
    while batch := box.next(now_ms):
        found += batch
        box.delivered(batch)
    return found


def test_events_of_a_channel_go_out_in_the_order_in_which_they_were_written() -> None:
    events = [event("client_event", 1), event("cache_miss", 2), event("client_event", 3)]
    box = outbox(*events)
    assert sent(box, 10) == events
    assert box.is_empty


def test_a_leave_waits_three_seconds() -> None:
    left = event("channel_vacated", 1_000)
    box = outbox(left)
    assert box.next(3_999) == []
    assert box.next(4_000) == [left]


def test_a_return_cancels_a_leave_and_itself() -> None:
    left, back = event("channel_vacated", 1_000), event("channel_occupied", 3_999)
    box = outbox(left)
    assert box.take([back]) == [left, back]
    assert box.is_empty
    assert box.next(10_000) == []


def test_a_return_after_three_seconds_cancels_nothing() -> None:
    events = [event("channel_vacated", 1_000), event("channel_occupied", 4_000)]
    assert sent(outbox(*events), 10_000) == events


def test_a_return_cancels_only_the_leave_of_the_same_user() -> None:
    ann = event("member_left", 1_000, user="ann")
    bob = event("member_joined", 1_500, user="bob")
    back = event("member_joined", 2_000, user="ann")
    box = Outbox(lambda: 1.0)
    assert box.take([ann, bob, back]) == [ann, back]
    assert sent(box, 2_000) == [bob]


def test_who_leaves_returns_and_leaves_again_has_left() -> None:
    events = [
        event("member_left", 1_000, user="ann"),
        event("member_joined", 1_500, user="ann"),
        event("member_left", 2_000, user="ann"),
    ]
    box = outbox(*events)
    assert box.next(4_999) == []
    assert sent(box, 5_000) == [events[2]]


def test_what_follows_a_leave_in_its_channel_waits_with_it_and_others_do_not() -> None:
    left, after = event("member_left", 1_000, user="ann"), event("client_event", 1_001)
    other = event("client_event", 1_002, channel="other")
    box = outbox(left, after, other)
    assert sent(box, 1_100) == [other]
    assert sent(box, 4_000) == [left, after]


def test_of_counts_that_follow_one_another_the_last_is_sent() -> None:
    first, last = event("subscription_count", 1, count=1), event("subscription_count", 2, count=2)
    box = Outbox(lambda: 1.0)
    assert box.take([first, last]) == [first]
    assert sent(box, 10) == [last]


def test_a_request_is_bounded() -> None:
    small = [event("client_event", 1) for _ in range(BATCH_MAX + 1)]
    assert outbox(*small).next(1) == small[:-1]
    large = [event("client_event", 1, size=BATCH_BYTES_MAX) for _ in range(2)]
    assert outbox(*large).next(1) == large[:1]


def test_what_fails_is_sent_again_later_each_time() -> None:
    one = event("client_event", 0)
    box, now, delays = outbox(one), 0, []
    for _ in range(10):
        while not box.next(now):
            now += 100
        delays.append(now)
        box.failed([one], now)
    gaps = [after - before for before, after in pairwise(delays)]
    assert gaps == sorted(gaps)
    assert gaps[0] == 1_000
    assert gaps[-1] == DELAY_MS_MAX


def test_a_channel_that_is_refused_holds_up_no_other() -> None:
    bad, good = event("client_event", 0, channel="bad"), event("client_event", 0, channel="good")
    box, now, delivered = outbox(bad, good), 0, []
    for _ in range(100):
        now += 1_000
        batch = box.next(now)
        if bad in batch:
            box.failed(batch, now)
        elif batch:
            delivered += batch
            box.delivered(batch)
    assert delivered == [good]
    assert not box.is_empty


def test_what_fails_for_a_day_is_given_up() -> None:
    old, young = event("client_event", 0), event("client_event", GIVE_UP_MS)
    box = outbox(old, young)
    assert box.overdue(GIVE_UP_MS) == []
    assert box.overdue(GIVE_UP_MS + 1) == [old]
    box.remove([old])
    assert sent(box, GIVE_UP_MS + 1) == [young]


def test_a_reset_is_sent_by_itself_behind_all_that_was_written_before() -> None:
    before, after = event("client_event", 1), event("client_event", 3)
    reset = event("reset", 2, channel="", reason="broker")
    box = outbox(before, reset, after)
    assert box.next(10) == [before]
    box.delivered([before])
    assert box.next(10) == [reset]
    box.failed([reset], 10)
    assert box.next(10) == []
    assert box.next(2_000) == [reset]
    box.delivered([reset])
    assert box.next(2_000) == [after]


def test_a_reset_passes_what_keeps_failing_and_stands_for_what_it_says() -> None:
    left, said = event("member_joined", 1, user="ann"), event("client_event", 2)
    reset = event("reset", 3, channel="", reason="broker")
    box, now = outbox(left, said, reset), 10
    tried: list[Sequence[QueuedEvent]] = []
    while reset not in (batch := box.next(now)):
        now += 500
        if batch:
            tried.append(batch)
            box.failed(batch, now)
    assert tried == [[left, said]] * WAIT_ATTEMPTS
    assert box.delivered(batch) == [left]
    assert sent(box, now + DELAY_MS_MAX) == [said]
    assert box.is_empty


def test_leaves_that_a_reset_cannot_say_are_sent_after_it_with_the_joins_before_them() -> None:
    came, left = event("member_joined", 1, user="ann"), event("member_left", 2, user="ann")
    stays, back = event("member_joined", 3, user="bob"), event("member_joined", 4_000, user="ann")
    reset = event("reset", 4_001, channel="", reason="started")
    box, now = outbox(came, left, stays, back, reset), 10_000
    while (batch := box.next(now)) != [reset]:
        now += 500
        if batch:
            box.failed(batch, now)
    said = box.delivered(batch, untold=lambda one: one.kind == "member_left")
    # The last join may have had a leave that was lost.
    assert said == [stays, back]
    assert sent(box, now + DELAY_MS_MAX) == [came, left]
    assert box.is_empty


def test_a_reset_that_fails_too_lets_others_be_tried_in_turn() -> None:
    said, reset = event("client_event", 1), event("reset", 2, channel="", reason="broker")
    box, now, tried = outbox(said, reset), 10, []
    while len(tried) < WAIT_ATTEMPTS + 4:
        now += DELAY_MS_MAX
        batch = box.next(now)
        tried.append(batch[0])
        box.failed(batch, now)
    assert tried[WAIT_ATTEMPTS:] == [reset, said, reset, said]


def test_a_reset_for_an_overflow_stands_for_all_that_waited_in_its_queue() -> None:
    lost = [event("client_event", 1), event("reset", 2, channel="", reason="broker")]
    other = event("client_event", 3, channel="other", queue="other")
    reset = event("reset", 4, channel="", reason="overflow")
    box = outbox(*lost, other)
    box.take([reset])
    assert sent(box, 10) == [other, reset]
    assert box.is_empty
