"""Which servers of a cluster a term has, and which a process may use."""

import pytest

from riverd.errors import BrokerError
from riverd.healing.admissions import Admissions, OpenTerm
from riverd.healing.process import Healing, Term
from riverd.healing.shards import Mark, Shard, following, terms_after

A, B = Shard("a:1", "run-a", "1.t"), Shard("b:1", "run-b", "1.t")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def healing(clock: Clock) -> Healing:
    made = Healing(clock)
    made.enter(Term(1, "t"), (A, B))
    return made


def test_servers_that_lost_nothing_stay_what_they_were() -> None:
    assert following((A, B), {"a:1": "run-a", "b:1": "run-b"}, term="2.u") == (A, B)


def test_a_server_with_another_history_is_admitted_anew() -> None:
    found = {"a:1": "run-c", "b:1": "run-b"}
    assert following((A, B), found, term="2.u") == (Shard("a:1", "run-c", "2.u"), B)


def test_a_server_that_moved_is_the_same_and_one_without_slots_is_none() -> None:
    assert following((A, B), {"c:1": "run-b"}, term="2.u") == (Shard("c:1", "run-b", "1.t"),)


def test_a_server_that_does_not_answer_stays_what_it_was() -> None:
    found = {"a:1": None, "b:1": "run-b", "c:1": None}
    assert following((A, B), found, term="2.u") == (A, B)


def test_a_server_of_the_term_is_used(clock: Clock, healing: Healing) -> None:
    assert Admissions(healing, clock).shard(OpenTerm(Term(1, "t"), (A, B)), "run-b") == B
    assert not healing.has_left


def test_a_server_that_the_term_does_not_have_needs_another_term(
    clock: Clock, healing: Healing
) -> None:
    ours, term = Admissions(healing, clock), OpenTerm(Term(1, "t"), (A,))
    assert ours.shard(term, "run-b") is None
    # It takes part in the next one: until then it neither publishes nor delivers.
    assert healing.has_left
    assert ours.shard(term, "run-a") is None
    following_term = Term(2, "u")
    healing.enter(following_term, (A,))
    # Others do not take it for one of the cluster: it is asked for again, but not at once.
    with pytest.raises(BrokerError):
        ours.shard(OpenTerm(following_term, (A,)), "run-b")
    assert ours.shard(OpenTerm(following_term, (A,)), "run-a") == A
    clock.now += 2.0
    assert ours.shard(OpenTerm(following_term, (A,)), "run-b") is None
    healing.enter(Term(3, "v"), (A,))
    clock.now += 2.0
    with pytest.raises(BrokerError):
        ours.shard(OpenTerm(Term(3, "v"), (A,)), "run-b")


def test_an_older_term_and_a_rival_are_not_entered(clock: Clock, healing: Healing) -> None:
    healing.enter(Term(3, "v"), (A, B))
    ours = Admissions(healing, clock)
    assert ours.shard(OpenTerm(Term(2, "u"), (A, B)), "run-a") is None
    assert ours.shard(OpenTerm(Term(3, "w"), (A, B)), "run-a") is None


def test_a_log_of_another_shard_counts_where_it_was_moved_in_a_term_of_both() -> None:
    new = Shard("b:1", "run-d", "2.u")
    term = OpenTerm(Term(3, "v"), (A, new), ("1.t", "2.u", "3.v"))
    old, young = Mark("run-a", "1.t", "1.t"), Mark("run-a", "1.t", "2.u")
    assert [term.counts(mark, at=A) for mark in (old, young)] == [True, True]
    assert [term.counts(mark, at=new) for mark in (old, young)] == [False, True]
    assert not term.counts(Mark("run-b", "1.t", "3.v"), at=A), "it is none of the term's"
    assert not term.counts(Mark("run-a", "0.s", "3.v"), at=A), "it was admitted anew"


def test_where_the_older_terms_are_not_known_only_the_known_ones_count() -> None:
    term = OpenTerm(Term(3, "v"), (A, B), terms_after((), "3.v"))
    assert term.counts(Mark("run-a", "1.t", "3.v"), at=B)
    assert not term.counts(Mark("run-a", "1.t", "2.u"), at=B)
