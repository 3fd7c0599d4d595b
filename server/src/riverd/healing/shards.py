"""The servers of a cluster that one term is open in: its shards.

A process uses these alone. A log goes on where it is as long as the shard that wrote it last is one
of the term's, in the same history and under the same admission: at that server; or at another shard
that its slot was moved to, if it was written in a term that this one is in as well. What was there
before may be an old copy: a replica that takes over has what was moved to its master.

When a server is restarted, or its replica takes over, its history is another one: it is admitted
anew in the next term, and what it wrote before is healed. The others stay what they were, and
nothing of theirs is written again.
"""

from collections.abc import Iterable, Mapping

import msgspec

TERMS_MAX = 16
"""A log that was written in an older term begins again where its slot is moved."""


class Shard(msgspec.Struct, array_like=True, frozen=True):
    """A server with one history of its data, and the name of the term in which it was admitted."""

    address: str
    history: str
    admitted: str


Shards = tuple[Shard, ...]


class Mark(msgspec.Struct, array_like=True, frozen=True):
    """Which shard has written a log last, and the name of the term in which it did.

    It outlives the shard, with the log.
    """

    history: str
    admitted: str
    term: str


def terms_after(terms: Iterable[str], name: str) -> tuple[str, ...]:
    """The names of the last terms, with that of the next one."""
    return (*terms, name)[-TERMS_MAX:]


def following(before: Shards, found: Mapping[str, str | None], *, term: str) -> Shards:
    """The shards of the next term.

    A server that does not answer stays what it was; one that was no shard before is left out, until
    it answers.

    Args:
        before: those of the last one.
        found: the history of each server that has slots now, by its address; None if it does not
            answer.
        term: the next one's name.
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
    return tuple(shards)
