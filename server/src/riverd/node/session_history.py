"""What the sessions of a node did, as far as a bounded memory goes back.

A live session and a live subscription carry one small note each, of how they began. When one ends
the note becomes a fact here. Nothing is done for a message: what a client was sent follows from
where its subscription began and where it stands. What ends together is one entry.

The entries are in the order of their times, and by user. The oldest is dropped first; and of a user
who has more than its share, that user's oldest.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import msgspec

from riverd.core.channel import Channel
from riverd.core.session import LOST, Session, Subscription
from riverd.core.starts import SessionStart, SubscriptionStart
from riverd.errors import RiverError
from riverd.model.commands import Command, Subscribe
from riverd.model.facts import Fact, GapFact, RefusedFact, RestartFact, SessionFacts, Stretch
from riverd.model.log import Position

SHARE = 16
"""One user has at most one of so many parts of the memory."""
RESTARTS_MAX = 1_000
HOLES_MAX = 1_000
CLIENT_LENGTH_MAX = 120
CLIENTS_MAX = 256
ENTRY_BYTES = 420
"""What an entry takes beside its texts, with its part of the tables."""
CATCH_UP_S = 1.0
"""What came before a session could be sent it is written within so much of the time when it can."""


class _Entry(msgspec.Struct, gc=False):
    """Facts of one moment; none once they were dropped. `size` is without the user's name."""

    user: str
    facts: tuple[Fact, ...]
    size: int


class _UserMemory:
    """The entries of one user."""

    __slots__ = ("bytes", "entries", "forgot_until")

    def __init__(self) -> None:
        self.entries: deque[_Entry] = deque()
        self.bytes = 0
        self.forgot_until = 0.0


class SessionHistory:
    """See the module; it is a hub's `HubWitness`.

    `clock` is in unix seconds, `carrier_clock` is that of logs and connections.
    """

    def __init__(
        self,
        *,
        bytes_max: int,
        clock: Callable[[], float],
        carrier_clock: Callable[[], float],
    ) -> None:
        self.bytes = 0
        self.dropped = 0
        self.added = 0
        """Entries so far."""
        self.began_at = clock()
        """When this memory began."""
        self.restarts: deque[RestartFact] = deque(maxlen=RESTARTS_MAX)
        self._bytes_max = bytes_max
        self._share_bytes_max = bytes_max // SHARE
        self._clock = clock
        self._carrier_clock = carrier_clock
        self._entries: deque[_Entry] = deque()
        self._by_user: dict[str, _UserMemory] = {}
        self._forgot_until = 0.0
        self._clients: dict[str, str] = {}
        self._holes = 0
        """Entries among all that were dropped because their user had too many."""

    def forgot_until(self, user: str) -> float:
        """Of a user, something may be forgotten that was before this; 0 if nothing is."""
        mine = self._by_user.get(user)
        return max(self._forgot_until, 0 if mine is None else mine.forgot_until)

    def of(self, user: str) -> Iterator[Fact]:
        """The entries of a user, oldest first; of those without one as "" ."""
        mine = self._by_user.get(user)
        entries = () if mine is None else mine.entries
        return (fact for entry in entries for fact in entry.facts)

    def of_session(self, session: str) -> list[Fact]:
        """The entries of one session, oldest first: looks through those of all."""
        facts = (fact for entry in self._entries for fact in entry.facts)
        return [fact for fact in facts if fact.session == session]

    def naming(self, user: str) -> Iterator[RefusedFact]:
        """What was refused to those who said that they were this user, and proved nothing."""
        facts = (fact for fact in self.of("") if isinstance(fact, RefusedFact))
        return (fact for fact in facts if fact.named == user)

    def forgot_some_until(self) -> float:
        """Of somebody, something may be forgotten that was before this; 0 if nothing is."""
        all_users = (mine.forgot_until for mine in self._by_user.values())
        return max(self._forgot_until, max(all_users, default=0))

    def since(self, mark: int) -> list[tuple[str, Fact]]:
        """The users and entries that were added since `added` had this value, oldest first."""
        newest = islice(reversed(self._entries), max(0, self.added - mark))
        found = [(one.user, fact) for one in newest for fact in reversed(one.facts)]
        return found[::-1]

    # Sessions.

    def opened(self, session: Session, *, address: str | None, client: str) -> None:
        """A session began."""
        session.start = SessionStart(self._clock(), address, self._shared(client))

    def closed(self, session: Session, channels: Mapping[str, Channel]) -> None:
        """A session is over; its subscriptions, of these channels, still stand."""
        claims, subscriptions = session.claims, session.subscriptions
        if session.start is None or (claims is None and not subscriptions):
            return
        fact = self.facts_of(session, ended_at=self._clock())
        size = ENTRY_BYTES + len(fact.ended_by) + len(fact.session) + len(fact.address or "")
        if claims is None:
            # Whose its subscriptions are, each says by itself.
            self._add(_Entry("", (fact,), size))
            return
        facts: list[Fact] = [fact]
        for subscription in subscriptions.values():
            if subscription.start is not None:
                channel = channels[subscription.channel]
                why = subscription.ended_by or fact.ended_by
                facts.append(self._stretch_of(subscription, channel, ended_by=why))
                size += ENTRY_BYTES + len(channel.name)
                subscription.start = None
        self._add(_Entry(claims.user, tuple(facts), size))

    def refused(self, session: Session, command: Command, *, error: RiverError) -> None:
        """A session was refused what it asked: a subscription is remembered."""
        if session.start is not None and isinstance(command, Subscribe):
            named = "" if session.claims else session.protocol.named_user(command)
            code, now = error.error.code, self._clock()
            fact = RefusedFact(session.id, command.channel, code, now, named=named)
            size = ENTRY_BYTES + len(fact.channel) + len(fact.session) + len(named)
            self._add(_Entry(_user_of(session), (fact,), size))

    def refused_at_once(self, user: str, channel: str, *, error: RiverError) -> None:
        """A user was refused a subscription with the request that would have begun a session."""
        fact = RefusedFact("", channel, error.error.code, self._clock())
        self._add(_Entry(user, (fact,), ENTRY_BYTES + len(channel)))

    def facts_of(self, session: Session, *, ended_at: float = 0) -> SessionFacts:
        """How a session began, and how it stands."""
        start = session.start
        assert start is not None, "it was opened"
        return SessionFacts(
            session.id,
            session.protocol.name,
            start.at,
            client=start.client,
            address=start.address,
            continues=session.continues,
            authenticated_at=session.authenticated_at,
            ended_at=ended_at,
            ended_by=session.ended_by if ended_at else "",
            blocked_since=start.blocked_since,
            confirmed_at=self._unix(session.confirmed_at) if session.confirmed_at else 0,
        )

    # Subscriptions: see `HubWitness`.

    def admitted(self, subscription: Subscription, channel: Channel, *, after: int) -> None:
        """Note where it begins."""
        if subscription.session.start is None:
            return
        request = subscription.request
        had = None if request is None else request.position
        lost = None
        if had is not None and (had.epoch != channel.log.epoch or had.offset != after):
            lost = had.why_lost(channel.log.position, oldest=channel.log.oldest)
        subscription.start = SubscriptionStart(self._clock(), channel.log.epoch, after, had, lost)

    def leaving(self, subscription: Subscription, channel: Channel) -> None:
        """Keep what it was sent."""
        if subscription.start is None:
            return
        session = subscription.session
        why = subscription.ended_by or (session.ended_by if session.closed else "unsubscribed")
        stretch = self._stretch_of(subscription, channel, ended_by=why)
        subscription.start = None
        size = ENTRY_BYTES + len(stretch.channel) + len(stretch.session)
        self._add(_Entry(_user_of(session, subscription), (stretch,), size))

    def skipping(self, subscription: Subscription, channel: Channel) -> None:
        """Keep that it is sent a gap."""
        start, session = subscription.start, subscription.session
        if start is not None:
            log, after = channel.log, subscription.offset
            fact = GapFact(session.id, channel.name, log.epoch, after, log.offset, self._clock())
            size = ENTRY_BYTES + len(fact.channel) + len(fact.session)
            self._add(_Entry(_user_of(session, subscription), (fact,), size))

    def restarting(self, channel: Channel, position: Position) -> None:
        """Keep it once for all subscribers."""
        before = Position(channel.log.epoch, channel.sent)
        self.restarts.append(RestartFact(channel.name, before, position, self._clock()))

    def blocking(self, session: Session) -> None:
        """Note since when."""
        if session.start is not None and not session.start.blocked_since:
            session.start.blocked_since = self._clock()

    def unblocking(self, session: Session) -> None:
        """Note that it catches up."""
        if session.start is not None:
            session.start.blocked_since = 0
            session.start.drained_at = self._carrier_clock()

    def stretch_of(self, subscription: Subscription, channel: Channel) -> Stretch | None:
        """What a subscription was sent so far, if anybody has noted where it began."""
        if subscription.start is None:
            return None
        return self._stretch_of(subscription, channel, ended_by=None)

    def _stretch_of(
        self, subscription: Subscription, channel: Channel, *, ended_by: str | None
    ) -> Stretch:
        start, session = subscription.start, subscription.session
        assert start is not None, "it was admitted"
        upto, now = channel.cursor_of(subscription), self._clock()
        confirmed = -1
        if session.confirmed_at:
            # Seldom when it ends soon.
            confirmed = self._confirmed(subscription, channel, upto=upto, now=now)
        return Stretch(
            session.id,
            channel.name,
            start.epoch,
            start.after,
            start.at,
            upto,
            confirmed,
            start.had,
            start.lost,
            0 if ended_by is None else now,
            ended_by or "",
            channel.log.offset if ended_by is None else -1,
        )

    def taken_at(self, channel: Channel, offset: int) -> float:
        """When this node was given a publication; 0 if it does not know."""
        taken_at = channel.log.taken_at(offset)
        return 0 if taken_at is None else self._unix(taken_at)

    # Keeping.

    def _confirmed(
        self, subscription: Subscription, channel: Channel, *, upto: int, now: float
    ) -> int:
        """Up to which offset it is proven that what was written has arrived."""
        start, began = subscription.session.start, subscription.start
        assert start is not None, "it was opened"
        assert began is not None, "it was admitted"
        proven = subscription.session.confirmed_at - CATCH_UP_S
        caught_up = max(start.drained_at, began.at - now + self._carrier_clock())
        if proven < caught_up or upto == LOST or began.epoch != channel.log.epoch:
            return -1
        return min(upto, channel.log.offset_at(proven))

    def _unix(self, carrier_s: float) -> float:
        return carrier_s + self._ahead_s()

    def _ahead_s(self) -> float:
        return self._clock() - self._carrier_clock()

    def _shared(self, client: str) -> str:
        """The same text for all clients that call themselves the same."""
        shown = client[:CLIENT_LENGTH_MAX]
        if len(self._clients) >= CLIENTS_MAX:
            self._clients.clear()
        return self._clients.setdefault(shown, shown)

    def _add(self, entry: _Entry) -> None:
        user = entry.user
        mine = self._by_user.get(user)
        if mine is None:
            mine = self._by_user[user] = _UserMemory()
        mine.entries.append(entry)
        self._entries.append(entry)
        self.added += 1
        size = entry.size = entry.size + len(user)
        mine.bytes = of_user = mine.bytes + size
        self.bytes = of_all = self.bytes + size
        if of_user > self._share_bytes_max or of_all > self._bytes_max:
            self._drop_some(mine)

    def _drop_some(self, mine: _UserMemory) -> None:
        """Drop the oldest entries of one user, and of all, that are too many."""
        while mine.bytes > self._share_bytes_max:
            mine.forgot_until = _time_of(mine.entries[0].facts[0])
            self._drop(mine.entries[0])
        while self.bytes > self._bytes_max:
            oldest = self._entries.popleft()
            if oldest.facts:
                self._forgot_until = _time_of(oldest.facts[0])
                self._drop(oldest)
            self._holes -= 1
        if self._holes > HOLES_MAX and self._holes > len(self._entries) // 2:
            self._entries = deque(one for one in self._entries if one.facts)
            self._holes = 0

    def _drop(self, entry: _Entry) -> None:
        """Drop a user's oldest entry; where all are in a row it stays as a hole."""
        mine = self._by_user[entry.user]
        assert mine.entries[0] is entry, "the oldest of all is the oldest of its user"
        mine.entries.popleft()
        mine.bytes -= entry.size
        entry.facts = ()
        self.dropped += 1
        self._holes += 1
        self.bytes -= entry.size
        if not mine.entries:
            del self._by_user[entry.user]


def _user_of(session: Session, subscription: Subscription | None = None) -> str:
    """Whose it is: a client of the Pusher protocol may be somebody in one channel only."""
    if session.claims is not None:
        return session.claims.user
    member = None if subscription is None else subscription.member
    return "" if member is None else member.user


def _time_of(fact: Fact) -> float:
    return fact.at if isinstance(fact, GapFact | RefusedFact) else fact.ended_at
