"""What every dialect can do."""

from collections.abc import Callable
from typing import Protocol

from riverd.model import Change, Command, Publication, Reply


class Dialect(Protocol):
    """A codec without state: message bytes to commands, replies and entries to ready frames."""

    def decode(self, payload: bytes) -> Command:
        """The command in a whole text message (valid UTF-8).

        Raises:
            DecodeError: for everything that is not one.
        """
        ...

    def reply(self, reply: Reply) -> bytes:
        """A reply as a frame."""
        ...

    def publications(self, channel: str) -> Callable[[Publication], bytes]:
        """What makes frames of a channel's publications."""
        ...

    def changes(self, channel: str) -> Callable[[Change], bytes]:
        """What makes frames of a channel's joins and leaves."""
        ...
