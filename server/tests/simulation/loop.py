"""An event loop whose time passes at once: waiting costs nothing and nothing comes from outside."""

import asyncio
import math
import selectors

TURNS_MAX = 20_000


class Stuck(Exception):  # noqa: N818  it is what happened
    """Nothing will ever happen any more, or the same happens for ever at one moment."""


class _Clock(selectors.SelectSelector):
    """Where a real loop would wait for sockets, this one lets its time pass."""

    def __init__(self, step_s: float) -> None:
        super().__init__()
        self.now_s = 0.0
        self.turns = 0
        self._step_s = step_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nobody waits for a time, and nothing else can come")
        if timeout > 0:
            steps = math.ceil((self.now_s + timeout) / self._step_s)
            self.now_s = max(self.now_s + timeout, steps * self._step_s)
            self.turns = 0
        self.turns += 1
        if self.turns > TURNS_MAX:
            raise Stuck("the loop turns and turns, and no time passes")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time. Its order of events depends on what is scheduled and nothing else.

    Time passes in steps: as in a busy process, much happens in one turn.
    """

    def __init__(self, *, step_s: float) -> None:
        self._clock = _Clock(step_s)
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now_s

    def patience_begins(self) -> None:
        """Let it turn as often again as it may at one moment."""
        self._clock.turns = 0
