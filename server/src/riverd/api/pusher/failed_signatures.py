"""Bounds how many requests with wrong signatures one address may send."""

import time
from collections import Counter
from collections.abc import Callable

from riverd.http.request import Request

WINDOW_S = 60.0
FAILURES_MAX = 60
"""Of one address, within `WINDOW_S`."""
ADDRESSES_MAX = 10_000
"""So many are counted; more than that in one window are not."""


class FailedSignatures:
    """Who guesses a signature, or has the wrong secret, is answered without looking at it.

    `address_of` gives whom a request is counted for, if for anybody: as for connections.
    """

    def __init__(
        self,
        address_of: Callable[[Request], str | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address_of = address_of
        self._clock = clock
        self._failures: Counter[str] = Counter()
        self._since = clock()

    def is_refused(self, request: Request) -> bool:
        """Whether this address has sent too many."""
        if not self._failures or self._clock() - self._since >= WINDOW_S:
            return False
        address = self._address_of(request)
        return address is not None and self._failures[address] >= FAILURES_MAX

    def count(self, request: Request) -> None:
        """One more was wrong."""
        now, address = self._clock(), self._address_of(request)
        if now - self._since >= WINDOW_S:
            self._failures.clear()
            self._since = now
        if address is not None and (
            address in self._failures or len(self._failures) < ADDRESSES_MAX
        ):
            self._failures[address] += 1
