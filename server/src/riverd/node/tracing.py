"""Follows what a user, a channel, a session or an address does, while somebody looks.

Nothing is done for a message. Four times a second the sessions concerned are looked at: their
subscriptions and cursors say what was sent since, and the node's memory what began and ended. The
lines go into a short log of their own at the broker. A trace ends `TRACE_S` after it was asked for
last. A look costs at most `LINES_MAX` lines and `SUBSCRIPTIONS_MAX` cursors, however busy the
channels are: what is beyond is counted in a line `dropped`, or not followed, as `limited` says.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from itertools import chain

import msgspec

from riverd.broker import Broker
from riverd.channels.names import TRACE
from riverd.core.channel import Channel
from riverd.core.hub import Hub
from riverd.core.session import LOST, Session
from riverd.errors import RiverError
from riverd.model.facts import (
    Fact,
    GapFact,
    RefusedFact,
    SessionFacts,
    Stretch,
    TraceFilter,
    TraceLine,
)
from riverd.model.log import Message
from riverd.model.orders import Question, encode
from riverd.node.node import Node
from riverd.node.session_history import SessionHistory

LOOK_S = 0.25
TRACE_S = 10.0
TRACES_MAX = 8
LINES_MAX = 100
"""At one look."""
SESSIONS_MAX = 200
SUBSCRIPTIONS_MAX = 2_000
"""Of all the sessions that are followed, though one session is always followed whole."""
REFUSED_MAX = 64
DATA_BYTES_MAX = 4_096
SEARCH_LOOKS = 4
"""All sessions of a node are looked through for a session or an address once in so many looks."""

_filter = msgspec.json.Decoder(TraceFilter).decode


class _Followed:
    """One session, as it was at the last look."""

    __slots__ = ("cursors", "is_blocked", "is_known")

    def __init__(self) -> None:
        self.cursors: dict[str, int] = {}
        self.is_blocked = False
        self.is_known = False


class Trace:
    """One trace on one node."""

    def __init__(self, wanted: TraceFilter, node: Node, *, hub: Hub, mark: int) -> None:
        self.ends_at = 0.0
        self._wanted = wanted
        self._node = node
        self._hub = hub
        self._mark = mark
        self._followed: dict[Session, _Followed] = {}
        self._looks = 0
        self._offset: int | None = None
        self._is_limited = False
        self._shown: list[TraceLine] = []
        self._dropped = 0

    def look(self, history: SessionHistory, now: float) -> list[TraceLine]:
        """What has happened since the last look, and how many lines of it are left out."""
        self._shown, self._dropped = [], 0
        past = (
            _past(fact, user)
            for user, fact in history.since(self._mark)
            if self._is_wanted(fact, user)
        )
        for line in chain(past, self._channel_lines(now), self._session_lines(now)):
            if self._room:
                self._shown.append(line)
            else:
                self._dropped += 1
        self._mark = history.added
        self._looks += 1
        if self._dropped:
            self._shown.append(TraceLine(now, "dropped", text=f"{self._dropped} lines"))
        return self._shown

    @property
    def _room(self) -> int:
        return LINES_MAX - len(self._shown)

    def _is_wanted(self, fact: Fact, user: str) -> bool:
        wanted = self._wanted
        if wanted.channel and getattr(fact, "channel", None) == wanted.channel:
            return True
        if wanted.address and isinstance(fact, SessionFacts) and fact.address == wanted.address:
            return True
        return bool(wanted.user and user == wanted.user) or fact.session == wanted.session

    def _channel_lines(self, now: float) -> Iterator[TraceLine]:
        channel = self._hub.channels.get(self._wanted.channel) if self._wanted.channel else None
        if channel is None:
            return
        before, self._offset = self._offset, channel.log.offset
        if before is not None and before < channel.log.offset:
            given = range(before + 1, channel.log.offset + 1)
            yield from self._sent(channel, given, kind="given", session="", now=now)

    def _session_lines(self, now: float) -> Iterator[TraceLine]:
        if not (self._wanted.user or self._wanted.session or self._wanted.address):
            return
        if self._wanted.address and not self._looks:
            yield from self._nameless(now)
        found = self._sessions()
        current = _first_of(found)
        is_limited = len(current) < len(found)
        if is_limited and not self._is_limited:
            text = f"follows {len(current)} of {len(found)} sessions"
            yield TraceLine(now, "limited", text=text)
        self._is_limited = is_limited
        for session in list(self._followed):
            if session not in current or session.closed:
                del self._followed[session]
        for session in current:
            followed = self._followed.get(session)
            if followed is None:
                followed = self._followed[session] = _Followed()
                text = f"{session.protocol.name}, {getattr(session.start, 'client', '')}"
                if self._looks:
                    yield TraceLine(now, "connected", session.id, text=text)
                else:
                    yield TraceLine(now, "is connected", session.id, text=text)
            yield from self._changes(session, followed, now=now)

    def _nameless(self, now: float) -> Iterator[TraceLine]:
        """That some may be meant that cannot be found."""
        nameless = sum(session.address is None for session in self._node.sessions)
        if nameless:
            text = f"does not know the addresses of {nameless} connections: RIVER_TRUSTED_PROXIES"
            yield TraceLine(now, "limited", text=text)

    def _sessions(self) -> list[Session]:
        """All that are concerned: those that are followed first, so that these stay the same."""
        wanted = self._wanted
        found = list(self._followed)
        if wanted.user:
            found += self._node.users.of(wanted.user)
        if (wanted.session or wanted.address) and self._looks % SEARCH_LOOKS == 0:
            for session in self._node.sessions:
                is_from = wanted.address and session.address == wanted.address
                if session.id == wanted.session or is_from:
                    found.append(session)
        return [one for one in dict.fromkeys(found) if not one.closed]

    def _changes(self, session: Session, followed: _Followed, *, now: float) -> Iterator[TraceLine]:
        if session.claims is not None and not followed.is_known:
            followed.is_known = True
            yield TraceLine(now, "authenticated", session.id, text=session.claims.user)
        if session.blocked != followed.is_blocked:
            followed.is_blocked = session.blocked
            yield TraceLine(now, "blocked" if session.blocked else "drained", session.id)
        cursors: dict[str, int] = {}
        for name, subscription in session.subscriptions.items():
            channel = self._hub.channels.get(name)
            if channel is None or not subscription.is_admitted:
                continue
            cursor = cursors[name] = channel.cursor_of(subscription)
            before = followed.cursors.get(name)
            if before is None:
                after = cursor if subscription.start is None else subscription.start.after
                yield TraceLine(now, "subscribed", session.id, name, offset=after)
                before = after if self._looks else cursor
            if LOST < before < cursor:
                # Not up to the log's end: the rest may still be owed.
                sent = range(before + 1, cursor + 1)
                yield from self._sent(channel, sent, kind="sent", session=session.id, now=now)
        followed.cursors = cursors

    def _sent(
        self, channel: Channel, offsets: range, *, kind: str, session: str, now: float
    ) -> Iterator[TraceLine]:
        """The newest that there is room for."""
        shown = offsets[max(0, len(offsets) - self._room) :]
        self._dropped += len(offsets) - len(shown)
        for offset in shown:
            entry = channel.log.at(offset)
            if entry is None:
                yield TraceLine(now, kind, session, channel.name, offset=offset)
                continue
            data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
            if self._wanted.payloads and len(entry.data) <= DATA_BYTES_MAX:
                data = msgspec.Raw(entry.data)
            yield TraceLine(
                now,
                kind,
                session,
                channel.name,
                offset=offset,
                event=entry.event,
                size=len(entry.data),
                data=data,
            )


class Traces:
    """All traces on one node. `clock` is in unix seconds, `start` runs background work."""

    def __init__(
        self,
        node: Node,
        hub: Hub,
        *,
        history: SessionHistory,
        clock: Callable[[], float],
        new_broker: Callable[[], Broker],
        start: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        self._node = node
        self._hub = hub
        self._history = history
        self._clock = clock
        self._new_broker = new_broker
        self._broker: Broker | None = None
        self._start = start
        self._traces: dict[str, Trace] = {}
        self._refused: dict[str, float] = {}
        """Until when nothing more is said to traces that found no room."""

    def answer(self, asked: Question) -> None:
        """Begin a trace, or go on with it: the question's epoch is its id. There is no answer."""
        trace = self._traces.get(asked.epoch)
        if trace is None:
            if len(self._traces) >= TRACES_MAX:
                self._refuse(asked.epoch)
                return
            wanted = _filter(asked.filter)
            trace = Trace(wanted, self._node, hub=self._hub, mark=self._history.added)
            self._traces[asked.epoch] = trace
            self._start(self._run(asked.epoch, trace))
        # Before that has begun: it is a task.
        trace.ends_at = self._clock() + TRACE_S

    def _refuse(self, name: str) -> None:
        """Say that nothing is followed here: now and then, as long as it is asked for."""
        now = self._clock()
        if now < self._refused.get(name, 0):
            return
        if len(self._refused) >= REFUSED_MAX:
            self._refused.clear()
        self._refused[name] = now + TRACE_S
        text = f"follows {TRACES_MAX} traces already, and nothing for this one"
        self._start(self._write(name, [TraceLine(now, "limited", text=text)]))

    async def _run(self, name: str, trace: Trace) -> None:
        while self._clock() < trace.ends_at:
            lines = trace.look(self._history, self._clock())
            if lines:
                await self._write(name, lines)
            await asyncio.sleep(LOOK_S)
        del self._traces[name]

    async def _write(self, name: str, lines: list[TraceLine]) -> None:
        # Made for the first trace, and kept: most nodes are never traced.
        broker = self._broker = self._broker or self._new_broker()
        node = self._node.control.name
        body = encode([msgspec.structs.replace(line, node=node) for line in lines])
        # That the broker is away is reported by who watches it.
        with suppress(RiverError):
            await broker.publish(Message(f"{TRACE}{name}", "trace", body))


def _first_of(sessions: list[Session]) -> dict[Session, None]:
    """As many as are followed."""
    taken: dict[Session, None] = {}
    subscriptions = 0
    for session in sessions[:SESSIONS_MAX]:
        subscriptions += len(session.subscriptions)
        if taken and subscriptions > SUBSCRIPTIONS_MAX:
            break
        taken[session] = None
    return taken


def _past(fact: Fact, user: str) -> TraceLine:
    """What the node has just remembered."""
    match fact:
        case SessionFacts():
            return TraceLine(fact.ended_at, "ended", fact.session, text=fact.ended_by)
        case Stretch():
            kind, text = "unsubscribed", fact.ended_by
            return TraceLine(
                fact.ended_at, kind, fact.session, fact.channel, offset=fact.upto, text=text
            )
        case GapFact():
            return TraceLine(fact.at, "gap", fact.session, fact.channel, offset=fact.upto)
        case RefusedFact():
            text = f"{user}: {fact.code}"
            return TraceLine(fact.at, "refused", fact.session, fact.channel, text=text)
