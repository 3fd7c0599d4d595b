"""One channel on this node: the replica of its log, and its subscribers."""

from riverd.channel_rules import ChannelPolicy
from riverd.core.audience import Audience
from riverd.core.channel_log import Log
from riverd.core.presence import PresenceReplica
from riverd.core.session import Subscription
from riverd.model import Ephemeral, Publication, Roster, SubscriberCount, Tail
from riverd.protocols import ClientProtocol


class Channel:
    """A channel on this node: the replica of its log, and its subscribers.

    The live ones have been sent everything up to `sent` and, of the list of members, up to
    `sent_version`. `passing` are the ephemeral events that they are sent with the next flush,
    `passed` those that this one sent. No entry after `excluding` excludes a session. The log's
    entries count for no more than `bytes`.
    """

    __slots__ = (
        "audiences",
        "bytes",
        "excluding",
        "log",
        "name",
        "passed",
        "passing",
        "policy",
        "presence",
        "sent",
        "sent_version",
    )

    def __init__(
        self, name: str, tail: Tail, *, policy: ChannelPolicy, roster: Roster | None, now: float
    ) -> None:
        self.name = name
        self.policy = policy
        self.log: Log[Publication] = Log(tail.position, tail.publications, now=now)
        self.excluding = excluding_in(tail)
        self.bytes = self.log.size
        self.passing: list[Ephemeral] = []
        self.passed: list[Ephemeral] = []
        self.presence = None if roster is None else PresenceReplica(roster)
        self.audiences: dict[ClientProtocol, Audience] = {}
        self.sent = self.log.offset
        self.sent_version = self.version

    @property
    def version(self) -> int:
        """The version of the list of members; 0 where there is none."""
        return 0 if self.presence is None else self.presence.position.offset

    @property
    def subscribers(self) -> int:
        """How many sessions are subscribed."""
        count = 0
        for audience in self.audiences.values():
            count += len(audience.live) + len(audience.behind)
        return count

    @property
    def has_live(self) -> bool:
        """Whether anybody is sent what is new with the next flush."""
        return any(audience.live for audience in self.audiences.values())

    def send_count(self, count: int) -> None:
        """Send the live ones how many subscribers there are, where their protocol says that."""
        reply = SubscriberCount(self.name, count)
        for protocol, audience in self.audiences.items():
            if protocol.shows_counts and audience.live:
                audience.write(protocol.encode(reply))

    def audience(self, protocol: ClientProtocol) -> Audience:
        """The subscribers with a protocol."""
        found = self.audiences.get(protocol)
        if found is None:
            found = self.audiences[protocol] = Audience(self.name, protocol)
        return found

    def cursor_of(self, subscription: Subscription) -> int:
        """Up to which offset a subscription that is not pending was sent the log."""
        return self.sent if subscription.is_live else subscription.offset


def excluding_in(tail: Tail) -> int:
    """The newest offset of a tail that excludes a session; 0 if none does."""
    return max((one.offset for one in tail.publications if one.exclude is not None), default=0)
