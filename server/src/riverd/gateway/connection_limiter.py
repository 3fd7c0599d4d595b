"""Limits connections: in all, by address, without a token, and while closing."""

from collections.abc import Hashable
from enum import Enum
from typing import Generic, Protocol, TypeVar, cast

import msgspec

from riverd.http.limits import CLOSING_MAX

WINDOW_S = 10.0
"""New connections of an address are counted for so long."""


class Droppable(Hashable, Protocol):
    """A socket that may be dropped."""

    def drop(self) -> None:
        """Drop it at once."""
        ...


class Limited(Droppable, Protocol):
    """A connection, as far as it takes up room."""

    @property
    def address(self) -> str | None:
        """Whom it is counted for; None if no limit of an address applies to it."""
        ...


T = TypeVar("T", bound=Limited)


class ConnectionLimits(msgspec.Struct, frozen=True):
    """How many there may be, in all and of one address."""

    connections_max: int
    unauthenticated_max: int
    address_connections_max: int
    address_unauthenticated_max: int
    address_rate: float
    """New connections a second, counted over `WINDOW_S`."""
    guests_max: int = 10_000
    """Connections that listen without a token."""


class Full(Enum):
    """Which limit has no room for one more."""

    CONNECTIONS = "connections"
    ADDRESS_CONNECTIONS = "address_connections"
    ADDRESS_RATE = "address_rate"

    @property
    def is_of_address(self) -> bool:
        """Whether others still find room."""
        return self is not Full.CONNECTIONS


class ConnectionLimiter(Generic[T]):
    """Counts connections, and says who has to go. The caller closes them.

    Honest clients send a token at once. So the oldest without one makes room for newcomers, and
    who fills the room with silent ones keeps none out.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.connections: set[T] = set()
        self.closing: dict[Droppable, None] = {}
        """Sockets that are not gone yet, the oldest first."""
        self.strangers: dict[T, None] = {}
        """Those without a token, the oldest first."""
        self.guests: set[T] = set()
        """Those that listen without a token: no newcomer takes their room."""
        self._by_address: dict[str, int] = {}
        self._strangers_by_address: dict[str, dict[T, None]] = {}
        self._new_by_address: dict[str, int] = {}
        self._window_since = 0.0

    def add(self, one: T, *, now: float, awaits_token: bool = True) -> None:
        """There is one more, without a token so far; whether it is soon expected to send one."""
        self.connections.add(one)
        self.strangers[one] = None
        address = one.address
        if address is not None:
            if now - self._window_since >= WINDOW_S:
                self._window_since, self._new_by_address = now, {}
            self._new_by_address[address] = self._new_by_address.get(address, 0) + 1
            self._by_address[address] = self._by_address.get(address, 0) + 1
            if awaits_token:
                self._strangers_by_address.setdefault(address, {})[one] = None

    def take_guest(self, one: T) -> bool:
        """It listens without a token from now on. False if there are too many that do."""
        if one in self.guests:
            return True
        if len(self.guests) >= self.limits.guests_max:
            return False
        self.identify(one)
        self.guests.add(one)
        return True

    def identify(self, one: T) -> None:
        """It has sent its token."""
        self.guests.discard(one)
        if one in self.strangers:
            del self.strangers[one]
            self._forget_stranger(one)

    def close(self, one: T) -> bool:
        """It is sent nothing more, but its socket is there. False if that was known."""
        if one not in self.connections:
            return False
        self.connections.discard(one)
        if one in self.strangers or one in self.guests:
            self.identify(one)
        address = one.address
        if address is not None:
            left = self._by_address[address] - 1
            if left:
                self._by_address[address] = left
            else:
                del self._by_address[address]
        self.closing[one] = None
        return True

    def count_of(self, address: str) -> int:
        """How many connections an address has."""
        return self._by_address.get(address, 0)

    def obstacle(self, address: str | None, *, now: float) -> Full | None:
        """Why there is no room for one more of an address, if so, and none can be made."""
        limits = self.limits
        if len(self.connections) >= limits.connections_max and not self.strangers:
            return Full.CONNECTIONS
        if address is None:
            return None
        if (
            self.count_of(address) >= limits.address_connections_max
            and address not in self._strangers_by_address
        ):
            return Full.ADDRESS_CONNECTIONS
        is_current = now - self._window_since < WINDOW_S
        new = self._new_by_address.get(address, 0) if is_current else 0
        return Full.ADDRESS_RATE if new >= limits.address_rate * WINDOW_S else None

    def surplus(self, newest: T) -> T | None:
        """Who has to make room since this one came: the oldest without a token, if anybody."""
        limits, address = self.limits, newest.address
        if address is not None:
            strangers = self._strangers_by_address.get(address, {})
            if strangers and (
                len(strangers) > limits.address_unauthenticated_max
                or self.count_of(address) > limits.address_connections_max
            ):
                return next(iter(strangers))
        if self.strangers and (
            len(self.strangers) > limits.unauthenticated_max
            or len(self.connections) > limits.connections_max
        ):
            return next(iter(self.strangers))
        return None

    def surplus_closing(self) -> Droppable | None:
        """The socket that has been closing for the longest time, if there are too many."""
        closing = len(self.closing)
        # There are no more connections than there may be: the others may close in peace.
        if closing <= CLOSING_MAX:
            return None
        if closing + len(self.connections) > self.limits.connections_max + CLOSING_MAX:
            return next(iter(self.closing))
        return None

    def _forget_stranger(self, one: T) -> None:
        strangers = self._strangers_by_address.get(one.address or "")
        if strangers is not None:
            strangers.pop(one, None)
            if not strangers:
                del self._strangers_by_address[cast("str", one.address)]
