"""A forum with its River, and somebody's window on it."""

from dataclasses import dataclass
from typing import Protocol

from forum_processes import ForumProcess, RiverProcess
from forum_wire import Wire
from playwright.sync_api import Browser, BrowserContext, Page

FORUM_HOST = "forum.test"
RIVER_HOST = "river.test"


@dataclass(frozen=True, slots=True)
class Town:
    """A forum with its River, and wires to both that belong to one reader's browser."""

    forum: ForumProcess
    river: RiverProcess
    to_forum: Wire
    to_river: Wire

    def cut(self) -> None:
        """Take the network from the browser on the wires."""
        self.to_river.cut()
        self.to_forum.cut()

    def mend(self) -> None:
        """Give it back."""
        self.to_forum.mend()
        self.to_river.mend()


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What somebody looks at the forum with."""

    width: int = 1280
    height: int = 800
    phone: bool = False
    dark: bool = False
    scripts: bool = True

    def context(self, browser: Browser) -> BrowserContext:
        """Make a browser context of this kind."""
        return browser.new_context(
            viewport={"width": self.width, "height": self.height},
            is_mobile=self.phone,
            has_touch=self.phone,
            device_scale_factor=2 if self.phone else 1,
            color_scheme="dark" if self.dark else "light",
            java_script_enabled=self.scripts,
            reduced_motion="reduce",
        )


DESKTOP = Screen()
PHONE = Screen(width=390, height=844, phone=True)


class Open(Protocol):
    """Opens a window for somebody, who is logged in then."""

    def __call__(self, name: str, screen: Screen = DESKTOP) -> "Window":
        """Open it; it is closed at the end of the test."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """A browser with one window, in which somebody reads the forum."""

    page: Page
    name: str

    def open(self, path: str) -> Page:
        """Go to a page of the forum and wait until it is live."""
        self.page.goto(f"http://{FORUM_HOST}{path}")
        self.page.locator(".pill[data-state=live]").wait_for()
        return self.page

    def reply(self, body: str) -> None:
        """Send the reply form of the open thread."""
        self.page.get_by_label("Your reply").fill(body)
        self.page.get_by_role("button", name="Reply").click()
        self.page.locator(".post", has_text=body).wait_for()
