"""What the fault table counts as doubled, and when: without a cluster."""

import time

from doubles import delivered_twice, stored_twice
from library_witness import NumberBook
from webhook_witness import COMES, WebhookWitness
from witness import Witness


def joined(number: int) -> dict[str, object]:
    return {"id": str(number), "type": COMES, "channel": "presence-hooked", "user": "user"}


def reset(number: int) -> dict[str, object]:
    channel = {"channel": "presence-hooked", "members": ["user"]}
    return {"id": str(number), "type": "reset", "state": {"channels": [channel]}}


def test_receiver_that_was_sent_no_reset_yet_after_a_list_began_again_is_not_right() -> None:
    receiver = WebhookWitness("presence-hooked", lambda: (set(), 0))
    for number in range(2):
        receiver.count_event(joined(number))
    (wrong,) = receiver.mistakes({"user"})
    assert "without a reset" in wrong
    receiver.count_event(reset(2))
    assert receiver.mistakes({"user"}) == []


def said(number: int, *, as_id: int) -> dict[str, object]:
    return {"id": f"n{as_id}", "type": "client_event", "channel": "presence-hooked", "data": number}


def test_numbers_of_a_client_come_once_and_in_order_or_a_reset_forgives_them() -> None:
    accepted: set[int] = {1, 2, 3, 5}
    receiver = WebhookWitness("presence-hooked", lambda: (accepted, 5))
    for number in (1, 3, 2, 2):
        receiver.count_event(said(number, as_id=number))
    # The same id again is no second event; the one that nobody accepted may come at any time.
    receiver.count_event(said(4, as_id=4))
    assert receiver.missing() == [5]
    assert receiver.wrong_numbers() == (0, 1)
    receiver.count_event(said(1, as_id=9))
    assert receiver.wrong_numbers() == (1, 2)
    assert receiver.mistakes(set()) == ["5 was accepted, and did not come"]
    receiver.forgive()
    assert receiver.wrong_numbers() == (0, 0)
    accepted.add(6)
    assert receiver.missing() == [6]
    receiver.count_event({**reset(7), "state": {"channels": []}})
    assert receiver.missing() == [6]
    receiver = WebhookWitness("presence-hooked", lambda: (accepted, 6))
    receiver.count_event({**reset(7), "state": {"channels": []}})
    assert receiver.missing() == []


def test_number_at_two_positions_of_an_epoch_is_found_with_both() -> None:
    contents = {"chaos-1": {("a", 1): 7, ("a", 2): 8, ("a", 3): 7, ("b", 1): 7}}
    (found,) = stored_twice(contents)
    assert (found.number, found.offsets) == (7, (1, 3))
    assert "7 stands at 1 (0 saw it); 3 (0 saw it)" in found.seen_by([]).what


def test_event_that_came_again_is_named_with_its_client_and_channel() -> None:
    one = Witness("ws://127.0.0.1:1/ws", "user-4", ["chaos-1"], {"chaos-1": {}})
    book = one.books["chaos-1"]
    for _ in range(2):
        book.event({"offset": 1, "data": 0}, one.contents["chaos-1"])
    (found,) = delivered_twice([one])
    assert found.count == 1
    assert "user-4: chaos-1" in found.what


def test_client_that_is_wrong_about_members_says_about_whom() -> None:
    one = Witness("ws://127.0.0.1:1/ws", "user-1", ["crowd"], {"crowd": {}})
    one.present, one.members = 2, {"user-1", "user-2"}
    place = one.books["crowd"].place
    assert one.mistake_about({"user-1", "user-2"}, place, "crowd") == ""
    mistake = one.mistake_about({"user-1", "user-3", "user-4"}, place, "crowd")
    assert "2 of 3" in mistake
    assert "without user-3, without user-4, with user-2" in mistake


def test_client_that_is_not_served_says_for_how_long_and_why() -> None:
    one = Witness("ws://127.0.0.1:1/ws", "user-1", ["crowd"], {"crowd": {}})
    one.received_at = time.monotonic()
    assert one.silence() == ""
    one.received_at, one.ended_by = time.monotonic() - 60, "bye unavailable"
    assert one.silence() == "Witness user-1 was sent nothing for 60 s, ended by bye unavailable"


def test_client_without_positions_is_judged_by_numbers() -> None:
    book = NumberBook()
    for number in (7, 8, 8, 10):
        book.take(number)
    assert (book.holes, book.duplicated, book.offset) == (1, 1, 10)
    book.forgive()
    # A page of Pusher's that comes back may be sent the last ones again, and then goes on.
    book.may_repeat = True
    for number in (9, 10, 11):
        book.take(number)
    assert (book.holes, book.duplicated, book.told) == (0, 0, 0)
    assert book.is_at((None, 0), 11)
    assert not book.is_at((None, 0), 12)
    book.lose()
    assert book.is_at((None, 0), 12)
    book.take(40)
    assert (book.holes, book.told) == (0, 1)
