"""What docs/operating.md has users copy."""

import re
import sys
import textwrap
from pathlib import Path

from caddy_process import ROOT

PAGE = ROOT / "docs" / "operating.md"
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def block(language: str) -> str:
    """The one block of the page in this language."""
    found = [text for _, name, text in _FENCE.findall(PAGE.read_text("utf-8")) if name == language]
    assert len(found) == 1, (language, len(found))
    return textwrap.dedent(found[0])


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """A block with names and places of this machine; each has to stand in it."""
    for theirs, ours in changes:
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    return text


def unit(folder: Path, block_of_the_page: str) -> Path:
    """A unit of the page, with a program that is there."""
    file = folder / "river-gateway.service"
    text = replaced(block_of_the_page, ("/opt/river/bin/river", sys.executable))
    file.write_text(text, encoding="utf-8")
    return file
