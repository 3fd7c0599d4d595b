"""Follows what a user, a channel, a session or an address does, while somebody looks.

Nothing is done for a message. Four times a second the sessions concerned are looked at: their
subscriptions and cursors say what was sent since, and the node's memory what began and ended. The
lines go into a short log of their own at the broker. A trace ends `TRACE_S` after it was asked for
last. A look costs at most `LINES_MAX` lines and `SUBSCRIPTIONS_MAX` cursors, however busy the
channels are: what is beyond is counted in a line `dropped`, or not followed, as `limited` says.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

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
from riverd.scheduling.portions import portions

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
        self._searched: list[Session] = []
        """Those that the last search found."""
        self._nameless = 0
        self._offset: int | None = None
        self._is_limited = False
        self._shown: list[TraceLine] = []
        self._dropped = 0

    async def search(self) -> None:
        """Look through all sessions, in portions, where the next look needs it."""
        wanted = self._wanted
        self._searched = []
        if not (wanted.session or wanted.address) or self._looks % SEARCH_LOOKS:
            return
        self._nameless = 0
        async for some in portions(list(self._node.sessions)):
            for session in some:
                is_from = wanted.address and session.address == wanted.address
                if session.id == wanted.session or is_from:
                    self._searched.append(session)
                self._nameless += session.address is None

    def look(self, history: SessionHistory, now: float) -> list[TraceLine]:
        """What has happened since the last look, and how many lines of it are left out."""
        self._shown, self._dropped = [], 0
        for user, fact in history.since(self._mark):
            if self._is_wanted(fact, user):
                self._show(_past(fact, user))
        self._show_channel(now)
        self._show_sessions(now)
        self._mark = history.added
        self._looks += 1
        if self._dropped:
            text = f"{self._dropped} lines"
            dropped = TraceLine(now, "dropped", node=self._node.control.name, text=text)
            self._shown.append(dropped)
        return self._shown

    def _show(self, line: TraceLine) -> None:
        """Show one line, if there is room."""
        if len(self._shown) < LINES_MAX:
            named = msgspec.structs.replace(line, node=self._node.control.name)
            self._shown.append(named)
        else:
            self._dropped += 1

    def _is_wanted(self, fact: Fact, user: str) -> bool:
        wanted = self._wanted
        if wanted.channel and getattr(fact, "channel", None) == wanted.channel:
            return True
        if wanted.address and isinstance(fact, SessionFacts) and fact.address == wanted.address:
            return True
        return bool(wanted.user and user == wanted.user) or fact.session == wanted.session

    def _show_channel(self, now: float) -> None:
        channel = self._hub.channels.get(self._wanted.channel) if self._wanted.channel else None
        if channel is None:
            return
        before, self._offset = self._offset, channel.log.offset
        if before is not None and before < channel.log.offset:
            given = range(before + 1, channel.log.offset + 1)
            self._show_sent(channel, given, kind="given", session="", now=now)

    def _show_sessions(self, now: float) -> None:
        if not (self._wanted.user or self._wanted.session or self._wanted.address):
            return
        if self._wanted.address and not self._looks:
            self._show_nameless(now)
        found = self._sessions()
        current = _first_of(found)
        is_limited = len(current) < len(found)
        if is_limited and not self._is_limited:
            text = f"follows {len(current)} of {len(found)} sessions"
            self._show(TraceLine(now, "limited", text=text))
        self._is_limited = is_limited
        for session in list(self._followed):
            if session not in current or session.closed:
                del self._followed[session]
        for session in current:
            followed = self._followed.get(session)
            if followed is None:
                followed = self._followed[session] = _Followed()
                text = f"{session.protocol.name}, {getattr(session.start, 'client', '')}"
                kind = "connected" if self._looks else "is connected"
                self._show(TraceLine(now, kind, session.id, text=text))
            self._show_changes(session, followed, now=now)

    def _show_nameless(self, now: float) -> None:
        """That some may be meant that cannot be found."""
        if self._nameless:
            count = self._nameless
            text = f"does not know the addresses of {count} connections: RIVER_TRUSTED_PROXIES"
            self._show(TraceLine(now, "limited", text=text))

    def _sessions(self) -> list[Session]:
        """All that are concerned: those that are followed first, so that these stay the same."""
        wanted = self._wanted
        found = list(self._followed)
        if wanted.user:
            found += self._node.users.of(wanted.user)
        found += self._searched
        return [one for one in dict.fromkeys(found) if not one.closed]

    def _show_changes(self, session: Session, followed: _Followed, *, now: float) -> None:
        if session.claims is not None and not followed.is_known:
            followed.is_known = True
            self._show(TraceLine(now, "authenticated", session.id, text=session.claims.user))
        if session.blocked != followed.is_blocked:
            followed.is_blocked = session.blocked
            kind = "blocked" if session.blocked else "drained"
            self._show(TraceLine(now, kind, session.id))
        cursors: dict[str, int] = {}
        for name, subscription in session.subscriptions.items():
            channel = self._hub.channels.get(name)
            if channel is None or not subscription.is_admitted:
                continue
            cursor = cursors[name] = channel.cursor_of(subscription)
            before = followed.cursors.get(name)
            if before is None:
                after = cursor if subscription.start is None else subscription.start.after
                self._show(TraceLine(now, "subscribed", session.id, name, offset=after))
                before = after if self._looks else cursor
            if LOST < before < cursor:
                # Not up to the log's end: the rest may still be owed.
                sent = range(before + 1, cursor + 1)
                self._show_sent(channel, sent, kind="sent", session=session.id, now=now)
        followed.cursors = cursors

    def _show_sent(
        self, channel: Channel, offsets: range, *, kind: str, session: str, now: float
    ) -> None:
        """Show the newest that there is room for: in a busy channel most lines come from here."""
        room = LINES_MAX - len(self._shown)
        shown = offsets[max(0, len(offsets) - room) :]
        self._dropped += len(offsets) - len(shown)
        name, node, payloads = channel.name, self._node.control.name, self._wanted.payloads
        entry_at, show = channel.log.at, self._shown.append
        for offset in shown:
            entry = entry_at(offset)
            if entry is None:
                show(TraceLine(now, kind, session, name, node, offset))
                continue
            data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
            size = len(entry.data)
            if payloads and size <= DATA_BYTES_MAX:
                data = msgspec.Raw(entry.data)
            show(TraceLine(now, kind, session, name, node, offset, entry.event, size, "", data))


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
        line = TraceLine(now, "limited", node=self._node.control.name, text=text)
        self._start(self._write(name, [line]))

    async def _run(self, name: str, trace: Trace) -> None:
        while self._clock() < trace.ends_at:
            await trace.search()
            lines = trace.look(self._history, self._clock())
            if lines:
                await self._write(name, lines)
            await asyncio.sleep(LOOK_S)
        del self._traces[name]

    async def _write(self, name: str, lines: list[TraceLine]) -> None:
        # Made for the first trace, and kept: most nodes are never traced.
        broker = self._broker = self._broker or self._new_broker()
        body = encode(lines)
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
