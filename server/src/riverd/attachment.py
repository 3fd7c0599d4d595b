"""What a node has of one channel, from its first subscriber until a while after its last."""

import asyncio

from riverd.hub import Channel
from riverd.model import Change, Member, Position, Publication, Subscribe
from riverd.reconcile import Wish
from riverd.session import Subscription

EARLY_MAX = 1000


class Seat:
    """One user in one presence channel, as far as this node's connections go."""

    __slots__ = ("connections", "member", "position", "wish")

    def __init__(self, member: Member) -> None:
        self.member = member
        self.connections = 0
        self.position: Position | None = None
        """The version of the list from which on the user is in it, once the broker has said it."""
        self.wish: Wish | None = None


class Attachment:
    """The state between a channel's subscribers on this node and the broker.

    `channel` is there while the node has a replica. Until then subscribers wait, and what the
    feed brings waits too.
    """

    __slots__ = (
        "behind",
        "channel",
        "confirming",
        "early",
        "linger",
        "name",
        "repairing",
        "seats",
        "settling",
        "stale",
        "waiting",
        "wish",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.channel: Channel | None = None
        self.waiting: dict[Subscription, Subscribe] = {}
        self.early: list[tuple[str, Publication | Change]] = []
        self.seats: dict[str, Seat] = {}
        self.wish: Wish | None = None
        self.linger: asyncio.TimerHandle | None = None
        self.repairing = False
        self.behind = 0
        """The newest offset that the feed spoke of: a repair goes on until the log has it."""
        self.stale = False
        """Something came during a repair that it may not have seen."""
        self.settling: tuple[str, float] | None = None
        """The list of members began again under this epoch; until this time nodes take seats."""
        self.confirming: set[Subscription] = set()
        """Those that say they are ahead of this node: the next read decides."""

    @property
    def heard(self) -> bool:
        """Whether anybody on this node wants the channel."""
        return bool(self.waiting) or (self.channel is not None and self.channel.subscribers > 0)

    def keep_early(self, epoch: str, entry: Publication | Change) -> None:
        """Hold back what the feed brought before there is a replica to take it."""
        # What is dropped here is read again: `behind` says that there is more.
        if isinstance(entry, Publication):
            self.behind = max(self.behind, entry.offset)
        if len(self.early) < EARLY_MAX:
            self.early.append((epoch, entry))
