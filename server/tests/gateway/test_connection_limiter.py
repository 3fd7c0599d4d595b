"""Who finds room, and who has to make it."""

import pytest

from riverd.gateway.connection_limiter import (
    WINDOW_S,
    ConnectionLimiter,
    ConnectionLimits,
    Full,
)
from riverd.http.limits import CLOSING_MAX


class One:
    """A connection that only takes up room."""

    def __init__(self, address: str | None) -> None:
        self.address = address

    def drop(self) -> None:
        """It has no socket."""


ROOMY = ConnectionLimits(1_000, 1_000, 1_000, 1_000, 1_000)


def crowd(
    limiter: ConnectionLimiter[One], count: int, address: str | None, *, known: bool = True
) -> list[One]:
    crowd = [One(address) for _ in range(count)]
    for one in crowd:
        limiter.add(one, now=1.0)
        if known:
            limiter.identify(one)
    return crowd


def limits(
    connections: int = 1_000,
    strangers: int = 1_000,
    address: int = 1_000,
    address_strangers: int = 1_000,
    rate: float = 1_000,
) -> ConnectionLimits:
    return ConnectionLimits(connections, strangers, address, address_strangers, rate)


def test_full_house_has_no_room_for_anybody() -> None:
    limiter: ConnectionLimiter[One] = ConnectionLimiter(limits(connections=3))
    crowd(limiter, 3, "a")
    assert limiter.obstacle("b", now=1.0) is Full.CONNECTIONS
    assert limiter.obstacle(None, now=1.0) is Full.CONNECTIONS


def test_address_that_is_full_leaves_room_for_others() -> None:
    limiter: ConnectionLimiter[One] = ConnectionLimiter(limits(address=3))
    first, *_ = crowd(limiter, 3, "a")
    assert limiter.obstacle("a", now=1.0) is Full.ADDRESS_CONNECTIONS
    assert limiter.obstacle("b", now=1.0) is None
    assert limiter.obstacle(None, now=1.0) is None
    limiter.close(first)
    assert limiter.obstacle("a", now=1.0) is None


@pytest.mark.parametrize("known", [True, False])
def test_connections_without_an_address_are_limited_by_no_address(known: bool) -> None:  # noqa: FBT001
    limiter: ConnectionLimiter[One] = ConnectionLimiter(
        limits(address=1, address_strangers=1, rate=0.1)
    )
    newest = crowd(limiter, 50, None, known=known)[-1]
    assert limiter.obstacle(None, now=1.0) is None
    assert limiter.surplus(newest) is None


def test_oldest_of_an_address_without_a_token_makes_room_for_its_newest() -> None:
    limiter: ConnectionLimiter[One] = ConnectionLimiter(limits(address_strangers=2))
    (other,) = crowd(limiter, 1, "b", known=False)
    first, *_, newest = crowd(limiter, 3, "a", known=False)
    assert limiter.surplus(newest) is first
    assert limiter.surplus(other) is None


def test_address_that_is_full_of_silent_ones_makes_room_among_them() -> None:
    limiter: ConnectionLimiter[One] = ConnectionLimiter(limits(address=3))
    (silent,) = crowd(limiter, 1, "a", known=False)
    crowd(limiter, 2, "a")
    assert limiter.obstacle("a", now=1.0) is None
    (newest,) = crowd(limiter, 1, "a", known=False)
    assert limiter.surplus(newest) is silent


def test_oldest_of_all_makes_room_where_there_are_too_many() -> None:
    limiter: ConnectionLimiter[One] = ConnectionLimiter(limits(strangers=2))
    (first,) = crowd(limiter, 1, None, known=False)
    *_, newest = crowd(limiter, 2, "a", known=False)
    assert limiter.surplus(newest) is first


def test_new_connections_of_an_address_are_counted_also_when_they_have_gone() -> None:
    limiter: ConnectionLimiter[One] = ConnectionLimiter(limits(rate=5 / WINDOW_S))
    for one in crowd(limiter, 5, "a"):
        limiter.close(one)
        limiter.closing.clear()
    assert limiter.obstacle("a", now=1.0) is Full.ADDRESS_RATE
    assert limiter.obstacle("b", now=1.0) is None
    assert limiter.obstacle("a", now=1.0 + WINDOW_S) is None


def test_nothing_is_kept_of_an_address_that_left() -> None:
    limiter: ConnectionLimiter[One] = ConnectionLimiter(ROOMY)
    for number in range(20):
        for known in (True, False):
            for one in crowd(limiter, 3, f"address-{number}", known=known):
                assert limiter.close(one)
                assert not limiter.close(one)
                limiter.closing.pop(one)
    limiter.add(One(None), now=99.0)
    limiter.add(One("last"), now=99.0)
    kept = {name: len(found) for name, found in vars(limiter).items() if hasattr(found, "__len__")}
    assert max(kept.values()) <= 2


def test_sockets_that_close_take_up_room() -> None:
    limiter: ConnectionLimiter[One] = ConnectionLimiter(limits(connections=10))
    (first, *_), staying = crowd(limiter, CLOSING_MAX, "a"), crowd(limiter, 10, "b")
    for one in list(limiter.connections - set(staying)):
        if one is not first:
            limiter.close(one)
    assert limiter.surplus_closing() is None
    oldest = next(iter(limiter.closing))
    limiter.close(first)
    limiter.closing[One(None)] = None
    assert limiter.surplus_closing() is oldest


def test_guests_are_no_strangers_and_have_a_limit_of_their_own() -> None:
    some = ConnectionLimits(1_000, 1, 1_000, 1_000, 1_000, guests_max=2)
    limiter: ConnectionLimiter[One] = ConnectionLimiter(some)
    first, second, third = crowd(limiter, 3, "a", known=False)
    assert [limiter.take_guest(one) for one in (first, first, second, third)] == [
        True,
        True,
        True,
        False,
    ]
    assert list(limiter.strangers) == [third]
    # Newcomers without a token do not push guests out.
    [newest] = crowd(limiter, 1, "b", known=False)
    assert limiter.surplus(newest) is third
    limiter.identify(first)
    assert limiter.take_guest(third)
    limiter.close(second)
    assert limiter.guests == {third}
