"""Which pages may connect."""

import re
from collections.abc import Sequence
from fnmatch import translate


class Origins:
    """A list of globs over the Origin header. No header: no browser, nothing to protect."""

    def __init__(self, globs: Sequence[str]) -> None:
        self._patterns = [re.compile(translate(glob.lower())) for glob in globs]

    def allow(self, origin: str | None) -> bool:
        """Whether a page of this origin may connect."""
        if origin is None:
            return True
        return any(pattern.match(origin.lower()) is not None for pattern in self._patterns)
