"""Writes the table of all settings into docs/configuration.md; with --check only compares."""

import sys
from pathlib import Path

from riverd.service.settings import describe

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
BEGIN = "<!-- settings: written by scripts/settings_table.py -->\n"
END = "<!-- /settings -->\n"


def table() -> str:
    """The table, in Markdown."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for setting in describe():
        default = f"`{setting.default}`" if setting.default else ""
        row = (f"`{setting.variable}`", default, setting.description)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """The page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def main() -> int:
    """Write the page, or say that it is old."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = written(page)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
    elif page != wanted:
        sys.stderr.write("docs/configuration.md is old: run scripts/settings_table.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
