"""What a node has of one channel, from its first subscriber until a while after its last.

    state     | channel | desired            | subscribers | left by
    ----------+---------+--------------------+-------------+-----------------------------------
    attaching | None    | wanted, not so yet | waiting     | subscribed at the broker and read:
              |         |                    |             | attached. What the feed brings
              |         |                    |             | meanwhile is `early`
    attached  | set     | wanted, so         | in the hub, | last one left: idle
              |         |                    | or waiting  |
    idle      | set     | wanted, so         | none        | a subscriber: attached; its timer:
              |         |                    |             | detaching
    detaching | None    | not wanted         | none        | unsubscribed: forgotten; a
              |         |                    |             | subscriber: attaching after that

A subscriber waits for one of: the channel; its presence entry; the version of the list that has
its entry (`awaiting_version`); a read that shows whether it is ahead of the node (`confirming`).
"""

import asyncio
import math
from typing import Protocol

import msgspec

from riverd.core.channel import Channel
from riverd.core.presence import PresenceReplica
from riverd.core.session import Subscription
from riverd.model.log import NOWHERE, Change, Member, Position, Publication
from riverd.node.replicas.reconcile import DesiredState

EARLY_MAX = 1000


class TabStarts(Protocol):
    """Keeps from where on pages have their channels (see `Tabs`)."""

    def store_start(self, subscription: Subscription, position: Position) -> None:
        """Have the broker know a start; `Attachments.admit_started` follows."""
        ...

    def admitted(self, subscription: Subscription) -> None:
        """A subscription is live."""
        ...

    def ended(self, subscription: Subscription) -> None:
        """A subscription was ended."""
        ...


class Linger(msgspec.Struct, frozen=True):
    """How long a node keeps what its last connection has left."""

    channel_s: float = 5.0
    member_s: float = 0.0


USUAL_LINGER = Linger()


class PresenceEntry:
    """One user in one presence channel, as far as this node's connections go.

    `position` is the version of the list from which on the user is in it: None until the broker
    has answered, and while the entry is being removed.
    """

    __slots__ = (
        "desired",
        "generation",
        "is_outdated",
        "is_remade",
        "leave_timer",
        "member",
        "position",
        "subscriptions",
    )

    def __init__(self, member: Member) -> None:
        self.member = member
        self.subscriptions: dict[Subscription, None] = {}
        self.position: Position | None = None
        self.desired: DesiredState | None = None
        self.is_outdated = False
        """The user has come back as another member, before the broker removed the old one."""
        self.is_remade = False
        """It is being made again: see `Remaking`."""
        self.generation = 0
        """That of when it was asked for last: see `Remaking`."""
        self.leave_timer: asyncio.TimerHandle | None = None
        """Runs while the entry lingers."""

    @property
    def is_wanted(self) -> bool:
        """Whether the user is subscribed, or was until a moment ago."""
        return bool(self.subscriptions) or self.leave_timer is not None

    @property
    def members_max(self) -> int | None:
        """How many others there may be: no limit for a user that is subscribed, or was."""
        limit = 0
        for one in self.subscriptions:
            of_one = one.session.protocol.presence_max
            if one.request is None or of_one is None:
                return None
            limit = max(limit, of_one)
        return limit or None

    def is_made(self, generation: int, epoch: str) -> bool:
        """Whether the broker made it after a loss, in the list of an epoch or, if "", in any."""
        position = self.position
        is_there = position is not None and (not epoch or position.epoch == epoch)
        return is_there and self.generation == generation

    def stop_lingering(self) -> None:
        """A connection came back, or the time is over."""
        if self.leave_timer is not None:
            self.leave_timer.cancel()
            self.leave_timer = None

    def is_lost(self, presence: PresenceReplica) -> bool:
        """Whether the list has come to where the entry was made, and is without the user."""
        ours, version = self.position, presence.position
        return (
            ours is not None
            and ours.epoch == version.epoch
            and ours.offset <= version.offset
            and not presence.has(self.member.user)
        )


class Keeping:
    """Entries of a channel that are compared with its list, if they are due (again)."""

    __slots__ = ("epoch", "is_due")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.is_due = True


class Settling:
    """A list of members that began again, while the nodes make their entries in it."""

    __slots__ = ("epoch", "is_over")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.is_over = False


class Attachment:
    """The state between a channel's subscribers on this node and the broker: see the table."""

    __slots__ = (
        "announced",
        "announced_in",
        "awaiting_version",
        "channel",
        "confirmed_at",
        "confirming",
        "desired",
        "early",
        "keeping",
        "name",
        "presence_entries",
        "renounced",
        "repairing",
        "settling",
        "stale",
        "waiting",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.channel: Channel | None = None
        self.confirmed_at = -math.inf
        """The replica has all that the broker had then."""
        self.waiting: dict[Subscription, None] = {}
        self.early: list[tuple[str, Publication | Change]] = []
        self.presence_entries: dict[str, PresenceEntry] = {}
        self.desired: DesiredState | None = None
        self.renounced: str | None = None
        """An epoch under which a position was given twice."""
        self.repairing = False
        self.announced = NOWHERE
        """The newest position that the feed announced before the log had it."""
        self.announced_in = 0
        """The broker's term of that: in another one it may be lost."""
        self.stale = False
        """Something came during a repair that it may not have seen."""
        self.settling: Settling | None = None
        self.keeping: Keeping | None = None
        self.awaiting_version: dict[int, list[Subscription]] = {}
        """Those whose turn it is when the list of members is at a version."""
        self.confirming: dict[Subscription, None] = {}
        """Those that say they are ahead of this node: the next read decides."""

    @property
    def is_used(self) -> bool:
        """Whether anybody on this node is subscribed, or waits for it."""
        return bool(self.waiting) or (self.channel is not None and self.channel.subscribers > 0)

    def is_behind(self, term: int) -> bool:
        """Whether the feed has announced more than the log has: a repair goes on until then."""
        if self.channel is None or self.announced_in != term:
            return False
        log, announced = self.channel.log, self.announced
        return log.epoch == announced.epoch and log.offset < announced.offset

    @property
    def is_settling(self) -> bool:
        """Whether the list of members is not taken yet, because nodes make their entries in it."""
        return self.settling is not None and not self.settling.is_over

    def is_settling_in(self, epoch: str) -> bool:
        """The same of one list: what changes in it is seen when it is taken."""
        settling = self.settling
        return settling is not None and settling.epoch == epoch and not settling.is_over

    def has_settled(self, epoch: str) -> bool:
        """Whether the nodes had time to make their entries in a list that began again."""
        return self.settling is not None and self.settling.epoch == epoch and self.settling.is_over

    def note_announced(self, epoch: str, offset: int, *, term: int) -> None:
        """Note a position that the log has not come to yet."""
        # The feed is in order: another epoch than before is a newer one.
        is_newer = epoch != self.announced.epoch or offset > self.announced.offset
        if is_newer or term != self.announced_in:
            self.announced, self.announced_in = Position(epoch, offset), term

    def keep_early(self, epoch: str, entry: Publication | Change, *, term: int) -> None:
        """Hold back what the feed brought before there is a replica to take it."""
        # What is dropped here is read again: `is_behind` says that there is more.
        if isinstance(entry, Publication):
            self.note_announced(epoch, entry.offset, term=term)
        if len(self.early) < EARLY_MAX:
            self.early.append((epoch, entry))
