"""What a token says: who a client is, and what it may do."""

from typing import cast

import msgspec

from riverd.globs import Globs


class Grants(msgspec.Struct, frozen=True, dict=True):
    """Which channels a client may subscribe to and publish to (contract, "Tokens").

    Globs; `channels` are literal names. Without `subscribe`: every channel except private ones.
    """

    subscribe: tuple[str, ...] | None = None
    publish: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    # Compiled with the grants, not in a cache that all clients share: others cannot push it out.

    @property
    def subscribe_globs(self) -> Globs:
        """`subscribe`, ready to match names."""
        return self._kept("subscribing", self.subscribe or ())

    @property
    def publish_globs(self) -> Globs:
        """`publish`, ready to match names."""
        return self._kept("publishing", self.publish)

    def _kept(self, name: str, globs: tuple[str, ...]) -> Globs:
        # `cached_property` takes a lock for it.
        kept = cast("dict[str, Globs]", self.__dict__)
        if name not in kept:
            kept[name] = Globs(globs)
        return kept[name]


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
