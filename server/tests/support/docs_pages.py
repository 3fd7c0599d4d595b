"""The pages of the documentation: their code blocks, their links, their headings."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for page in (ROOT / "docs").rglob("*.md") if not page.is_symlink()),
        ROOT / "clients" / "python" / "README.md",
        ROOT / "protocol" / "README.md",
        ROOT / "protocol" / "cases" / "README.md",
    ]
)

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_MARK = re.compile(r"<!-- (?P<word>runs|from)(?:: (?P<rest>\S+))? -->\n\s*\Z")
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|<img src=\"(?P<image>[^\"]+)\"")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One piece of code; `mark` and `rest` are what the comment before it says."""

    page: Path
    line: int
    language: str
    code: str
    mark: str = ""
    rest: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def text_of(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def blocks(*languages: str) -> Iterator[Block]:
    """All pieces of code in these languages."""
    for page in PAGES:
        text = text_of(page)
        for found in FENCE.finditer(text):
            if found["language"] in languages:
                before = text[: found.start()]
                mark = _MARK.search(before)
                yield Block(
                    page,
                    before.count("\n") + 1,
                    found["language"],
                    textwrap.dedent(found["code"]),
                    mark["word"] if mark else "",
                    (mark["rest"] or "") if mark else "",
                )


def links(page: Path) -> Iterator[str]:
    """What a page links to in this repository."""
    prose = FENCE.sub("", text_of(page))
    for found in _LINK.finditer(prose):
        target = found["target"] or found["image"]
        if not target.startswith(("http://", "https://")):
            yield target


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as they stand in links."""
    prose = FENCE.sub("", text_of(page))
    return {_slug(found["text"]) for found in _HEADING.finditer(prose)}


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
