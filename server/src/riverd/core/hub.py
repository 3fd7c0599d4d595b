"""All channels of this node: who is subscribed, and what is still to be sent to them."""

import math
from collections.abc import Callable, Iterable
from itertools import islice
from typing import cast

from riverd.channels.names import INTERNAL
from riverd.channels.rules import ChannelRules
from riverd.core.audience import Audience
from riverd.core.backlog import CATCH_UPS_MAX, LostSubscribers, take_first
from riverd.core.batch import FlushBatch
from riverd.core.channel import Channel, excluding_in
from riverd.core.channel_log import Log
from riverd.core.fanout import WRITES_MAX, Fanout
from riverd.core.flushed import Flushed
from riverd.core.pacing import ReloadDelays
from riverd.core.presence import LISTED_MAX, PresenceReplica
from riverd.core.session import BEHIND, LIVE, LOST, REMOVED, Session, Subscription
from riverd.core.witness import UNSEEN, HubWitness
from riverd.model.commands import Subscribe
from riverd.model.log import Change, Ephemeral, Member, Position, Publication, Roster, Tail
from riverd.model.replies import Gap, Members, SubscriberCount

LOOKED_MAX = 8
ENCODED_AT_ONCE = 256
"""Joins and leaves: thousands wait for a flush, where each is sent to a crowd."""
Changes = list[Change] | None


class Hub:
    """The owner of channels and subscriptions.

    The caller calls `flush` once after a turn in which something was appended, a session was
    admitted or became able to take more, and again while it returns that there is more to do.
    """

    def __init__(
        self,
        rules: ChannelRules,
        *,
        part_bytes_max: int,
        log_bytes_max: float = math.inf,
        writes_max: int = WRITES_MAX,
        witness: HubWitness = UNSEEN,
    ) -> None:
        self.channels: dict[str, Channel] = {}
        self.internal = 0
        """Channels that nobody asked for."""
        self.log_bytes = 0
        """What the entries of all replicas count for."""
        self._log_bytes_max = log_bytes_max
        self.gaps = 0
        self.rules = rules
        self.witness = witness
        self._part_bytes_max = part_bytes_max
        self._dirty: dict[Channel, None] = {}
        self._eager: dict[Subscription, None] = {}
        self._fanout = Fanout(writes_max)
        self._lost = LostSubscribers()
        self.reload_delays = ReloadDelays()

    @property
    def deliveries(self) -> int:
        """How many events sessions were given."""
        return self._fanout.deliveries

    # Channels.

    def open(self, name: str, tail: Tail, *, roster: Roster | None, now: float) -> Channel:
        """Begin the replica of a channel with what was read from the broker."""
        policy = self.rules.of(name)
        channel = Channel(name, tail, policy=policy, roster=roster, now=now)
        self.channels[name] = channel
        self.internal += name.startswith(INTERNAL)
        self.log_bytes += channel.bytes
        return channel

    def close(self, name: str) -> dict[str, Member]:
        """Drop the replica of a channel without subscribers. Gives its members, to be freed."""
        channel = self.channels.pop(name)
        self.internal -= name.startswith(INTERNAL)
        self.log_bytes -= channel.bytes
        self._dirty.pop(channel, None)
        return {} if channel.presence is None else channel.presence.release()

    def append(self, channel: Channel, publication: Publication, *, now: float) -> bool:
        """Deliver one publication, or drop one that is known. False if one before it is missing."""
        log = channel.log
        if publication.offset <= log.offset or not log.append(publication, now):
            return publication.offset <= log.offset
        size = len(publication.data) + len(publication.event)
        channel.bytes += size
        self.log_bytes += size
        if publication.exclude is not None:
            channel.excluding = publication.offset
        self._dirty[channel] = None
        return True

    def pass_on(self, channel: Channel, event: Ephemeral) -> None:
        """Deliver an event that no log keeps, after an offset that the channel's log has."""
        channel.passing.append(event)
        self._dirty[channel] = None

    def change(self, channel: Channel, change: Change, *, now: float) -> bool:
        """Deliver one join or leave. False if one before it is missing."""
        presence = channel.presence
        if presence is None or not presence.apply(change, now):
            return False
        if change.offset % ENCODED_AT_ONCE == 0:
            channel.encode_changes()
        self._dirty[channel] = None
        return True

    def restart(self, channel: Channel, tail: Tail, *, now: float) -> None:
        """The log as this node had it cannot be continued: begin again, with a gap for all.

        With the next flushes: those who were live are behind until they were sent it.
        """
        self.witness.restarting(channel, tail.position)
        channel.log = Log(tail.position, tail.publications, now=now)
        channel.sent = channel.log.offset
        channel.excluding = excluding_in(tail)
        before, channel.bytes = channel.bytes, channel.log.size
        self.log_bytes += channel.bytes - before
        channel.passing = []
        self._dirty[channel] = None
        for audience in channel.audiences.values():
            audience.lose_all(began_at=tail.position, version=channel.sent_version)
            self._lost.add(audience)

    def replace_members(self, channel: Channel, roster: Roster, *, changes: Changes = None) -> None:
        """The list of members was read again: send what is different, or the list if shorter."""
        # First what was not sent yet: the new list knows nothing of how it came to be.
        self._fanout.send_new(channel)
        presence = cast("PresenceReplica", channel.presence)
        changes = presence.replace(roster, changes)
        channel.sent_version = presence.position.offset
        for protocol, audience in channel.audiences.items():
            audience.lose_list()
            if len(changes) > LISTED_MAX:
                listed = presence.listed(protocol.members_max)
                frames = protocol.encode(Members(None, channel.name, listed))
            else:
                frames = b"".join([audience.change(change) for change in changes])
            self._fanout.write(audience, frames, size=0, after=channel.sent)

    def send_count(self, channel: Channel, count: int) -> bool:
        """Send the live ones how many subscribers there are, where their protocol says that.

        Whether that is not over: then a flush is due.
        """
        for protocol, audience in channel.audiences.items():
            if protocol.shows_counts and audience.live:
                frames = protocol.encode(SubscriberCount(channel.name, count))
                self._fanout.write(audience, frames, size=0, after=channel.sent)
        return bool(self._fanout.writing)

    # Subscriptions.

    def subscribe(
        self, session: Session, request: Subscribe, *, member: Member | None
    ) -> Subscription:
        """One more subscription of a session, pending until `admit`.

        The session has none of this channel: `Session.check_subscribable`.
        """
        subscription = Subscription(session, request, member=member)
        session.subscriptions[request.channel] = subscription
        return subscription

    def admit(
        self, subscription: Subscription, channel: Channel, *, reply: bytes, after: int
    ) -> None:
        """Begin after a held offset: the reply and what was missed, in one write.

        One that is blocked gets what it missed when it can take it.
        """
        session = subscription.session
        audience = channel.audience(session.protocol)
        self.witness.admitted(subscription, channel, after=after)
        subscription.request = None
        subscription.offset = after
        presence = channel.presence
        subscription.version = 0 if presence is None else presence.position.offset
        if after < channel.log.offset and not session.blocked:
            frames, subscription.offset = channel.part(subscription, self._part_bytes_max)
            reply += frames
            self._fanout.deliveries += subscription.offset - after
        if (
            subscription.offset == channel.sent
            and subscription.version == channel.sent_version
            and channel not in self._dirty
            and not (session.blocked or audience.rounds)
        ):
            # Where the others are, to whom nothing is on its way.
            audience.add_live(subscription)
        else:
            # It is live from the next flush on, which brings it to where the others are.
            subscription.state = BEHIND
            audience.behind.add(subscription)
            self._eager[subscription] = None
        session.sink.write(reply)

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription, whatever its state."""
        session, state = subscription.session, subscription.state
        if state is LIVE or state is BEHIND:
            channel = self.channels[subscription.channel]
            self.witness.leaving(subscription, channel)
            audience = channel.audiences[session.protocol]
            audience.remove(subscription)
            self._eager.pop(subscription, None)
        subscription.state = REMOVED
        session.subscriptions.pop(subscription.channel, None)

    def block(self, session: Session) -> None:
        """The session's socket does not drain: its cursors stand still."""
        self.witness.blocking(session)
        session.blocked = True
        for subscription in session.subscriptions.values():
            if subscription.state is LIVE:
                self.channels[subscription.channel].hold_back(subscription)

    def mute(self, session: Session) -> None:
        """A session is over, and is ended here later: nothing is written to it until then."""
        for subscription in session.subscriptions.values():
            if subscription.is_admitted:
                self.channels[subscription.channel].mute(subscription)

    def unblock(self, session: Session) -> None:
        """The session's socket has drained: it goes on from its cursors at the next flush."""
        self.witness.unblocking(session)
        session.blocked = False
        for subscription in session.subscriptions.values():
            if subscription.state is BEHIND:
                self._eager[subscription] = None

    def lose(self, subscription: Subscription) -> None:
        """Nobody knows what this one has missed: it is sent a gap with the next flush."""
        if not subscription.is_admitted:
            return
        if subscription.is_live:
            self.channels[subscription.channel].hold_back(subscription)
        subscription.offset = LOST
        self._eager[subscription] = None

    # Flushing.

    def flush(self, now: float) -> Flushed:
        """Send everyone what is new, or as many as this turn has room for."""
        flushed: Iterable[Channel] = ()
        notified, is_over = 0, True
        if self._dirty or self._fanout.writing or self._lost.waiting:
            dirty, self._dirty = self._dirty, {}
            flushed = self._fanout.send_news(dirty)
            if flushed is not dirty:
                self._dirty = dirty | self._dirty
            if self._lost.waiting:
                self._send_gaps(now)
            is_over = not (self._dirty or self._fanout.writing or self._lost.waiting)
            if is_over and self._fanout.notified:
                notified = self._fanout.take_notified()
        keeps_all = bool(self._eager) and self._catch_some_up(flushed, now)
        for channel in flushed:
            if channel.passed:
                channel.passed = []
            if not keeps_all:
                self._trim(channel, now)
        return Flushed(not is_over or bool(self._eager), notified, flushed)

    def _catch_some_up(self, flushed: Iterable[Channel], now: float) -> bool:
        """Catch up those that are behind; whether nothing is to be dropped before others are."""
        eager = self._eager
        has_more = len(eager) > CATCH_UPS_MAX
        if not has_more:
            self._eager = {}
        for subscription in take_first(eager, flushed) if has_more else eager:
            self._catch_up(subscription, now)
        return has_more and self.log_bytes <= self._log_bytes_max

    def has_sent(self, name: str, offset: int) -> bool:
        """Whether the live ones were sent all up to an offset, or their log has begun again."""
        channel = self.channels.get(name)
        return channel is None or channel.has_sent(offset, is_due=channel in self._dirty)

    def _send_gaps(self, now: float) -> None:
        """Send some whose log began again that it did, and with the next flush what came since."""
        for subscription, began_at in self._lost.take(self._fanout.gaps_max):
            session = subscription.session
            if session.closed:
                continue
            channel = self.channels[subscription.channel]
            log, audience = channel.log, channel.audiences[session.protocol]
            # One that blocks is sent the gap when it takes more.
            if not self._fanout.settle(audience, subscription):
                continue
            is_held = began_at.epoch == log.epoch and began_at.offset >= log.oldest
            if not is_held:
                self.witness.skipping(subscription, channel)
            self.send_gap(subscription, channel, at=began_at if is_held else None, now=now)
            self._eager[subscription] = None

    def unsent(self) -> tuple[str, int] | None:
        """A channel of which a flush has yet to send something new, and its first offset."""
        for channel in islice(self._dirty, LOOKED_MAX):
            if channel.sent < channel.log.offset and channel.has_live:
                return channel.name, channel.sent + 1
        return None

    def expire(self, now: float, channels: Iterable[Channel] | None = None) -> None:
        """Drop what is older than the history's time, in some channels or all."""
        for channel in self.channels.values() if channels is None else channels:
            self._trim(channel, now)

    def _trim(self, channel: Channel, now: float) -> None:
        if channel not in self._dirty:
            bytes_max = channel.policy.history_bytes
            if self.log_bytes > self._log_bytes_max:
                # Too much for all together: each keeps its share, so the largest give.
                bytes_max = min(bytes_max, int(self._log_bytes_max / len(self.channels)))
            self.log_bytes -= channel.trim(bytes_max, now=now)

    def _catch_up(self, subscription: Subscription, now: float) -> None:
        """Send one that is behind a part of what it missed, and make it live if that is all."""
        session = subscription.session
        if session.blocked or session.closed or subscription.state is not BEHIND:
            return
        channel = self.channels[subscription.channel]
        audience = channel.audiences[session.protocol]
        # Before the socket was full, or the log began again, it may have been owed something.
        if audience.rounds and not self._fanout.settle(audience, subscription):
            return
        self._catch_up_changes(subscription, channel, encode=audience.change)
        if subscription.offset < channel.log.oldest:
            self.witness.skipping(subscription, channel)
            self.send_gap(subscription, channel, now=now)
        elif subscription.offset < channel.log.offset:
            frames, upto = channel.part(subscription, self._part_bytes_max)
            self._fanout.deliveries += upto - subscription.offset
            subscription.offset = upto
            if frames:
                session.sink.write(frames)
        # It may have blocked just now: then it stays behind.
        if session.blocked:
            return
        if subscription.offset == channel.sent and subscription.version == channel.sent_version:
            # Before it is written: one that blocks at it has been sent it.
            audience.add_live(subscription)
            if channel.passed:
                self._send_passed(subscription, channel, audience=audience)
        else:
            self._eager[subscription] = None

    def _send_passed(
        self, subscription: Subscription, channel: Channel, *, audience: Audience
    ) -> None:
        """Send one that has come to where the others are what they were sent beside the log."""
        batch = FlushBatch((one.exclude, audience.ephemeral(one)) for one in channel.passed)
        frames, count = batch.without(subscription.session.ids())
        if frames:
            self._fanout.deliveries += count
            subscription.session.sink.write(frames)

    def _catch_up_changes(
        self, subscription: Subscription, channel: Channel, *, encode: Callable[[Change], bytes]
    ) -> None:
        presence, session = channel.presence, subscription.session
        if presence is None or subscription.version == presence.position.offset:
            return
        if subscription.version >= presence.changes.oldest:
            session.sink.write(presence.changes.joined(encode, subscription.version))
        else:
            listed = presence.listed(session.protocol.members_max, first=subscription.member)
            session.reply(Members(None, channel.name, listed))
        subscription.version = presence.position.offset

    def send_gap(
        self,
        subscription: Subscription,
        channel: Channel,
        *,
        now: float,
        at: Position | None = None,
    ) -> None:
        """Send one that something was lost: it goes on at a held position, or at the log's end."""
        self.gaps += 1
        position = channel.log.position if at is None else at
        subscription.offset = position.offset
        delay_ms = self.reload_delays.next_ms(now)
        subscription.session.reply(Gap(channel.name, position, delay_ms))
