"""Text for terminals: what others wrote cannot move the cursor; rows have columns."""

import re
from collections.abc import Sequence

# What moves a terminal's cursor or turns its text around; JSON escapes only some of it.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def seen(text: str) -> str:
    """A text that does to a terminal nothing but be read: the rest is escaped, as in JSON."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> str:
    """Rows below their heads, numbers to the right; `empty` where there is no row."""
    if not rows:
        return empty
    cells = [[seen(str(cell)) for cell in row] for row in rows]
    is_number = [all(isinstance(row[at], int) for row in rows) for at in range(len(heads))]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    lines: list[str] = []
    for row in (heads, *cells):
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)
