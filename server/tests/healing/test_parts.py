"""Offers in parts, and what is left of one that is too large."""

import asyncio

from riverd.healing.offers import Contribution, Known, Replica, Unanswered
from riverd.healing.parts import PARTS, divided, light
from riverd.healing.union import Certainty, gathered, healed
from riverd.model.log import Position, Publication

SURE = Certainty(100.0, has_absent=False)
ONE = Publication(1, "e", b"1")
CHANNELS = [f"c{number}" for number in range(200)]


def replica(channel: str) -> Replica:
    return Replica(channel, "a", 1, 1.0, (ONE,), (2.0,))


def unanswered(channel: str) -> Unanswered:
    return Unanswered(channel, "k", Publication(0, "e", b"2"), 1.0, Position("a", 1))


def test_all_of_a_channel_is_in_one_part() -> None:
    offer = Contribution(
        3,
        members={"b": 1.0},
        replicas=tuple(map(replica, CHANNELS)),
        known=tuple(Known(channel, "a", 1) for channel in CHANNELS),
        unanswered=tuple(map(unanswered, CHANNELS)),
        entered_s=7.0,
    )
    rest, parts = asyncio.run(divided(offer))
    assert rest == Contribution(3, members={"b": 1.0}, entered_s=7.0)
    assert set(parts) <= set(range(PARTS))
    assert len(parts) > PARTS / 2
    assert {(one.term, one.entered_s) for one in parts.values()} == {(3, 7.0)}
    names = [
        [one.channel for one in some]
        for part in parts.values()
        for some in (part.replicas, part.known, part.unanswered)
    ]
    assert names[::3] == names[1::3] == names[2::3]
    assert sorted(name for some in names[::3] for name in some) == sorted(CHANNELS)


def test_log_is_healed_by_what_another_has_of_it_whole() -> None:
    offer = Contribution(1, replicas=(replica("c"),), known=(Known("c", "a", 1, ONE, "k", 1.0),))
    small = light(offer)
    assert gathered([small])["c"].publications() == {}
    assert healed(gathered([small])["c"], SURE) is not None
    log = healed(gathered([small, offer])["c"], SURE)
    assert log is not None
    assert (log.publications, log.keys) == ((ONE,), (("k", 1),))


def test_log_is_not_certain_if_the_content_of_an_unanswered_message_is_left_out() -> None:
    offer = Contribution(1, replicas=(replica("c"),), unanswered=(unanswered("c"),))
    assert healed(gathered([offer])["c"], SURE) is not None
    assert healed(gathered([light(offer), offer])["c"], SURE) is None
