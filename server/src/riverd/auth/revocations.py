"""Who was logged out or blocked: the copy of the broker's list by which a node refuses tokens."""

import math
from collections.abc import Callable

from riverd.auth.tokens import Verifier
from riverd.errors import BlockedError, ErrorCode, TokenError
from riverd.model.claims import Claims
from riverd.model.orders import Standing, StandingKind, is_over

UNCHECKED_MAX = 1_000
"""Of so many it is not asked which are over."""


class Revocations:
    """Revocations and blocks by user. Times are unix seconds."""

    def __init__(self) -> None:
        self._by_kind: dict[StandingKind, dict[str, Standing]] = {kind: {} for kind in StandingKind}
        self._revoked = self._by_kind[StandingKind.REVOKED]
        self._blocked = self._by_kind[StandingKind.BLOCKED]
        self._looked_through_at = UNCHECKED_MAX

    def __len__(self) -> int:
        return len(self._revoked) + len(self._blocked)

    def take(self, standing: Standing) -> None:
        """Take one from the log: it follows all that were taken before."""
        self._by_kind[standing.kind][standing.user] = standing
        if len(self) > self._looked_through_at:
            self.expire(standing.at)
            # Again when there are twice as many: each costs the same in the end.
            self._looked_through_at = 2 * len(self) + UNCHECKED_MAX

    def merge(self, standing: Standing) -> bool:
        """Take one whose position is not known, unless a later one was taken. Whether it did."""
        known = self._by_kind[standing.kind].get(standing.user)
        if known is not None and known.at >= standing.at:
            return False
        self.take(standing)
        return True

    def all(self) -> list[Standing]:
        """All of them, also those that are over."""
        return [*self._revoked.values(), *self._blocked.values()]

    def expire(self, now: float) -> None:
        """Drop those that are over."""
        for standings in self._by_kind.values():
            for user in [user for user, one in standings.items() if is_over(one, now)]:
                del standings[user]

    def check(self, claims: Claims, now: float) -> None:
        """Find out whether the token may still be used.

        Raises:
            BlockedError: the user is blocked.
            TokenError: token_revoked, token_revoked_recently.
        """
        blocked = self._blocked.get(claims.user)
        if blocked is not None and not blocked.lifted and not is_over(blocked, now):
            raise BlockedError("the user is blocked")
        revoked = self._revoked.get(claims.user)
        if revoked is not None and not is_over(revoked, now):
            _check_issued(claims.issued_at, revoked, now=now)


def unrevoked(verifier: Verifier, revocations: Revocations) -> Callable[[str, float], Claims]:
    """What verifies a token, and refuses that of a user who was logged out or blocked."""

    def verify(token: str, now: float) -> Claims:
        claims = verifier.verify(token, now)
        revocations.check(claims, now)
        return claims

    return verify


def _check_issued(issued_at: float | None, revoked: Standing, *, now: float) -> None:
    if issued_at is None:
        raise TokenError(
            ErrorCode.TOKEN_REVOKED, "the user was logged out, and the token has no iat"
        )
    if issued_at > revoked.before:
        return
    # `iat` is in whole seconds: a token of the second of the log-out may be a new one.
    accepted_at = math.floor(revoked.before) + 1
    if issued_at >= math.floor(revoked.at) and now < accepted_at:
        wait_s = accepted_at - now
        error = TokenError(
            ErrorCode.TOKEN_REVOKED_RECENTLY,
            f"the user was logged out just now: a new token is taken in {math.ceil(wait_s)} s",
        )
        error.retry_after_ms = math.ceil(wait_s * 1000)
        raise error
    raise TokenError(ErrorCode.TOKEN_REVOKED, "the user was logged out after this token was issued")
