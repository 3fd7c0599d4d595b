"""The same forum with pusher-js in its pages: `make run PROTOCOL=pusher`."""

from pathlib import Path

import pytest
from forum_town import Open, Town, Window
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

THREAD = "/b/dogs/8"
CLIENT = (
    Path(__file__).parents[4] / "interop" / "node_modules" / "pusher-js" / "dist" / "web"
) / "pusher.min.js"


@pytest.fixture(scope="module")
def pusher_js() -> Path | None:
    return CLIENT


def test_posts_readers_and_typing_come_over_pusher_js(window: Open) -> None:
    ana, ben = window("Ana"), window("Ben Moor")
    for one in (ana, ben):
        one.open(THREAD)
        assert one.page.evaluate("typeof Pusher") == "function"
    expect(ana.page.locator("[data-here-count]")).to_have_text("2")
    ben.page.evaluate("window.stayed = true")
    ana.page.get_by_label("Your reply").type("A word")
    expect(ben.page.locator("[data-typing='8']")).to_have_text("Ana is typing")
    ana.reply("A word in time.")
    expect(ben.page.locator(".post", has_text="A word in time.")).to_be_visible()
    assert ben.page.evaluate("window.stayed"), "the page was loaded again"
    ben.page.goto("about:blank")
    expect(ana.page.locator("[data-here-count]")).to_have_text("1")


def test_what_a_page_with_pusher_js_missed_comes_when_it_is_back(
    wired_window: Window, window: Open, town: Town
) -> None:
    ana, ben = wired_window, window("Ben Moor")
    for one in (ana, ben):
        one.open(THREAD)
    ana.page.evaluate("window.stayed = true")
    town.cut()
    for number in range(3):
        ben.reply(f"While you were out, {number}.")
    town.mend()
    missed = ana.page.locator(".post .words", has_text="While you were out")
    expect(missed).to_have_count(3)
    assert missed.all_inner_texts() == [f"While you were out, {number}." for number in range(3)]
    assert ana.page.evaluate("window.stayed"), "the page was loaded again"
    assert not ana.page.locator(".missed").is_visible()
