"""What is certain of a log of which each process knows a part."""

import msgspec
import pytest

from riverd.healing.offers import Contribution, DataLog, Known, Replica, Unanswered
from riverd.healing.union import Certainty, Evidence, awaited, gathered, healed, horizon_s
from riverd.model.log import Position, Publication

SURE = Certainty(100.0, has_absent=False)


def publication(offset: int, data: bytes = b"") -> Publication:
    return Publication(offset, "e", data or b"%d" % offset)


def replica(first: int, last: int, *, age_s: float = 1.0, epoch: str = "a") -> Replica:
    held = tuple(map(publication, range(first, last + 1)))
    return Replica("c", epoch, last, age_s, held, (2.0,) * len(held))


def accepted(offset: int, key: str | None = None) -> Known:
    return Known("c", "a", offset, publication(offset), key, 0.5)


def unanswered(data: bytes, *, after: int = 0) -> Unanswered:
    return Unanswered("c", "k", publication(0, data), 1.0, Position("a", after))


def evidence(
    *replicas: Replica,
    known: tuple[Known, ...] = (),
    tried: tuple[Unanswered, ...] = (),
    stored: DataLog | None = None,
) -> Evidence:
    found = Evidence()
    found.replicas += replicas
    found.known += known
    found.unanswered += tried
    found.stored = stored
    return found


def offsets(found: Evidence, certainty: Certainty = SURE) -> list[int] | None:
    log = healed(found, certainty)
    return None if log is None else [one.offset for one in log.publications]


def test_log_is_the_union_of_what_is_held() -> None:
    found = evidence(replica(3, 5), replica(1, 4), known=(accepted(6), accepted(7)))
    assert offsets(found) == [1, 2, 3, 4, 5, 6, 7]


def test_data_of_the_broker_belongs_to_it() -> None:
    stored = DataLog("a", 6, tuple(map(publication, range(4, 7))))
    assert offsets(evidence(replica(3, 5), stored=stored)) == [3, 4, 5, 6]


def test_hole_below_the_newest_offset_that_anybody_was_given_is_none() -> None:
    assert offsets(evidence(replica(1, 4), known=(accepted(6),))) is None
    assert offsets(evidence(replica(1, 4), known=(Known("c", "a", 5),))) is None


def test_hole_below_a_replica_that_is_not_complete_does_no_harm() -> None:
    found = evidence(replica(1, 2, age_s=500.0), replica(5, 8))
    assert offsets(found) == [5, 6, 7, 8]


def test_two_contents_or_two_epochs_are_none() -> None:
    other = Known("c", "a", 4, publication(4, b"another"))
    assert offsets(evidence(replica(1, 4), known=(other,))) is None
    assert offsets(evidence(replica(1, 4), replica(1, 4, epoch="b"))) is None
    assert offsets(evidence(replica(1, 4), stored=DataLog("b", 1))) is None


def test_replica_must_have_been_complete_within_what_others_remember() -> None:
    assert offsets(evidence(replica(1, 4, age_s=3.0)), Certainty(2.0, has_absent=False)) is None


def test_keys_of_what_was_accepted_are_kept() -> None:
    log = healed(evidence(replica(1, 2), known=(accepted(3, "k"),)), SURE)
    assert log is not None
    assert log.keys == (("k", 3),)


def test_key_of_a_message_that_was_not_answered_is_that_of_its_publication() -> None:
    log = healed(evidence(replica(1, 3), tried=(unanswered(b"3", after=2),)), SURE)
    assert log is not None
    assert log.keys == (("k", 3),)


def test_message_that_was_not_answered_and_is_nowhere_was_not_accepted() -> None:
    log = healed(evidence(replica(1, 3), tried=(unanswered(b"4", after=3),)), SURE)
    assert log is not None
    assert log.keys == ()


@pytest.mark.parametrize("certainty", [SURE, Certainty(100.0, has_absent=True)])
def test_message_that_may_be_one_of_two_publications_makes_the_log_uncertain(
    certainty: Certainty,
) -> None:
    twins = Replica("c", "a", 2, 1.0, (publication(1, b"x"), publication(2, b"x")), (2.0, 2.0))
    assert healed(evidence(twins, tried=(unanswered(b"x"),)), certainty) is None


def test_message_whose_publication_was_dropped_makes_the_log_uncertain() -> None:
    assert healed(evidence(replica(5, 6), tried=(unanswered(b"3"),)), SURE) is None


def test_publications_before_a_hole_do_not_show_that_a_message_was_not_in_it() -> None:
    # Without its publications, as where the server had no memory for them.
    light = Replica("c", "a", 3, 1.0)
    older = Known("c", "a", 1, publication(1), "k1", 60.0)
    found = evidence(light, known=(older,), tried=(unanswered(b"3", after=2),))
    assert healed(found, SURE) is None


def contribution(**members: float) -> Contribution:
    return Contribution(1, looked_s=1.0, members=members)


def test_process_that_was_alive_when_somebody_looked_is_awaited() -> None:
    offers = {"a": contribution(b=1.5, c=9.0)}
    assert awaited(offers) == {"b"}
    assert horizon_s(offers) < 0


def test_what_a_process_accepted_that_is_gone_for_long_is_in_all_replicas() -> None:
    assert horizon_s({"a": contribution(c=20.0)}) == 20 - 5 - 6


def test_nothing_is_certain_beside_outsiders_or_when_nobody_has_looked_for_long() -> None:
    assert horizon_s({"a": Contribution(1, looked_s=1.0, has_outsiders=True)}) < 0
    assert horizon_s({"a": Contribution(1, looked_s=16.0)}) < 0
    assert horizon_s({"a": contribution()}) > 0


def epochs_known(*offers: Contribution) -> set[str]:
    return {one.epoch for one in gathered(offers)["c"].known}


def test_epoch_that_ended_in_an_older_term_is_not_known_any_more() -> None:
    node = Contribution(2, replicas=(replica(1, 4, epoch="b"),), entered_s=5.0)
    # It entered the node's term 5 s ago, and has not been given anything of the log since.
    publisher = Contribution(2, known=(Known("c", "a", 9, age_s=7.0),), entered_s=5.0)
    assert epochs_known(node, publisher) == set()
    # It has not entered that term.
    assert epochs_known(node, msgspec.structs.replace(publisher, term=1, entered_s=60.0)) == set()


@pytest.mark.parametrize(
    "node",
    [
        Contribution(2, replicas=(replica(1, 4, epoch="b", age_s=6.0),), entered_s=5.0),
        Contribution(2, replicas=(replica(1, 4, epoch="b"), replica(1, 9)), entered_s=5.0),
        Contribution(2, replicas=(replica(1, 4, epoch="b"),)),
        Contribution(1, replicas=(replica(1, 4, epoch="b"),), entered_s=60.0),
    ],
    ids=["seen before the term", "somebody has it", "nobody says when", "no newer term"],
)
def test_epoch_that_may_not_have_ended_is_known(node: Contribution) -> None:
    publisher = Contribution(1, known=(Known("c", "a", 9, age_s=7.0),), entered_s=60.0)
    assert epochs_known(node, publisher) == {"a"}


def test_epoch_that_was_given_in_the_same_term_is_known() -> None:
    node = Contribution(2, replicas=(replica(1, 4, epoch="b"),), entered_s=5.0)
    publisher = Contribution(2, known=(Known("c", "a", 9, age_s=4.0),), entered_s=5.0)
    assert epochs_known(node, publisher) == {"a"}
    unsure = msgspec.structs.replace(publisher, known=(Known("c", "a", 9, age_s=7.0),))
    assert epochs_known(node, msgspec.structs.replace(unsure, entered_s=-1.0)) == {"a"}
