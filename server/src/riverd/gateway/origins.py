"""Which pages may connect."""

from collections.abc import Sequence

from riverd.globs import Globs

ORIGIN_LENGTH_MAX = 512
"""A scheme, the longest host name (253 characters) and a port are shorter."""


class Origins:
    """A list of globs over the Origin header. No header: no browser, nothing to protect.

    Only `*` is special: an origin's host may be an IPv6 address, in brackets.
    """

    def __init__(self, globs: Sequence[str]) -> None:
        self._allows_all = "*" in globs
        self._globs = Globs([glob.lower() for glob in globs], only_stars=True)

    def allow(self, origin: str | None) -> bool:
        """Whether a page of this origin may connect."""
        if origin is None:
            return True
        return len(origin) <= ORIGIN_LENGTH_MAX and (
            self._allows_all or self._globs.match(origin.lower())
        )
