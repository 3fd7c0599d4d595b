"""A real River, a real forum, and browsers whose networks can be cut."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

# Test folders are no packages: what the tests share is found beside them.
sys.path.insert(0, str(Path(__file__).parent))

from forum_diary import Diary, end_of
from forum_processes import run_forum, run_river
from forum_town import DESKTOP, FORUM_HOST, RIVER_HOST, Open, Screen, Town, Window
from forum_wire import wire_to

WAIT_MS = 30_000
DIARY = pytest.StashKey[Diary]()
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def playwright() -> Generator[Playwright]:
    """Return what starts browsers."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def river_settings() -> dict[str, str]:
    """Return the settings of this module's River, on top of its defaults."""
    return {}


@pytest.fixture(scope="module")
def pusher_js() -> Path | None:
    """Return Pusher's client, if this module's pages use it."""
    return None


@pytest.fixture(scope="module")
def town(
    tmp_path_factory: pytest.TempPathFactory,
    river_settings: dict[str, str],
    pusher_js: Path | None,
) -> Generator[Town]:
    """Start River and the forum, once a module."""
    with ExitStack() as stack:
        river = stack.enter_context(
            run_river(tmp_path_factory.mktemp("town"), **river_settings),
        )
        forum = stack.enter_context(
            run_forum(river, river_url=f"http://{RIVER_HOST}", pusher_js=pusher_js)
        )
        to_forum = stack.enter_context(wire_to(forum.port))
        to_river = stack.enter_context(wire_to(river.port))
        yield Town(forum, river, to_forum, to_river)


@pytest.fixture(scope="module")
def browser(playwright: Playwright, town: Town) -> Generator[Browser]:
    """Return a browser with a good network."""
    with _launch(playwright, town.forum.port, town.river.port) as browser:
        yield browser


@pytest.fixture(scope="module")
def wired_browser(playwright: Playwright, town: Town) -> Generator[Browser]:
    """Return a browser whose network is the town's wires."""
    with _launch(playwright, town.to_forum.port, town.to_river.port) as browser:
        yield browser


@pytest.fixture
def diary(request: pytest.FixtureRequest) -> Diary:
    """Return what keeps the words of this test's windows."""
    return request.node.stash.setdefault(DIARY, Diary())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say with a failure what the windows and the servers said."""
    report = yield
    diary, town = item.stash.get(DIARY, None), getattr(item, "funcargs", {}).get("town")
    if report.when == "call" and report.failed and diary is not None:
        report.sections.append(("windows", diary.text()))
        for log in ("river.log", "forum.log") if town else ():
            report.sections.append((log, end_of(town.river.folder / log)))
    return report


@pytest.fixture
def window(browser: Browser, diary: Diary) -> Generator[Open]:
    """Return a function that opens a window for somebody and logs them in."""
    with ExitStack() as stack:

        def open_window(name: str, screen: Screen = DESKTOP) -> Window:
            return _log_in(stack.enter_context(screen.context(browser)), name, diary=diary)

        yield open_window


@pytest.fixture
def wired_window(wired_browser: Browser, town: Town, diary: Diary) -> Generator[Window]:
    """Return the window of Ana, whose network the town can cut; it is whole again afterwards."""
    with DESKTOP.context(wired_browser) as context:
        yield _log_in(context, "Ana", diary=diary)
    town.mend()


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Return a function that keeps a picture of a page, where somebody asked for pictures."""
    folder = os.environ.get("FORUM_SCREENSHOTS")

    def keep(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"forum-{name}.png")

    return keep


def _launch(playwright: Playwright, forum_port: int, river_port: int) -> Browser:
    rules = f"MAP {FORUM_HOST}:80 127.0.0.1:{forum_port},MAP {RIVER_HOST}:80 127.0.0.1:{river_port}"
    return playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=[*FLAGS, f"--host-resolver-rules={rules}"],
    )


def _log_in(context: BrowserContext, name: str, *, diary: Diary) -> Window:
    context.set_default_timeout(WAIT_MS)
    diary.follow(context)
    page = context.new_page()
    diary.read(page, name)
    page.goto(f"http://{FORUM_HOST}/login")
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Come in").click()
    page.wait_for_url(f"http://{FORUM_HOST}/")
    return Window(page, name)
