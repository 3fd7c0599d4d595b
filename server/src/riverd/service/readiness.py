"""Whether a process can serve, and why not."""

from enum import Enum


class Readiness(Enum):
    """How ready a process is, with the word that `/readyz` answers."""

    READY = "ready"
    STARTING = "the broker was not asked yet"
    BROKER_AWAY = "the broker is away"
    DRAINING = "draining"
    STOPPING = "stopping"


class ReadinessState:
    """The owner of a process's readiness: all changes are made here.

    A process that stops says so whatever its broker does, and one that drains unless it stops:

                  broker answers / fails    drain       stop
        STARTING  READY / BROKER_AWAY       DRAINING    STOPPING
        DRAINING  -                         -           STOPPING
        STOPPING  -                         -           -
    """

    def __init__(self) -> None:
        self._broker = Readiness.STARTING
        self._draining = False
        self._stopping = False

    @property
    def current(self) -> Readiness:
        """What it is now."""
        if self._stopping:
            return Readiness.STOPPING
        return Readiness.DRAINING if self._draining else self._broker

    @property
    def draining(self) -> bool:
        """Whether a drain was begun, also if the process stops meanwhile."""
        return self._draining

    def unready(self) -> str | None:
        """Why the process cannot serve, or None."""
        current = self.current
        return None if current is Readiness.READY else current.value

    def set_broker(self, *, answers: bool) -> bool:
        """The broker answered, or did not. True if that is a change worth a log line."""
        before, self._broker = (
            self._broker,
            Readiness.READY if answers else Readiness.BROKER_AWAY,
        )
        if answers:
            return before is Readiness.BROKER_AWAY
        return before is not Readiness.BROKER_AWAY

    def drain(self) -> None:
        """The clients are moved elsewhere; the process is up until it is stopped."""
        self._draining = True

    def stop(self) -> None:
        """The process was asked to stop."""
        self._stopping = True
