"""What a hot path is: a name, some work, and what compiled code it leans on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[int], None]
"""Does the path's work so many times."""


@dataclass(frozen=True)
class Path:
    """One hot path.

    Attributes:
        name: How the record calls it.
        about: What is done once.
        make: Builds what the work needs, which is not counted, and gives the work.
        times: How often it is done for a count; the same number of times before, to warm up.
        uses: Distributions with compiled code that it spends its time in.
    """

    name: str
    about: str
    make: Callable[[], Work]
    times: int = 200
    uses: tuple[str, ...] = ()
