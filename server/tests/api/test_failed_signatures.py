"""How many requests with wrong signatures an address may send."""

import pytest

from riverd.api.pusher import failed_signatures
from riverd.api.pusher.failed_signatures import FAILURES_MAX, WINDOW_S, FailedSignatures
from riverd.http.request import Request


class Minute:
    """A clock that stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def request_of(peer: str) -> Request:
    return Request("POST", "/apps/1/events", "", {}, peer=peer)


def counted(clock: Minute) -> FailedSignatures:
    return FailedSignatures(lambda request: request.peer or None, clock=clock)


def test_an_address_with_too_many_is_refused_for_the_rest_of_the_minute_and_no_other() -> None:
    clock = Minute()
    failures = counted(clock)
    guesser, other = request_of("192.0.2.1"), request_of("192.0.2.2")
    for _ in range(FAILURES_MAX):
        assert not failures.is_refused(guesser)
        failures.count(guesser)
    assert failures.is_refused(guesser)
    assert not failures.is_refused(other)
    clock.now += WINDOW_S
    assert not failures.is_refused(guesser)
    failures.count(guesser)
    assert not failures.is_refused(guesser)


def test_whoever_has_no_address_of_its_own_is_not_limited() -> None:
    failures = counted(Minute())
    for _ in range(2 * FAILURES_MAX):
        failures.count(request_of(""))
    assert not failures.is_refused(request_of(""))


def test_no_more_addresses_are_kept_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_signatures, "ADDRESSES_MAX", 10)
    failures = counted(Minute())
    for number in range(100):
        failures.count(request_of(f"192.0.2.{number}"))
    assert len(failures._failures) == 10
