"""Which pages may connect."""

import re
from collections.abc import Sequence


class Origins:
    """A list of globs over the Origin header. No header: no browser, nothing to protect.

    Only `*` is special: an origin's host may be an IPv6 address, in brackets.
    """

    def __init__(self, globs: Sequence[str]) -> None:
        self._patterns = [_compiled(glob.lower()) for glob in globs]

    def allow(self, origin: str | None) -> bool:
        """Whether a page of this origin may connect."""
        if origin is None:
            return True
        return any(pattern.fullmatch(origin.lower()) is not None for pattern in self._patterns)


def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in glob.split("*")))
