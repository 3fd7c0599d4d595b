"""Which channels a client may subscribe to and publish to."""

from typing import cast

import msgspec

from riverd.channels.globs import Globs
from riverd.channels.names import PRIVATE


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


def may_subscribe(grants: Grants, name: str) -> bool:
    """Whether a client with these grants may subscribe to the channel (contract, "Tokens")."""
    if name in grants.channels:
        return True
    if grants.subscribe is None:
        return not name.startswith(PRIVATE)
    # A name is a glob that fits itself: who is granted names needs no more.
    return name in grants.subscribe or grants.subscribe_globs.match(name)


def may_publish(grants: Grants, name: str) -> bool:
    """Whether a client with these grants may publish to the channel."""
    return name in grants.publish or grants.publish_globs.match(name)
