"""What processes know of a broker's logs, as they say it when the broker has lost some of it."""

import math
from collections.abc import Sequence

import msgspec

from riverd.healing.shards import Shards
from riverd.model.log import Position, Publication


class Replica(msgspec.Struct, array_like=True, frozen=True):
    """A node's replica of a log, up to an offset.

    It had everything that the broker had `age_s` ago. `ages_s` says how long ago each of the
    publications was taken; `publications` have no hole and end at the offset.
    """

    channel: str
    epoch: str
    offset: int
    age_s: float
    publications: tuple[Publication, ...] = ()
    ages_s: tuple[float, ...] = ()


class Known(msgspec.Struct, array_like=True, frozen=True):
    """A position that the broker gave this process, and the publication if it has that still.

    `key` is the idempotency key that the broker accepted with it, `age_s` ago.
    """

    channel: str
    epoch: str
    offset: int
    publication: Publication | None = None
    key: str | None = None
    age_s: float = 0.0

    @property
    def was_accepted(self) -> bool:
        """Whether it was given for a message of this process; it may only have been read."""
        return self.publication is not None or self.key is not None


Held = tuple[Sequence[Replica], Sequence[Known]]
"""What a node has, and where former replicas of it stood."""


class Unanswered(msgspec.Struct, array_like=True, frozen=True):
    """A message of which nobody knows whether the broker took it; its offset is 0.

    If it was given an offset, then one after the position that its process knew of before.
    """

    channel: str
    key: str
    publication: Publication
    age_s: float
    after: Position


class Contribution(msgspec.Struct, array_like=True, frozen=True):
    """All that a process can give back, and who else would have to be asked.

    `known` has all that it was given in the last `remembers_s`. `members` are the processes that it
    knows, with the age of the last sign of life of each, and `looked_s` how long ago it looked.
    `has_outsiders`: some that publish are no members, and cannot be asked.
    """

    term: int
    remembers_s: float = math.inf
    looked_s: float = math.inf
    members: dict[str, float] = {}
    has_outsiders: bool = False
    is_member: bool = False
    replicas: tuple[Replica, ...] = ()
    known: tuple[Known, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    entered_s: float = -1.0
    """How long ago it entered its term; negative if it does not say."""
    shards: Shards = ()
    """Of its term, in a cluster."""
    least: int = 0
    """The number of the next term: it may have asked for one without having been in the last."""

    def is_of_term(self, age_s: float) -> bool:
        """Whether what the broker said so long ago was certainly said in the term."""
        return age_s < self.entered_s

    def is_older(self, age_s: float) -> bool:
        """Whether it was certainly said in an older one."""
        return age_s > self.entered_s >= 0


class DataLog(msgspec.Struct, array_like=True, frozen=True):
    """A log as the broker's data has it, in whatever history it was written.

    `mark` is the broker's own note of that history. A log that `goes_on` needs no healing: its
    server has lost nothing.
    """

    epoch: str
    offset: int
    publications: tuple[Publication, ...] = ()
    mark: str = ""
    goes_on: bool = False


class HealedLog(msgspec.Struct, array_like=True, frozen=True):
    """A log that goes on in its epoch: where it stands, its end, and the keys that it has seen.

    `ages_s` says how long ago each of the publications was published, about.
    Where it stood in the data when it was looked at: it is restored only if that is so still.
    """

    channel: str
    epoch: str
    offset: int
    publications: tuple[Publication, ...]
    ages_s: tuple[float, ...]
    keys: tuple[tuple[str, int], ...] = ()
    was_epoch: str = ""
    was_offset: int = 0
    was_mark: str = ""
