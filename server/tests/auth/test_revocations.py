"""Whom a node refuses."""

import jwt
import pytest

from riverd.auth.revocations import Revocations, unrevoked
from riverd.auth.tokens import Verifier
from riverd.errors import BlockedError, Reason, TokenError
from riverd.model.claims import Claims
from riverd.model.orders import Standing, StandingKind

AT = 1000.5
REVOKED = Standing(StandingKind.REVOKED, "ann", at=AT, ends_at=5000, before=AT + 5)


def refusal(revocations: Revocations, now: float, issued_at: float | None) -> TokenError | None:
    try:
        revocations.check(Claims("ann", issued_at=issued_at), now)
    except TokenError as error:
        return error
    return None


def code(revocations: Revocations, now: float, issued_at: float | None) -> str | None:
    error = refusal(revocations, now, issued_at)
    return None if error is None else error.error.code


@pytest.fixture
def revocations() -> Revocations:
    made = Revocations()
    made.take(REVOKED)
    return made


def test_what_was_issued_before_the_log_out_is_refused(revocations: Revocations) -> None:
    assert code(revocations, AT, 999) == "token_revoked"
    assert code(revocations, 4999, 999) == "token_revoked"


def test_a_token_without_iat_counts_as_old(revocations: Revocations) -> None:
    assert code(revocations, AT, None) == "token_revoked"


def test_a_new_log_in_is_asked_to_wait_for_the_leeway(revocations: Revocations) -> None:
    for issued_at in (1000, 1003, 1005):
        error = refusal(revocations, 1003.25, issued_at)
        assert error is not None
        assert error.error.code == "token_revoked_recently"
        assert error.retry_after_ms == 2750
        assert error.message == "the user was logged out just now: a new token is taken in 3 s"
        assert error.reason is Reason.NOT_AUTHENTICATED
    assert code(revocations, 1006, 1005) == "token_revoked"


def test_what_is_issued_after_the_leeway_is_accepted(revocations: Revocations) -> None:
    assert code(revocations, 1006, 1006) is None
    revocations.check(Claims("bob"), AT)


def test_a_revocation_ends(revocations: Revocations) -> None:
    assert code(revocations, 5000, 1) is None
    revocations.expire(5000)
    assert len(revocations) == 0


@pytest.mark.parametrize("ends_at", [None, 2000.0])
def test_a_user_is_blocked_until_then(ends_at: float | None) -> None:
    revocations = Revocations()
    revocations.take(Standing(StandingKind.BLOCKED, "ann", at=AT, ends_at=ends_at))
    error = refusal(revocations, 1999, 1998)
    assert isinstance(error, BlockedError)
    assert error.reason is Reason.DISCONNECTED
    assert (code(revocations, 2000, 1998) is None) == (ends_at is not None)
    revocations.take(Standing(StandingKind.BLOCKED, "ann", at=AT + 1, ends_at=9000, lifted=True))
    assert code(revocations, 1999, 1998) is None


def test_of_two_whose_order_is_not_known_the_later_counts() -> None:
    revocations = Revocations()
    newer = Standing(StandingKind.BLOCKED, "ann", at=2, lifted=True)
    assert revocations.merge(newer)
    assert not revocations.merge(Standing(StandingKind.BLOCKED, "ann", at=1))
    assert revocations.all() == [newer]


def test_a_verifier_refuses_whom_the_list_names(revocations: Revocations) -> None:
    secret = "the-secret-of-these-tests-0123456789"
    verify = unrevoked(Verifier([secret]), revocations)
    assert verify(jwt.encode({"sub": "bob"}, secret), AT).user == "bob"
    with pytest.raises(TokenError) as caught:
        verify(jwt.encode({"sub": "ann", "iat": 999}, secret), AT)
    assert caught.value.error.code == "token_revoked"


def test_those_that_are_over_are_dropped_while_others_come() -> None:
    revocations = Revocations()
    for number in range(5_000):
        at = float(number)
        revocations.take(Standing(StandingKind.REVOKED, f"u{number}", at, at + 10, at))
    assert len(revocations) < 2_500
