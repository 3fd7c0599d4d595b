"""What a node has of one channel, from its first subscriber until a while after its last."""

import asyncio

from riverd.core.hub import Channel
from riverd.core.presence import Presence
from riverd.core.session import Subscription
from riverd.model import Change, Member, Position, Publication, Subscribe
from riverd.node.reconcile import Wish

EARLY_MAX = 1000


class Seat:
    """One user in one presence channel, as far as this node's connections go."""

    __slots__ = ("member", "position", "subscriptions", "wish")

    def __init__(self, member: Member) -> None:
        self.member = member
        self.subscriptions: dict[Subscription, None] = {}
        self.position: Position | None = None
        """The version of the list from which on the user is in it, once the broker has said it."""
        self.wish: Wish | None = None

    def is_lost(self, presence: Presence) -> bool:
        """Whether the list has come to where the seat was taken, and is without the user."""
        place, version = self.position, presence.position
        return (
            place is not None
            and place.epoch == version.epoch
            and place.offset <= version.offset
            and not presence.has(self.member.user)
        )


class Settling:
    """A list of members that began again under another epoch, while the nodes take their seats."""

    __slots__ = ("epoch", "is_over")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.is_over = False


class Attachment:
    """The state between a channel's subscribers on this node and the broker.

    `channel` is there while the node has a replica. Until then subscribers wait, and what the
    feed brings waits too.
    """

    __slots__ = (
        "channel",
        "confirming",
        "early",
        "linger",
        "name",
        "repairing",
        "seats",
        "settling",
        "spoken_of",
        "stale",
        "unseen",
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
        self.spoken_of = Position("", 0)
        """The newest place that the feed spoke of before the log had it."""
        self.stale = False
        """Something came during a repair that it may not have seen."""
        self.settling: Settling | None = None
        self.unseen: dict[int, list[Subscription]] = {}
        """Those whose turn it is when the list of members is at a version."""
        self.confirming: dict[Subscription, None] = {}
        """Those that say they are ahead of this node: the next read decides."""

    @property
    def heard(self) -> bool:
        """Whether anybody on this node wants the channel."""
        return bool(self.waiting) or (self.channel is not None and self.channel.subscribers > 0)

    @property
    def is_behind(self) -> bool:
        """Whether the feed has spoken of more than the log has: a repair goes on until then."""
        if self.channel is None:
            return False
        log, spoken_of = self.channel.log, self.spoken_of
        return log.epoch == spoken_of.epoch and log.offset < spoken_of.offset

    def hear_of(self, epoch: str, publication: Publication) -> None:
        """Note a publication that the log cannot take yet."""
        # The feed is in order: another epoch than before is a newer one.
        if epoch != self.spoken_of.epoch or publication.offset > self.spoken_of.offset:
            self.spoken_of = Position(epoch, publication.offset)

    def keep_early(self, epoch: str, entry: Publication | Change) -> None:
        """Hold back what the feed brought before there is a replica to take it."""
        # What is dropped here is read again: `is_behind` says that there is more.
        if isinstance(entry, Publication):
            self.hear_of(epoch, entry)
        if len(self.early) < EARLY_MAX:
            self.early.append((epoch, entry))
