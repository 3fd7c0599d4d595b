"""Messages of clients who wait: for their token to be taken, or for their user's channel."""

from riverd.core.session import Session
from riverd.errors import Reason
from riverd.model.commands import Command

HELD_MAX = 200
HELD_BYTES_MAX = 131_072


class WaitingRoom:
    """By session, its commands in order. Others limit the time."""

    def __init__(self) -> None:
        self.held: dict[Session, list[Command]] = {}
        """Nobody else changes it."""
        self._bytes: dict[Session, int] = {}

    def admit(self, session: Session) -> None:
        """Its commands are to be held from now on."""
        self.held.setdefault(session, [])

    def hold(self, session: Session, command: Command, *, size: int) -> None:
        """Keep a command for later; a client that sends too many is closed."""
        commands = self.held.setdefault(session, [])
        commands.append(command)
        held = self._bytes[session] = self._bytes.get(session, 0) + size
        if len(commands) > HELD_MAX or held > HELD_BYTES_MAX:
            commands.clear()
            session.close(Reason.TOO_FAST, "too much before the token was taken")

    def drop(self, session: Session) -> None:
        """The session is over."""
        self.held.pop(session, None)
        self._bytes.pop(session, None)

    def take(self, session: Session) -> list[Command]:
        """Those of one session, which waits no more."""
        self._bytes.pop(session, None)
        return self.held.pop(session, [])
