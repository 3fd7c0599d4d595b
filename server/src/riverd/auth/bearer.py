"""The credentials in an `Authorization: Bearer` header (RFC 6750, section 2.1)."""

BEARER = "bearer."


def bearer(authorization: str) -> str | None:
    """The token or key that the header carries; None for another scheme, or nothing behind it."""
    if not authorization:
        return None
    scheme, _, credentials = authorization.strip().partition(" ")
    credentials = credentials.strip()
    return credentials if credentials and scheme.lower() == "bearer" else None


def bearer_token(authorization: str, offered: list[str]) -> str | None:
    """The token that came with an upgrade: in its header, or (for browsers) as a subprotocol."""
    token = bearer(authorization)
    if token is not None:
        return token
    for protocol in offered:
        if protocol.startswith(BEARER):
            return protocol.removeprefix(BEARER)
    return None
