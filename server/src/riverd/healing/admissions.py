"""Which servers of a cluster one process may use: see `shards.py`."""

from collections.abc import Callable

import msgspec

from riverd.errors import BrokerError
from riverd.healing.process import Healing, Term
from riverd.healing.shards import Mark, Shard, Shards

ASK_AGAIN_S_FIRST = 2.0
ASK_AGAIN_S_MAX = 60.0
ASKED_MAX = 100


class OpenTerm(msgspec.Struct, frozen=True):
    """A term and its shards; `terms` are the names of the last ones, this one's at the end."""

    term: Term
    shards: Shards
    terms: tuple[str, ...] = ()

    def shard(self, history: str) -> Shard | None:
        """The shard with this history; None if a server is none of the term's."""
        return next((one for one in self.shards if one.history == history), None)

    def terms_of(self, shard: Shard) -> tuple[str, ...]:
        """The terms that a shard is in, as far as they are known."""
        known = shard.admitted in self.terms
        return self.terms[self.terms.index(shard.admitted) :] if known else self.terms

    def counts(self, mark: Mark, *, at: Shard) -> bool:
        """Whether a log that a shard has now goes on, by who has written it last."""
        writer = self.shard(mark.history)
        if writer is None or writer.admitted != mark.admitted:
            return False
        return writer == at or mark.term in self.terms_of(at)


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
                raise BrokerError("others have not taken this server of the cluster in yet")
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
