"""Which pages may connect."""

from collections.abc import Sequence

from riverd.channels.globs import Globs

ANY = ("*", "null")
"""Every page; and every page that a browser gives no origin: nobody listed these."""

ORIGIN_LENGTH_MAX = 512
"""A scheme, the longest host name (253 characters) and a port are shorter."""


class Origins:
    """A list of globs over the Origin header. No header: no browser, nothing to protect.

    Only `*` is special: an origin's host may be an IPv6 address, in brackets.
    """

    def __init__(self, globs: Sequence[str]) -> None:
        self._allows_all = "*" in globs
        lowered = [glob.lower() for glob in globs]
        self._globs = Globs(lowered, only_stars=True)
        self._listed = Globs([glob for glob in lowered if glob not in ANY], only_stars=True)

    def allow(self, origin: str | None) -> bool:
        """Whether a page of this origin may connect."""
        if origin is None:
            return True
        return len(origin) <= ORIGIN_LENGTH_MAX and (
            self._allows_all or self._globs.match(origin.lower())
        )

    def lists(self, origin: str) -> bool:
        """Whether a page of this origin may connect, and not only because every page may."""
        return len(origin) <= ORIGIN_LENGTH_MAX and self._listed.match(origin.lower())
