"""What a broker keeps, as plain state: logs, members by node, counts, idempotency keys."""

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from heapq import nsmallest
from itertools import islice

from riverd.channels.names import INTERNAL
from riverd.channels.rules import ChannelPolicy, ChannelRules
from riverd.errors import ErrorCode, RiverError
from riverd.model.log import (
    After,
    Change,
    Ephemeral,
    FirstAfter,
    Member,
    Message,
    Occupancy,
    Position,
    Publication,
    Receipt,
    Roster,
    Tail,
)
from riverd.model.orders import Standing, StandingKind, is_over

IDLE_S_MAX = 86_400.0
UNUSED_S_MAX = 60.0
KEYS_KEPT_S = 600.0
KEYS_MAX = 1_000_000
EXPIRED_AT_ONCE = 500
LISTED_AT_ONCE, NAMES_AT_ONCE = 500, 5_000
STANDINGS_UNCHECKED = 1_000
"""So many more revocations and blocks may be over before they are dropped."""


class StoredLog:
    """One channel's log: its position outlives its entries."""

    __slots__ = ("entries", "epoch", "offset", "policy", "size", "touched")

    def __init__(self, epoch: str, policy: ChannelPolicy, *, now: float) -> None:
        self.policy = policy
        self.epoch = epoch
        self.offset = 0
        self.touched = now
        self.entries: deque[tuple[float, Publication]] = deque()
        self.size = 0
        """What the entries count for in bytes."""

    @property
    def position(self) -> Position:
        """Where the log stands."""
        return Position(self.epoch, self.offset)


_NO_LOG = StoredLog("", ChannelRules(history_size=0, history_ttl_s=0).of("none"), now=0)
"""What a channel that nobody published to has: nothing, in no epoch."""


class StoredMembers:
    """One channel's members, by the nodes that have connections of theirs."""

    __slots__ = ("epoch", "members", "nodes", "version")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.version = 0
        self.members: dict[str, Member] = {}
        self.nodes: dict[str, set[str]] = {}

    @property
    def position(self) -> Position:
        """The version of the list."""
        return Position(self.epoch, self.version)

    def next_change(self, member: Member, *, joined: bool) -> Change:
        """Count one more version."""
        self.version += 1
        return Change(self.version, joined, member)


class Store:
    """The state behind a memory broker. Time is given, in seconds of any one clock."""

    def __init__(
        self,
        rules: ChannelRules,
        *,
        new_epoch: Callable[[], str],
        log_bytes_max: float = math.inf,
    ) -> None:
        self.rules = rules
        self.log_bytes = 0
        """What the entries of all logs count for."""
        self._log_bytes_max = log_bytes_max
        self._new_epoch = new_epoch
        self._logs: dict[str, StoredLog] = {}
        self._members: dict[str, StoredMembers] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._counted: set[str] = set()
        self._standings: dict[tuple[StandingKind, str], Standing] = {}
        self._standings_checked = STANDINGS_UNCHECKED
        self._keys: OrderedDict[tuple[str, str], tuple[float, Receipt]] = OrderedDict()

    def publish(
        self, message: Message, now: float
    ) -> tuple[Receipt, Publication | Ephemeral | None]:
        """Append what is to be kept; no event comes back if the message's key was seen before."""
        if message.key is not None:
            seen = self._keys.get((message.channel, message.key))
            if seen is not None and seen[0] > now - KEYS_KEPT_S:
                return seen[1], None
        known = self._logs.get(message.channel)
        log = known or self._log(message.channel, now)
        log.touched = now
        receipt: Receipt
        event: Publication | Ephemeral
        if message.keep:
            offset = log.offset = log.offset + 1
            event = Publication(offset, message.event, message.data, message.user, message.exclude)
            log.entries.append((now, event))
            size = len(message.data) + len(message.event)
            log.size += size
            self.log_bytes += size
            policy = log.policy
            if (
                self.log_bytes > self._log_bytes_max
                or len(log.entries) > policy.history_size
                or log.size > policy.history_bytes
                or log.entries[0][0] < now - policy.history_ttl_s
            ):
                self._trim(log, now)
            receipt = Position(log.epoch, offset)
        else:
            event = Ephemeral(
                log.offset, message.event, message.data, message.user, message.exclude
            )
            receipt = After(log.epoch, log.offset)
        if message.key is not None:
            self._remember((message.channel, message.key), receipt, now=now)
        if known is None and isinstance(receipt, After):
            receipt = FirstAfter(log.epoch, log.offset)
        return receipt, event

    def age_s(self, channel: str, offset: int, *, now: float) -> float | None:
        """For how long a log has had a publication; None if it has it not."""
        log = self._logs.get(channel)
        if log is None or not log.offset - len(log.entries) < offset <= log.offset:
            return None
        return now - log.entries[offset - log.offset - 1][0]

    def read(
        self,
        channel: str,
        after: Position | None = None,
        *,
        limit: int | None = None,
        keep: bool = True,
        now: float,
    ) -> Tail:
        """The log's position and publications after a position, or the last ones.

        Raises:
            RiverError: unrecoverable; the message is the contract's reason.
        """
        log = self._log(channel, now) if keep else self._logs.get(channel)
        if log is None:
            log = _NO_LOG
        if keep and after is not None and after.epoch == log.epoch and after.offset > log.offset:
            self.renounce(channel, log.epoch, now=now)
            raise RiverError(ErrorCode.UNRECOVERABLE, "epoch")
        self._trim(log, now)
        held = len(log.entries)
        if after is None:
            count = held if limit is None else min(limit, held)
            return Tail(
                log.position, tuple(entry for _, entry in islice(log.entries, held - count, None))
            )
        reason = after.why_lost(log.position, oldest=log.offset - held)
        if reason is not None:
            raise RiverError(ErrorCode.UNRECOVERABLE, reason)
        start = after.offset - (log.offset - held)
        stop = held if limit is None else min(held, start + limit)
        return Tail(log.position, tuple(entry for _, entry in islice(log.entries, start, stop)))

    def renounce(self, channel: str, epoch: str, *, now: float) -> None:
        """A position of this epoch was given twice: the log begins again, if it still has it."""
        log = self._logs.get(channel)
        if log is not None and log.epoch == epoch:
            self.log_bytes -= log.size
            self._logs[channel] = StoredLog(self._new_epoch(), log.policy, now=now)

    def position(self, channel: str, now: float) -> Position:
        """Where the log stands; asking keeps it."""
        log = self._logs.get(channel)
        if log is None:
            return _NO_LOG.position
        log.touched = now
        return log.position

    def join(
        self, channel: str, node: str, member: Member, *, limit: int | None = None
    ) -> tuple[Position, Change | None]:
        """The node has the user now. The version that has it; the change if it was not there.

        Raises:
            RiverError: too_many_members.
        """
        stored = self._members.get(channel)
        if stored is None:
            stored = self._members[channel] = StoredMembers(self._new_epoch())
        present = member.user in stored.members
        if limit is not None and not present and len(stored.members) >= limit:
            raise RiverError(ErrorCode.TOO_MANY_MEMBERS, f"more than {limit} members")
        stored.nodes.setdefault(node, set()).add(member.user)
        if present:
            return stored.position, None
        stored.members[member.user] = member
        change = stored.next_change(member, joined=True)
        return stored.position, change

    def leave(self, channel: str, node: str, user: str) -> tuple[Position, Change] | None:
        """The node has the user no more. The change, if no other node has it."""
        stored = self._members.get(channel)
        if stored is None or user not in stored.nodes.get(node, ()):
            return None
        stored.nodes[node].discard(user)
        if not stored.nodes[node]:
            del stored.nodes[node]
        if any(user in users for users in stored.nodes.values()):
            return None
        change = stored.next_change(stored.members.pop(user), joined=False)
        return stored.position, change

    def roster(self, channel: str, *, limit: int | None = None, keep: bool = True) -> Roster:
        """The members, at most `limit` of them, and the version of the list."""
        stored = self._members.get(channel)
        if stored is None and not keep:
            return Roster(_NO_LOG.position, {}, 0)
        if stored is None:
            stored = self._members[channel] = StoredMembers(self._new_epoch())
        members = dict(islice(stored.members.items(), limit))
        return Roster(stored.position, members, len(stored.members))

    def users(self, channel: str) -> list[str]:
        """The members of a channel."""
        stored = self._members.get(channel)
        return [] if stored is None else sorted(stored.members)

    def version(self, channel: str) -> Position:
        """The version of the list of members."""
        stored = self._members.get(channel)
        return _NO_LOG.position if stored is None else stored.position

    def keep_standing(self, standing: Standing) -> None:
        """Keep a revocation or block: it follows all that were kept before."""
        standings = self._standings
        standings[standing.kind, standing.user] = standing
        if len(standings) > self._standings_checked:
            for key in [key for key, one in standings.items() if is_over(one, standing.at)]:
                del standings[key]
            # Looked through again when there are twice as many: each costs the same in the end.
            self._standings_checked = 2 * len(standings) + STANDINGS_UNCHECKED

    def restore_standing(self, standing: Standing) -> bool:
        """Keep one that a node has given back; False if there is one that is as new."""
        kept = self._standings.get((standing.kind, standing.user))
        is_newer = kept is None or kept.at < standing.at
        if is_newer:
            self.keep_standing(standing)
        return is_newer

    def standings(self) -> list[Standing]:
        """All revocations and blocks."""
        return list(self._standings.values())

    def report(self, node: str, subscribers: Mapping[str, int]) -> None:
        """Take a node's counts."""
        self._counted.update(subscribers)
        for channel, count in subscribers.items():
            counts = self._counts.get(channel)
            if count:
                if counts is None:
                    counts = self._counts[channel] = {}
                counts[node] = count
            elif counts is not None:
                counts.pop(node, None)
                if not counts:
                    del self._counts[channel]

    def occupying(
        self, prefix: str, found: dict[str, Occupancy], *, limit: int | None = None
    ) -> Iterator[None]:
        """Find the channels that have subscribers. It yields where others may have a turn."""
        counted, names = list(self._counts), list[str]()
        for start in range(0, len(counted), NAMES_AT_ONCE):
            if start:
                yield
            names += [o for o in counted[start : start + NAMES_AT_ONCE] if o.startswith(prefix)]
            if limit is not None:
                names = nsmallest(limit, (one for one in names if not one.startswith(INTERNAL)))
        for number, name in enumerate(names):
            if number and number % LISTED_AT_ONCE == 0:
                yield
            # Not those whose last subscriber left meanwhile.
            if name in self._counts:
                found[name] = self.occupancy(name)

    def occupancy(self, channel: str) -> Occupancy:
        """How many subscribers a channel has, and its members if it has any."""
        stored = self._members.get(channel)
        users = len(stored.members) if stored is not None else None
        return Occupancy(sum(self._counts.get(channel, {}).values()), users)

    def forget_node(self, node: str) -> list[tuple[str, Position, Change]]:
        """The node is gone, with all that it had: the leaves to announce."""
        for channel in [name for name, counts in self._counts.items() if node in counts]:
            self.report(node, {channel: 0})
        left: list[tuple[str, Position, Change]] = []
        for channel, stored in self._members.items():
            for user in sorted(stored.nodes.get(node, ())):
                change = self.leave(channel, node, user)
                if change is not None:
                    left.append((channel, *change))
        return left

    def expire(self, now: float) -> None:
        """Do all of `expiring` at once."""
        for _ in self.expiring(now):
            pass

    def expiring(self, now: float) -> Iterator[None]:
        """Drop old publications, logs that nobody touched, old keys, empty lists.

        What has subscribers is kept, or had some since the last call: replicas, which nodes keep
        for a while, would take a new epoch for a loss. So leave more time between two calls than
        nodes linger. It yields where others may have a turn.
        """
        subscribed = self._counts.keys() | self._counted
        self._counted.clear()
        # Before others have a turn, and subscribe to them.
        for channel in [name for name, stored in self._members.items() if not stored.members]:
            if channel not in subscribed:
                del self._members[channel]
        for number, (channel, log) in enumerate(list(self._logs.items()), 1):
            if number % EXPIRED_AT_ONCE == 0:
                yield
            self._trim(log, now)
            # One without publications was only looked at: nobody can miss anything of it.
            idle_s = now - log.touched
            kept_s = max(IDLE_S_MAX, log.policy.last_ttl_s)
            idle_s_max = kept_s if log.offset else log.policy.history_ttl_s or UNUSED_S_MAX
            idle = idle_s > idle_s_max and channel not in subscribed
            if idle and self._logs.get(channel) is log:
                self.log_bytes -= self._logs.pop(channel).size
        while self._keys and next(iter(self._keys.values()))[0] <= now - KEYS_KEPT_S:
            self._keys.popitem(last=False)
            if len(self._keys) % EXPIRED_AT_ONCE == 0:
                yield

    def _trim(self, log: StoredLog, now: float) -> None:
        bytes_max = log.policy.history_bytes
        if self.log_bytes > self._log_bytes_max:
            # Too much for all together: each keeps its share, so the largest give.
            bytes_max = min(bytes_max, int(self._log_bytes_max / max(1, len(self._logs))))
        before = log.size
        _trim(log, now, bytes_max=bytes_max)
        self.log_bytes -= before - log.size

    def _log(self, channel: str, now: float) -> StoredLog:
        log = self._logs.get(channel)
        if log is None:
            log = self._logs[channel] = StoredLog(
                self._new_epoch(), self.rules.of(channel), now=now
            )
        log.touched = now
        return log

    def _remember(self, key: tuple[str, str], receipt: Receipt, *, now: float) -> None:
        self._keys[key] = (now, receipt)
        self._keys.move_to_end(key)
        if len(self._keys) > KEYS_MAX:
            self._keys.popitem(last=False)


def _trim(log: StoredLog, now: float, *, bytes_max: int) -> None:
    entries, policy = log.entries, log.policy
    count, size = policy.history_size, bytes_max
    before = now - policy.history_ttl_s
    while entries and (len(entries) > count or log.size > size or entries[0][0] < before):
        # The newest outlives the window where a rule says so.
        if len(entries) == 1 and now - entries[0][0] <= policy.last_ttl_s > 0:
            break
        gone = entries.popleft()[1]
        # Not `size`: on the path of each publication a property is a tenth of it.
        log.size -= len(gone.data) + len(gone.event)
