"""What windows said to their console: shown when a test fails."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

LINES_MAX = 400
LOG_BYTES_MAX = 20_000

# A page's own address is needed for storage; about:blank has none.
_TRACE = "if (location.host) localStorage.setItem('debug', 'river');"


@dataclass(slots=True)
class Diary:
    """All windows of one test, in the order in which things happened."""

    lines: list[str] = field(default_factory=list[str])

    def follow(self, context: BrowserContext) -> None:
        """Have the pages of a context trace what River says to them."""
        context.add_init_script(_TRACE)

    def read(self, page: Page, name: str) -> None:
        """Note what a page of somebody says from now on."""
        page.on("console", lambda message: self._note(name, message.text))
        page.on("pageerror", lambda error: self._note(name, f"uncaught: {error}"))

    def text(self) -> str:
        """Return the last lines."""
        return "\n".join(self.lines[-LINES_MAX:])

    def _note(self, name: str, words: str) -> None:
        now = time.time()
        clock = time.strftime("%H:%M:%S", time.localtime(now))
        self.lines.append(f"{clock}.{int(now % 1 * 1000):03} {name}: {words}")


def end_of(log: Path) -> str:
    """Return the end of a log."""
    return log.read_bytes()[-LOG_BYTES_MAX:].decode(errors="replace") if log.exists() else ""
