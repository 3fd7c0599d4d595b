"""Whether a client may still ask the API: who verified its token knows no orders."""

from riverd.api.context import Api
from riverd.auth.revocations import Revocations
from riverd.errors import ErrorCode, TokenError
from riverd.model.claims import Claims


async def check_admitted(api: Api, claims: Claims) -> None:
    """Find out at the broker whether the user is blocked, or was logged out after the token.

    Gateways know it from their copy of the list; functions keep none, and ask for each request.

    Raises:
        TokenError: token_revoked, token_revoked_recently, user_blocked, token_expired.
        BrokerError: nobody knows.
    """
    now = api.clock()
    issued_at = claims.issued_at
    if issued_at is not None and issued_at + api.token_max_age_s + api.leeway_s <= now:
        raise TokenError(ErrorCode.TOKEN_EXPIRED, "the token is too old")
    revocations = Revocations()
    for standing in await api.broker.control.standings_of(claims.user):
        revocations.merge(standing)
    revocations.check(claims, now)
