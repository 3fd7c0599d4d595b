"""Where a session's frames go."""

from collections.abc import Callable, Iterator
from typing import Protocol


class Sink(Protocol):
    """Where a session's frames go: the only owner of what writes them."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes ready frames; does nothing after the end. May block this session at once."""
        ...

    def write_parts(self, parts: Iterator[bytes]) -> None:
        """Takes the frames of one long message, each when the client can take it.

        Not while this session is blocked. What is written meanwhile follows.
        """
        ...

    def close(self, code: int, reason: str) -> None:
        """Close the connection after what was written."""
        ...

    def on_authenticated(self, *, renewed: bool) -> None:
        """The session's claims are others now, and so are its deadlines."""
        ...

    def take_guest(self) -> bool:
        """The session subscribes without a token. False if it is closed: there is no room."""
        ...


class _NoSink:
    """The sink of a session that is over: it holds no connection, and the session no cycle."""

    def write(self, frames: bytes) -> None:
        """Nothing is sent any more."""

    def write_parts(self, parts: Iterator[bytes]) -> None:
        """Nothing is sent any more."""

    def close(self, code: int, reason: str) -> None:
        """It is closed."""

    def on_authenticated(self, *, renewed: bool) -> None:
        """Nobody has deadlines any more."""

    def take_guest(self) -> bool:
        """Nobody comes any more."""
        return False


NO_SINK: Sink = _NoSink()
