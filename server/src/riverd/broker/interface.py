"""The promises of a broker: an ordered log a channel, a live feed of it, members, counts."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from riverd.broker.control import BrokerControl
from riverd.broker.counts import BrokerCounts
from riverd.broker.tabs import BrokerTabs
from riverd.broker.webhooks import WebhookQueues, WebhookWriter
from riverd.errors import RiverError
from riverd.healing.offers import Held
from riverd.model.log import (
    Change,
    Ephemeral,
    Member,
    Message,
    Occupancy,
    Position,
    Publication,
    Receipt,
    Roster,
    Tail,
)
from riverd.model.orders import Order, Question

EVICTION_CURE = "a full one drops logs: set maxmemory-policy noeviction"
REMAKING_S = 5.0
"""How long it counts that a node makes its presence entries again."""
RULES_S = 30.0
"""How long a registered digest of channel rules counts."""


class Feed(Protocol):
    """What a node is notified of. Calls come one after another, never during one another."""

    def on_publication(self, channel: str, epoch: str, publication: Publication) -> None:
        """A subscribed channel has a new publication. The broker may lose some of these calls."""
        ...

    def on_ephemeral(self, channel: str, epoch: str, *, event: Ephemeral) -> None:
        """A subscribed channel has an event that its log does not keep."""
        ...

    def on_change(self, channel: str, epoch: str, change: Change) -> None:
        """A subscribed channel's members changed. The broker may lose some of these calls."""
        ...

    def on_order(self, order: Order) -> None:
        """An order of River 0.1.0, which had no log of them."""
        ...

    def on_question(self, question: Question) -> None:
        """All nodes are asked something."""
        ...

    def on_interrupted(self) -> None:
        """Calls may have been lost until now: positions have to be compared."""
        ...

    def on_presence_lost(self) -> None:
        """The broker has dropped this node's members and counts: they have to be reported again."""
        ...

    def on_counts_wanted(self) -> None:
        """Webhooks ask for something else now: what they may count has to be counted again."""
        ...

    def on_recounted(self, channel: str) -> None:
        """A subscribed channel's count of subscribers was reported anew by a node."""
        ...

    def on_users_recounted(self, users: Sequence[str]) -> None:
        """A node has reported how many connections these users have on it."""
        ...

    async def held(self) -> Held:
        """What this node has of the logs: the broker has lost some of it."""
        ...


class Broker(Protocol):
    """A log a channel, its live feed, its members, and its number of subscribers.

    Every method raises `BrokerError` when the broker is away. For `publish` nothing was accepted
    then, for certain; `OutcomeUnknownError` says that it may have been, or may be later: the same
    message with the same key settles it.
    """

    @property
    def term(self) -> int:
        """Another number when the broker's data has another history: nothing spans two."""
        ...

    @property
    def control(self) -> BrokerControl:
        """Orders to all nodes."""
        ...

    @property
    def tabs(self) -> BrokerTabs:
        """Pages whose clients keep no positions."""
        ...

    @property
    def counts(self) -> BrokerCounts:
        """Counts that clients are shown."""
        ...

    @property
    def webhooks(self) -> WebhookWriter:
        """Events for webhooks, written with the changes that they are about."""
        ...

    @property
    def webhook_queues(self) -> WebhookQueues:
        """What waits for webhooks."""
        ...

    async def publish(self, message: Message) -> Receipt:
        """Append to the channel's log and announce it to all nodes that subscribed it.

        Atomic: offsets of one channel are given without holes, and a node that reads the log
        after it was notified finds the publication. A message whose key the channel has seen is not
        appended again: what the first one was answered with is given back. One that is not kept
        is announced only, after the position that the log has.
        """
        ...

    async def publish_many(self, messages: Sequence[Message]) -> list[Receipt | RiverError]:
        """Publish in order; each message has a result of its own."""
        ...

    async def read(
        self,
        channel: str,
        *,
        after: Position | None = None,
        limit: int | None = None,
        keep: bool = False,
    ) -> Tail:
        """The log's position and its last publications, oldest first.

        Those after a position when one is given, from its side of the window on; otherwise the
        last `limit`. Position and publications are of one moment.

        A channel without a log has the epoch "", and reading writes nothing. Who has a replica
        reads with `keep`: then the channel gets a log, and the epoch that is returned is kept for
        two minutes, and for as long as its position is asked for. With `keep`, `after` is a
        position that the broker gave: a log that stands before it in the same epoch is an older
        one, and begins again.

        Raises:
            RiverError: unrecoverable, when publications after `after` are no longer had or its
                epoch is another.
        """
        ...

    async def renounce(self, channel: str, epoch: str) -> None:
        """A position of this epoch was given twice: the log begins again, if it still has it."""
        ...

    async def positions(self, channels: Sequence[str]) -> list[tuple[Position, Position | None]]:
        """Where the logs and the lists of members stand now, in the order of `channels`."""
        ...

    async def attach(self, feed: Feed) -> None:
        """Become a node: `feed` gets what is subscribed from now on. Once a broker object."""
        ...

    async def subscribe(self, channel: str) -> None:
        """Notify the feed of everything that happens in the channel after this returned."""
        ...

    async def unsubscribe(self, channel: str) -> None:
        """Stop notifying the feed of the channel."""
        ...

    async def join(self, channel: str, member: Member, *, limit: int | None = None) -> Position:
        """This node has its first connection of the user in the channel.

        Atomic; announced to all nodes if the user was not there. Gives the version of the list
        that has the user. Joining again changes nothing.

        Raises:
            RiverError: too_many_members: the user is not there, and `limit` others are.
        """
        ...

    async def leave(self, channel: str, user: str) -> None:
        """This node's last connection of the user left. Announced if it was the last of all."""
        ...

    async def members(
        self, channel: str, *, limit: int | None = None, keep: bool = False
    ) -> Roster:
        """The members and the version of the list.

        With a `limit` at most so many of them, at a cost that follows the limit and not the list;
        `count` says how many there are. `keep` is as for `read`.
        """
        ...

    async def remaking(self, *, here: bool) -> bool:
        """Note whether this node makes its presence entries again; whether any other one does.

        The note counts for `REMAKING_S`. A node whose entries were lost says when it is over: what
        it had under a former name is removed then.
        """
        ...

    async def report(self, subscribers: Mapping[str, int]) -> None:
        """How many connections of this node are subscribed to each channel now; 0 for none."""
        ...

    async def occupied(self, prefix: str, *, limit: int | None = None) -> dict[str, Occupancy]:
        """The channels with this prefix that have subscribers, on all nodes.

        With a `limit` the first so many in the order of their names, without River's own.
        """
        ...

    async def occupancy(self, channel: str) -> Occupancy:
        """How many subscribers this channel has, on all nodes."""
        ...

    async def compare_rules(self, process: str, digest: str) -> Mapping[str, str]:
        """Register a process' digest of the channel rules for `RULES_S`; give those of all.

        Every process has to have the same rules: each finds out here whether it is so.
        """
        ...

    async def ping(self) -> str:
        """Returns if the broker answers and takes writes.

        Gives the name of the policy by which it drops logs when it is full; "" if it refuses
        writes instead, as River needs it.
        """
        ...

    async def close(self) -> None:
        """Close connections and end tasks; this node's members and counts are removed."""
        ...
