"""What a token says."""

import msgspec

from riverd.channels.grants import Grants


class Claims(msgspec.Struct, frozen=True):
    """What a valid token says: who the client is, until when (unix seconds), what it may do."""

    user: str
    expires_at: float | None = None
    grants: Grants = Grants()
    info: bytes | None = None
    leeway_s: float = 0
    issued_at: float | None = None
    join: tuple[str, ...] = ()
    """The channels that the server subscribes it to."""
    watches: tuple[str, ...] = ()
    """The users of whom it wants to know whether they are connected."""

    @property
    def ends_at(self) -> float | None:
        """When a connection with this token ends: clocks may differ by the leeway."""
        return None if self.expires_at is None else self.expires_at + self.leeway_s
