"""One channel on this node: the replica of its log, and its subscribers."""

from riverd.channels.rules import ChannelPolicy
from riverd.core.audience import Audience
from riverd.core.batch import part_without
from riverd.core.channel_log import Log
from riverd.core.presence import PresenceReplica
from riverd.core.session import LIVE, LOST, Subscription
from riverd.core.window import trim_to_window
from riverd.model.log import Ephemeral, Publication, Roster, Tail
from riverd.protocols import ClientProtocol

Part = tuple[bytes, int]
"""Frames, and the offset that they bring a subscriber to."""


class Channel:
    """A channel on this node: the replica of its log, and its subscribers.

    The live ones, but for those who are lost, have been sent everything up to `sent` and, of the
    list of members, up to `sent_version`. `passing` are the ephemeral events that they are sent
    with the next flush, `passed` those that this one sent. No entry after `excluding` excludes a
    session. The log's entries count for no more than `bytes`.
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
            count += audience.size
        return count

    @property
    def has_live(self) -> bool:
        """Whether anybody is sent what is new with the next flush."""
        return any(audience.live for audience in self.audiences.values())

    def encode_changes(self) -> None:
        """Encode the joins and leaves that there are, for those who are sent them."""
        for audience in self.audiences.values():
            if audience.live and self.presence is not None:
                self.presence.changes.frames(audience.change, self.sent_version)

    def trim(self, bytes_max: int, *, now: float) -> int:
        """Drop what is outside of the window; what that counted for. After it was handed out."""
        policy, log = self.policy, self.log
        size, before = policy.history_size, now - policy.history_ttl_s
        is_over = self.bytes > bytes_max
        if policy.last_ttl_s or is_over:
            fit_to = bytes_max if is_over else None
            dropped = trim_to_window(log, policy, bytes_max=fit_to, now=now)
        else:
            dropped = log.trim(size=size, before=before)
        self.bytes -= dropped
        if self.presence is not None:
            self.presence.changes.trim(size=size, before=before)
        return dropped

    def audience(self, protocol: ClientProtocol) -> Audience:
        """The subscribers with a protocol."""
        found = self.audiences.get(protocol)
        if found is None:
            found = self.audiences[protocol] = Audience(self.name, protocol)
        return found

    def part(self, subscription: Subscription, bytes_max: int) -> Part:
        """The next frames for one with a cursor of its own, and how far they bring it."""
        encode = self.audiences[subscription.session.protocol].publication
        log, after = self.log, subscription.offset
        if after >= self.excluding:
            return log.part(encode, after, bytes_max=bytes_max)
        ids = subscription.session.ids()
        return part_without(log, encode, after=after, ids=ids, bytes_max=bytes_max)

    def cursor_of(self, subscription: Subscription) -> int:
        """Up to which offset a subscription that is not pending was sent the log."""
        audience = self.audiences[subscription.session.protocol]
        if audience.rounds and (owed_after := audience.owed_after(subscription)) is not None:
            return owed_after
        if subscription.state is not LIVE:
            return subscription.offset
        return LOST if audience.has_lost(subscription) else self.sent

    def is_owed(self, subscription: Subscription) -> bool:
        """Whether a subscription that is not pending waits for what others were written."""
        audience = self.audiences[subscription.session.protocol]
        return audience.owed_after(subscription) is not None

    def has_sent(self, offset: int, *, is_due: bool) -> bool:
        """Whether no live one is owed an entry that the log had; `is_due` if it has news."""
        if self.sent < offset:
            # Without news the log has begun again.
            return not is_due
        rounds = (one for audience in self.audiences.values() for one in audience.rounds)
        return all(one.after >= offset for one in rounds)

    def hold_back(self, subscription: Subscription) -> None:
        """Give a live one a cursor of its own, which says what it was sent."""
        audience = self.audiences[subscription.session.protocol]
        if not audience.end_lost(subscription):
            audience.add_behind(subscription)
            subscription.offset = self.sent
            subscription.version = self.sent_version

    def mute(self, subscription: Subscription) -> None:
        """Write no more to one that is not pending: its cursor says what it was sent."""
        audience = self.audiences[subscription.session.protocol]
        subscription.offset = self.cursor_of(subscription)
        audience.remove(subscription)
        audience.add_behind(subscription)


def excluding_in(tail: Tail) -> int:
    """The newest offset of a tail that excludes a session; 0 if none does."""
    return max((one.offset for one in tail.publications if one.exclude is not None), default=0)
