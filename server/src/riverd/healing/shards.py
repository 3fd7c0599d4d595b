"""The servers of a cluster that one term is open in: its shards.

A process uses these alone. A log counts where it is as long as the shard that wrote it last is one
of the term's, in the same history and under the same admission: at that server, or at another shard
that its slot was moved to. When a server is restarted, or its replica takes over, its history is
another one: it is admitted anew in the next term, and what it wrote before is healed. The others
stay what they were, and nothing of theirs is written again.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from riverd.errors import BrokerError
from riverd.healing.process import Healing, Term

ASK_AGAIN_S_FIRST = 2.0
ASK_AGAIN_S_MAX = 60.0
ASKED_MAX = 100


class Shard(msgspec.Struct, array_like=True, frozen=True):
    """A server with one history of its data, and the name of the term in which it was admitted."""

    address: str
    history: str
    admitted: str


Shards = tuple[Shard, ...]


class Mark(msgspec.Struct, array_like=True, frozen=True):
    """Which shard has written a log last. It outlives the shard, with the log."""

    history: str
    admitted: str


class OpenTerm(msgspec.Struct, frozen=True):
    """A term and its shards."""

    term: Term
    shards: Shards

    def shard(self, history: str) -> Shard | None:
        """The shard with this history; None if a server is none of the term's."""
        return next((one for one in self.shards if one.history == history), None)


def marks(shards: Iterable[Shard]) -> frozenset[Mark]:
    """By whom a log counts."""
    return frozenset(Mark(one.history, one.admitted) for one in shards)


def following(before: Shards, found: Mapping[str, str | None], *, term: str) -> Shards:
    """The shards of the next term.

    Args:
        before: those of the last one.
        found: the history of each server that has slots now, by its address; None if it does not
            answer.
        term: the next one's name.

    Raises:
        BrokerError: a server that is none of the last term's does not answer.
    """
    at_address = {one.address: one for one in before}
    of_history = {one.history: one for one in before}
    shards: list[Shard] = []
    for address, history in sorted(found.items()):
        known = at_address.get(address) if history is None else of_history.get(history)
        if known is not None:
            shards.append(Shard(address, known.history, known.admitted))
        elif history is not None:
            shards.append(Shard(address, history, term))
        else:
            raise BrokerError(f"{address} has slots, and does not answer")
    return tuple(shards)


class Admissions:
    """Which servers one process may use.

    One that is none of the term's has to be admitted by another term. A server that others do not
    take for one of the cluster is not asked for again and again: each term costs all a moment.
    """

    def __init__(self, healing: Healing, clock: Callable[[], float]) -> None:
        self._healing = healing
        self._clock = clock
        self._asked: dict[str, tuple[float, float]] = {}
        """By history: until when no term is asked for with it, and for how long that was."""

    def shard(self, now: OpenTerm, history: str) -> Shard | None:
        """As what a server is used; None if a newer term has to be opened first.

        Raises:
            BrokerError: the server is none of the term's, though this process has asked for it.
        """
        healing = self._healing
        if now.term.number < healing.least or healing.is_rival(now.term):
            return None
        shard = now.shard(history)
        if shard is None:
            if not self._may_ask(history):
                raise BrokerError("the server is not one of those that the cluster's term has")
            healing.least = max(healing.least, now.term.number + 1)
        return shard

    def _may_ask(self, history: str) -> bool:
        now = self._clock()
        until, wait_s = self._asked.pop(history, (now, 0.0))
        is_time = now >= until
        if is_time:
            wait_s = min(ASK_AGAIN_S_MAX, max(ASK_AGAIN_S_FIRST, 2 * wait_s))
            until = now + wait_s
        if len(self._asked) >= ASKED_MAX:
            del self._asked[next(iter(self._asked))]
        self._asked[history] = until, wait_s
        return is_time
