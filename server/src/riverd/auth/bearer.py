"""The credentials in an `Authorization: Bearer` header (RFC 6750, section 2.1)."""


def bearer(authorization: str) -> str | None:
    """The token or key that the header carries; None for another scheme, or nothing behind it."""
    if not authorization:
        return None
    scheme, _, credentials = authorization.strip().partition(" ")
    credentials = credentials.strip()
    return credentials if credentials and scheme.lower() == "bearer" else None
