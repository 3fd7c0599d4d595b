"""What clients read: histories and lists of members, from replicas or, within bounds, the broker.

A client's reads are served one after the other. Those that the broker has to be asked for are
shared: clients that ask for the same at the same time cause one call, and few calls are under way
for all clients together. So clients that ask much wait for themselves and not in front of
publishers.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from riverd.broker import Broker
from riverd.core.presence import LISTED_MAX
from riverd.core.recovery import held_tail
from riverd.core.session import Session
from riverd.errors import ErrorCode, RiverError
from riverd.model.commands import GetHistory, GetMembers
from riverd.model.log import Tail
from riverd.model.replies import HistoryReply, MemberList, Members
from riverd.node.replicas.attaching import Attachments
from riverd.scheduling.tasks import Tasks

READS_AT_ONCE_MAX = 8
"""Calls to the broker for clients, of all clients together."""
WAITING_MAX = 100
"""Reads of one client that are not served yet."""

T = TypeVar("T", Tail, MemberList)


class ClientReads:
    """Serves the reads of all sessions of a node."""

    def __init__(
        self, broker: Broker, attachments: Attachments, *, tasks: Tasks, clock: Callable[[], float]
    ) -> None:
        self._broker = broker
        self._attachments = attachments
        self._tasks = tasks
        self._clock = clock
        self._waiting: dict[Session, deque[GetHistory | GetMembers]] = {}
        self._under_way: dict[GetHistory | GetMembers, asyncio.Future[object]] = {}
        self._slots = asyncio.Semaphore(READS_AT_ONCE_MAX)

    def start(self, session: Session, command: GetHistory | GetMembers) -> None:
        """Serve a read that was authorised, after those that the session asked for before.

        Raises:
            RiverError: too_fast, when too many wait.
        """
        waiting = self._waiting.get(session)
        if waiting is None:
            self._waiting[session] = deque([command])
            self._tasks.start(self._serve_all(session, self._waiting[session]))
        elif len(waiting) < WAITING_MAX:
            waiting.append(command)
        else:
            raise RiverError(ErrorCode.TOO_FAST, f"more than {WAITING_MAX} reads wait")

    async def _serve_all(self, session: Session, waiting: deque[GetHistory | GetMembers]) -> None:
        try:
            while waiting and not session.closed:
                await self._serve(session, waiting[0])
                waiting.popleft()
        finally:
            del self._waiting[session]

    async def _serve(self, session: Session, command: GetHistory | GetMembers) -> None:
        refusal = self._refusal(session)
        found = refusal or await (
            self._tail(command) if isinstance(command, GetHistory) else self._members(command)
        )
        # The client may have stopped reading meanwhile.
        found = found if isinstance(found, RiverError) else self._refusal(session) or found
        if isinstance(found, RiverError):
            session.fail(command.id, found)
        elif isinstance(found, Tail):
            self._charge(session, sum(len(one.data) for one in found.publications))
            session.reply_at_length(HistoryReply(command.id, command.channel, found))
        else:
            self._charge(session, sum(len(one.info or b"") for one in found.members))
            session.reply(Members(command.id, command.channel, found))

    def _refusal(self, session: Session) -> RiverError | None:
        if session.blocked:
            return RiverError(ErrorCode.TOO_FAST, "read what was sent before asking for more")
        budget = session.read_bytes
        if budget is not None and budget.is_spent(self._clock()):
            return RiverError(ErrorCode.TOO_FAST, "read too many bytes: ask again later")
        return None

    def _charge(self, session: Session, count: int) -> None:
        now = self._clock()
        if session.read_bytes is None:
            session.read_bytes = session.limits.read_budget(now)
        session.read_bytes.take(count, now=now)

    async def _tail(self, command: GetHistory) -> Tail | RiverError:
        """The asked part of a log: from this node's replica where that has it."""
        channel, wanted = self._attachments.channel(command.channel), command.position
        if channel is not None:
            policy = channel.policy
            window = max(policy.history_size, 1 if policy.last_ttl_s else 0)
            limit = window if wanted is None else None
            held = held_tail(channel.log, wanted, limit=command.limit or limit)
            if held is not None:
                return held
        key = GetHistory(None, command.channel, wanted, command.limit)
        return await self._shared(
            key, lambda: self._broker.read(command.channel, after=wanted, limit=command.limit)
        )

    async def _members(self, command: GetMembers) -> MemberList | RiverError:
        channel = self._attachments.channel(command.channel)
        if channel is not None and channel.presence is not None:
            return channel.presence.listed()

        async def read() -> MemberList:
            roster = await self._broker.members(command.channel, limit=LISTED_MAX)
            return MemberList(roster.count, tuple(roster.members.values()))

        return await self._shared(GetMembers(None, command.channel), read)

    async def _shared(
        self, key: GetHistory | GetMembers, read: Callable[[], Awaitable[T]]
    ) -> T | RiverError:
        """The result of a read, or of the same read that is under way.

        An error is returned, not raised: one that several raise would hold what it was raised in.
        """
        under_way = self._under_way.get(key)
        if under_way is not None:
            return cast("T | RiverError", await asyncio.shield(under_way))
        result = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            found = await self._read(read)
            result.set_result(found)
            return found
        finally:
            del self._under_way[key]
            # Only if this was cancelled, as the node is closed.
            result.cancel()

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T | RiverError:
        async with self._slots:
            try:
                return await read()
            except RiverError as error:
                return error.with_traceback(None)
