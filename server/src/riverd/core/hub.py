"""Which sessions of this node hear which channel, and what they have yet to be told."""

from collections.abc import Callable
from typing import cast

from riverd.core.channel_log import Log
from riverd.core.presence import LISTED_MAX, Presence
from riverd.core.session import Session, Subscription
from riverd.model import Change, Gap, Members, Publication, Roster, Tail
from riverd.protocols import Dialect

NEVER = -1
"""The cursor of one that has to be told that what came before cannot be had."""


class Audience:
    """The sessions of one dialect in one channel, and what makes frames for them.

    Those in `live` have been told everything up to the channel's `told`; those `behind` have
    cursors of their own.
    """

    __slots__ = ("behind", "change", "live", "publication")

    def __init__(self, channel: str, dialect: Dialect) -> None:
        self.publication = dialect.publications(channel)
        self.change = dialect.changes(channel)
        # With the function that writes to each: the flush is a loop over these and nothing else.
        self.live: dict[Subscription, Callable[[bytes], None]] = {}
        self.behind: set[Subscription] = set()


class Channel:
    """A channel on this node: the replica of its log, and who hears it.

    `told` and `told_version` are the places up to which the live ones have been told.
    """

    __slots__ = ("audiences", "log", "name", "presence", "told", "told_version")

    def __init__(self, name: str, tail: Tail, *, roster: Roster | None, now: float) -> None:
        self.name = name
        self.log: Log[Publication] = Log(tail.position, tail.publications, now=now)
        self.presence = None if roster is None else Presence(roster)
        self.audiences: dict[Dialect, Audience] = {}
        self.told = self.log.offset
        self.told_version = 0 if self.presence is None else self.presence.position.offset

    @property
    def subscribers(self) -> int:
        """How many sessions hear the channel."""
        return sum(
            len(audience.live) + len(audience.behind) for audience in self.audiences.values()
        )

    def audience(self, dialect: Dialect) -> Audience:
        """The sessions of a dialect."""
        found = self.audiences.get(dialect)
        if found is None:
            found = self.audiences[dialect] = Audience(self.name, dialect)
        return found


class Hub:
    """All channels of this node.

    The caller calls `flush` once after a turn in which something was appended or a session became
    able to take more, and again while it says that there is more to do.
    """

    def __init__(self, *, history_size: int, history_ttl_s: float, part_bytes_max: int) -> None:
        self.channels: dict[str, Channel] = {}
        self.deliveries = 0
        self.told_of_changes = 0
        """How many live sessions the last flush told of joins and leaves."""
        self.gaps = 0
        self.recounted: dict[str, None] = {}
        """The channels that more or fewer sessions hear than before; the caller empties it."""
        self.history_size = history_size
        self._history_ttl_s = history_ttl_s
        self._part_bytes_max = part_bytes_max
        self._dirty: dict[Channel, None] = {}
        self._eager: dict[Subscription, None] = {}

    def open(self, name: str, tail: Tail, *, roster: Roster | None, now: float) -> Channel:
        """Begin the replica of a channel with what was read from the broker."""
        channel = self.channels[name] = Channel(name, tail, roster=roster, now=now)
        return channel

    def close(self, name: str) -> None:
        """Let go of a channel that nobody hears any more."""
        channel = self.channels.pop(name)
        self._dirty.pop(channel, None)

    def append(self, channel: Channel, publication: Publication, *, now: float) -> bool:
        """Deliver one publication. False if one before it is missing."""
        if not channel.log.append(publication, now):
            return False
        self._dirty[channel] = None
        return True

    def change(self, channel: Channel, change: Change, *, now: float) -> bool:
        """Deliver one join or leave. False if one before it is missing."""
        presence = channel.presence
        if presence is None or not presence.apply(change, now):
            return False
        self._dirty[channel] = None
        return True

    def restart(self, channel: Channel, tail: Tail, *, now: float) -> None:
        """The log as this node had it cannot be continued: begin again, and say so to all."""
        channel.log = Log(tail.position, tail.publications, now=now)
        channel.told = channel.log.offset
        for audience in channel.audiences.values():
            # Before the live ones are told: one that blocks at that is behind, but knows.
            for subscription in audience.behind:
                subscription.offset = NEVER
            for subscription in list(audience.live):
                self._tell_gap(subscription, channel)

    def replace_members(self, channel: Channel, roster: Roster) -> None:
        """The list of members was read again: tell the live ones what is different.

        Or the list itself, where that is shorter.
        """
        # First what they were not told yet: the new list knows nothing of how it came to be.
        self._flush_live(channel)
        presence = cast("Presence", channel.presence)
        changes = presence.replace(roster)
        channel.told_version = presence.position.offset
        for dialect, audience in channel.audiences.items():
            for subscription in audience.behind:
                subscription.version = NEVER
            if len(changes) > LISTED_MAX:
                frames = dialect.reply(Members(None, channel.name, presence.listed()))
            else:
                frames = b"".join([audience.change(change) for change in changes])
            _write_all(audience, frames)

    def join(
        self, subscription: Subscription, channel: Channel, *, reply: bytes, after: int
    ) -> None:
        """Place a session after a held offset: the reply and what it missed, in one write.

        One that is blocked gets what it missed when it can take it.
        """
        session = subscription.session
        subscription.request = None
        subscription.offset = after
        subscription.version = 0 if channel.presence is None else channel.presence.position.offset
        audience = channel.audience(session.dialect)
        if not session.blocked:
            frames, subscription.offset = channel.log.part(
                audience.publication, after, bytes_max=self._part_bytes_max
            )
            reply += frames
            self.deliveries += subscription.offset - after
        audience.behind.add(subscription)
        self.recounted[channel.name] = None
        # It is live from the next flush on, which brings it to where the others are.
        self._eager[subscription] = None
        session.write(reply)

    def leave(self, subscription: Subscription, channel: Channel) -> None:
        """Take a placed session out of a channel."""
        audience = channel.audience(subscription.session.dialect)
        audience.live.pop(subscription, None)
        audience.behind.discard(subscription)
        self._eager.pop(subscription, None)
        self.recounted[channel.name] = None

    def block(self, session: Session) -> None:
        """The session's socket does not drain: its cursors stand still."""
        session.blocked = True
        for subscription in session.subscriptions.values():
            if subscription.live:
                channel = self.channels[subscription.channel]
                audience = channel.audience(session.dialect)
                del audience.live[subscription]
                audience.behind.add(subscription)
                subscription.live = False
                subscription.offset = channel.told
                subscription.version = channel.told_version

    def unblock(self, session: Session) -> None:
        """The session's socket has drained: it goes on from its cursors at the next flush."""
        session.blocked = False
        for subscription in session.subscriptions.values():
            if subscription.request is None and not subscription.live:
                self._eager[subscription] = None

    def flush(self, now: float) -> bool:
        """Tell everyone what is new. True if some need another flush to get all of it."""
        self.told_of_changes = 0
        dirty, self._dirty = self._dirty, {}
        for channel in dirty:
            self._flush_live(channel)
        eager, self._eager = self._eager, {}
        for subscription in eager:
            self._catch_up(subscription)
        before = now - self._history_ttl_s
        for channel in dirty:
            self._trim(channel, before)
        return bool(self._eager)

    def expire(self, now: float) -> None:
        """Let go of what is older than the history's time, in all channels."""
        for channel in self.channels.values():
            self._trim(channel, now - self._history_ttl_s)

    def _trim(self, channel: Channel, before: float) -> None:
        if channel not in self._dirty:
            channel.log.trim(size=self.history_size, before=before)
            if channel.presence is not None:
                channel.presence.changes.trim(size=self.history_size, before=before)

    def _flush_live(self, channel: Channel) -> None:
        told, told_version = channel.told, channel.told_version
        log, presence = channel.log, channel.presence
        # Said before it is done: one that blocks while it is written to has been told all of it.
        channel.told = log.offset
        channel.told_version = 0 if presence is None else presence.position.offset
        for audience in channel.audiences.values():
            if not audience.live:
                continue
            frames = b""
            if log.offset > told:
                frames = log.joined(audience.publication, told)
                self.deliveries += (log.offset - told) * len(audience.live)
            if presence is not None and channel.told_version > told_version:
                frames += presence.changes.joined(audience.change, told_version)
                self.deliveries += (channel.told_version - told_version) * len(audience.live)
                self.told_of_changes += len(audience.live)
            _write_all(audience, frames)

    def _catch_up(self, subscription: Subscription) -> None:
        session = subscription.session
        if session.blocked or session.closed:
            return
        channel = self.channels[subscription.channel]
        self._catch_up_changes(subscription, channel)
        if subscription.offset < channel.log.oldest:
            self._tell_gap(subscription, channel)
        elif subscription.offset < channel.log.offset:
            audience = channel.audience(session.dialect)
            frames, upto = channel.log.part(
                audience.publication, subscription.offset, bytes_max=self._part_bytes_max
            )
            self.deliveries += upto - subscription.offset
            subscription.offset = upto
            session.write(frames)
        self._place(subscription, channel)

    def _place(self, subscription: Subscription, channel: Channel) -> None:
        """Make it live if it has been told all; a session that blocked just now stays behind."""
        if subscription.session.blocked:
            return
        if subscription.offset == channel.told and subscription.version == channel.told_version:
            subscription.live = True
            audience = channel.audience(subscription.session.dialect)
            audience.behind.discard(subscription)
            audience.live[subscription] = subscription.session.write
        else:
            self._eager[subscription] = None

    def _catch_up_changes(self, subscription: Subscription, channel: Channel) -> None:
        presence, session = channel.presence, subscription.session
        if presence is None or subscription.version == presence.position.offset:
            return
        if subscription.version >= presence.changes.oldest:
            audience = channel.audience(session.dialect)
            session.write(presence.changes.joined(audience.change, subscription.version))
        else:
            session.reply(Members(None, channel.name, presence.listed()))
        subscription.version = presence.position.offset

    def _tell_gap(self, subscription: Subscription, channel: Channel) -> None:
        self.gaps += 1
        subscription.offset = channel.log.offset
        subscription.session.reply(Gap(channel.name, channel.log.position))


def _write_all(audience: Audience, frames: bytes) -> None:
    # A copy, because whoever blocks at it is not among the live ones any more.
    for write in list(audience.live.values()) if frames else ():
        write(frames)
