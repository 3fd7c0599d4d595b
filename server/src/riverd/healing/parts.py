"""Offers in parts: nobody has to take all that a process holds at once."""

from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

import msgspec

from riverd.healing.offers import Contribution, Known, Replica, Unanswered
from riverd.scheduling.portions import portions

PARTS = 64
"""Of an offer: what it has of one channel is in one of them."""

OfChannel = TypeVar("OfChannel", Replica, Known, Unanswered)


async def divided(offer: Contribution) -> tuple[Contribution, dict[int, Contribution]]:
    """An offer without what it has of logs, and that in parts by their numbers."""
    replicas = await _by_part(offer.replicas)
    known = await _by_part(offer.known)
    unanswered = await _by_part(offer.unanswered)
    parts = {
        number: Contribution(
            offer.term,
            replicas=tuple(replicas.get(number, ())),
            known=tuple(known.get(number, ())),
            unanswered=tuple(unanswered.get(number, ())),
            entered_s=offer.entered_s,
        )
        for number in sorted({*replicas, *known, *unanswered})
    }
    return msgspec.structs.replace(offer, replicas=(), known=(), unanswered=()), parts


def light(part: Contribution) -> Contribution:
    """What is left where all of it would be too much: positions, but no publications.

    A log of which a message was not answered is not certain then.
    """
    replicas = [msgspec.structs.replace(one, publications=(), ages_s=()) for one in part.replicas]
    known = [msgspec.structs.replace(one, publication=None) for one in part.known]
    known += [Known(channel, "", 0) for channel in {one.channel for one in part.unanswered}]
    return msgspec.structs.replace(
        part, replicas=tuple(replicas), known=tuple(known), unanswered=()
    )


async def _by_part(items: Sequence[OfChannel]) -> dict[int, list[OfChannel]]:
    found: dict[int, list[OfChannel]] = {}
    async for some in portions(items):
        for one in some:
            found.setdefault(crc32(one.channel.encode()) % PARTS, []).append(one)
    return found
