"""What a reader missed while the network was off: there afterwards, from River's log."""

import re
import secrets
import time
from collections.abc import Callable, Generator

import httpx
import pytest
from forum_town import FORUM_HOST, Open, Town, Window
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

OFF_S = 10.0
# The client itself may be in the browser's cache, or not.
UNREACHED = re.compile("^(River|the server) cannot be reached$")
POSTS = ["The first of three.", "The second of three.", "The third of three."]
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class Writer:
    """Somebody who posts with as few requests as there can be: one."""

    def __init__(self, client: httpx.Client, thread: str) -> None:
        self._client = client
        self._thread = thread
        self._fields = self._hidden("/login")
        self._client.post("/login", data=self._fields | {"name": "Ben"})
        self._fields = self._hidden(thread)

    def post(self, body: str) -> None:
        """Reply, as the page's form would, and do not look at the answer's page."""
        fields = {"csrf": self._fields["csrf"], "id": secrets.token_hex(8), "body": body}
        assert self._client.post(self._thread, data=fields).is_redirect

    def _hidden(self, path: str) -> dict[str, str]:
        return dict(HIDDEN.findall(self._client.get(path).text))


@pytest.fixture
def writer(town: Town) -> Generator[Callable[[str], Writer]]:
    """Return a function that lets Ben write in a thread."""
    with httpx.Client(base_url=f"http://127.0.0.1:{town.forum.port}") as client:
        yield lambda thread: Writer(client, thread)


def test_posts_made_while_the_network_was_cut_come_from_the_log(
    town: Town, wired_window: Window, writer: Callable[[str], Writer]
) -> None:
    page = wired_window.open("/b/dogs/8")
    page.evaluate("window.stayed = true")
    ben = writer("/b/dogs/8")
    before = len(town.forum.requests())
    cut_at = time.monotonic()
    town.cut()
    expect(page.locator(".pill")).to_have_text(re.compile("reconnecting|connecting"))
    for body in POSTS:
        ben.post(body)
    # The wait is what is tested: the network is off for ten seconds.
    page.wait_for_timeout((OFF_S - (time.monotonic() - cut_at)) * 1_000)
    expect(page.locator(".post", has_text="of three.")).to_have_count(0)
    town.mend()
    expect(page.locator(".post .words").filter(has_text="of three.")).to_have_text(POSTS)
    expect(page.locator(".pill")).to_have_text("live")
    expect(page.locator(".missed")).to_be_hidden()
    assert page.evaluate("window.stayed"), "the page was loaded again"
    assert town.forum.requests()[before:] == ["POST /b/dogs/8 303"] * 3


def test_posts_made_while_the_browser_was_offline_come_from_the_log(
    town: Town, wired_window: Window, writer: Callable[[str], Writer]
) -> None:
    page = wired_window.open("/b/cats/5")
    page.evaluate("window.stayed = true")
    ben = writer("/b/cats/5")
    before = len(town.forum.requests())
    page.context.set_offline(True)
    town.cut()
    expect(page.locator(".pill")).to_have_text("offline")
    for body in POSTS:
        ben.post(body)
    expect(page.locator(".post", has_text="of three.")).to_have_count(0)
    town.mend()
    page.context.set_offline(False)
    expect(page.locator(".post .words").filter(has_text="of three.")).to_have_text(POSTS)
    expect(page.locator(".pill")).to_have_text("live")
    assert page.evaluate("window.stayed"), "the page was loaded again"
    assert town.forum.requests()[before:] == ["POST /b/cats/5 303"] * 3


def test_posts_made_while_the_network_hung_without_a_word_arrive_when_it_moves_again(
    town: Town, wired_window: Window, writer: Callable[[str], Writer]
) -> None:
    page = wired_window.open("/b/kitchen/3")
    ben = writer("/b/kitchen/3")
    before = len(town.forum.requests())
    town.to_river.stall()
    for body in POSTS:
        ben.post(body)
    expect(page.locator(".post", has_text="of three.")).to_have_count(0)
    town.mend()
    expect(page.locator(".post .words").filter(has_text="of three.")).to_have_text(POSTS)
    assert town.forum.requests()[before:] == ["POST /b/kitchen/3 303"] * 3


def test_a_page_that_came_while_river_was_away_becomes_live_by_itself(
    town: Town, wired_window: Window, writer: Callable[[str], Writer]
) -> None:
    town.to_river.cut()
    page = wired_window.page
    page.goto(f"http://{FORUM_HOST}/b/bicycles/2")
    expect(page.locator(".pill")).to_have_attribute("title", UNREACHED)
    writer("/b/bicycles/2").post("Made before anybody could hear of it.")
    expect(page.locator(".post")).to_have_count(3)
    town.mend()
    expect(page.locator(".pill")).to_have_text("live")
    expect(page.locator(".post").last).to_contain_text("Made before anybody")


def test_who_typed_meanwhile_is_not_shown_afterwards(
    town: Town, window: Open, wired_window: Window
) -> None:
    page = wired_window.open("/b/gardens/4")
    page.evaluate(
        """window.typed = [];
        new MutationObserver((changes) => {
          for (const { target } of changes) window.typed.push(target.textContent);
        }).observe(document.querySelector(".typing"), { childList: true });"""
    )
    ben = window("Ben")
    ben.open("/b/gardens/4")
    town.cut()
    expect(page.locator(".pill")).not_to_have_text("live")
    ben.page.get_by_label("Your reply").press_sequentially("One left.")
    ben.page.get_by_role("button", name="Reply").click()
    ben.page.locator(".post", has_text="One left.").wait_for()
    town.mend()
    expect(page.locator(".post", has_text="One left.")).to_have_count(1)
    expect(page.locator(".pill")).to_have_text("live")
    # Ben's page was loaded again by his reply. He types for longer than his page is silent between
    # two words of it, because the first may come while the other still catches up.
    expect(ben.page.locator(".pill")).to_have_text("live")
    ben.page.get_by_label("Your reply").press_sequentially("For a while now.", delay=300)
    expect(page.locator(".typing")).to_have_text("Ben is typing")
    assert set(page.evaluate("window.typed")) == {"Ben is typing"}


def test_the_readers_on_the_page_are_right_after_the_network_was_off(
    town: Town, window: Open, wired_window: Window
) -> None:
    page = wired_window.open("/b/books/1")
    ben, cleo = window("Ben"), window("Cleo")
    ben.open("/b/books/1")
    names = page.locator("[data-here-list] .name")
    expect(names).to_have_count(2)
    assert set(names.all_inner_texts()) == {"Ana (you)", "Ben"}
    town.cut()
    expect(page.locator(".pill")).not_to_have_text("live")
    ben.page.close()
    cleo.open("/b/books/1")
    town.mend()
    expect(page.locator(".pill")).to_have_text("live")
    expect(names.filter(has_text="Cleo")).to_have_count(1)
    expect(names).to_have_count(2)
    assert set(names.all_inner_texts()) == {"Ana (you)", "Cleo"}
