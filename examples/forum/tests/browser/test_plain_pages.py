"""The pages by themselves: without scripts, on a phone, in the dark."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from forum_town import PHONE, Open, Screen
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PAGES = ["/", "/login", "/b/dogs", "/b/dogs/8", "/nothing"]


def test_without_scripts_everything_but_the_news_works(window: Open) -> None:
    page = window("Ana", Screen(scripts=False)).page
    page.get_by_role("link", name="Gardens").click()
    page.get_by_text("Start a thread").click()
    page.get_by_label("Title").fill("Is it too late for beans?")
    page.get_by_label("Your post").fill("Asking for a window box.")
    page.get_by_role("button", name="Post it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is it too late for beans?")
    page.get_by_label("Your reply").fill("Answering myself: no.")
    page.get_by_role("button", name="Reply").click()
    expect(page.locator(".post")).to_have_count(2)
    expect(page.locator(".pill")).to_be_hidden()
    expect(page.locator("[data-here]")).to_be_hidden()
    expect(page.locator("time").first).to_contain_text("UTC")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_is_wider_than_the_screen(window: Open, width: int) -> None:
    page = window("Bartholomew Featherston", Screen(width=width)).page
    for path in PAGES:
        page.goto(f"http://forum.test{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_what_a_finger_touches_is_large_enough(window: Open) -> None:
    page = window("Ana", PHONE).open("/b/dogs/8")
    for button in page.get_by_role("button").all():
        if button.is_visible():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 38


def test_every_field_has_a_label_and_every_page_one_heading(window: Open) -> None:
    page = window("Ana").page
    for path in PAGES:
        page.goto(f"http://forum.test{path}")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        for field in page.locator("input:not([type=hidden]), textarea").all():
            assert field.evaluate("(field) => field.labels.length") == 1, path


def test_the_keyboard_reaches_the_content_first(window: Open) -> None:
    page = window("Ana").open("/b/dogs/8")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_no_page_asks_anything_of_another_host(window: Open) -> None:
    page = window("Ana").page
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    for path in ["/", "/b/dogs", "/b/dogs/8"]:
        page.goto(f"http://forum.test{path}")
        page.locator(".pill[data-state=live]").wait_for()
    assert hosts == {"forum.test", "river.test"}
    assert complaints == []


def test_readers_see_each_other_on_every_kind_of_screen(
    window: Open, picture: Callable[[Page, str], None]
) -> None:
    phone, dark = window("Maja Lind", PHONE), window("Greta", replace(PHONE, dark=True))
    desk, night = window("Ben Moor"), window("Lucy", Screen(dark=True))
    for reader in (phone, dark, desk, night):
        reader.open("/b/dogs/8")
    night.page.get_by_label("Your reply").press_sequentially("Has he")
    for reader in (phone, dark, desk):
        expect(reader.page.locator("[data-here-count]")).to_have_text("4")
        expect(reader.page.locator(".typing")).to_have_text("Lucy is typing")
    picture(phone.page, "phone")
    picture(dark.page, "phone-dark")
    picture(desk.page, "desktop")
    picture(night.page, "desktop-dark")
    picture(desk.open("/"), "front")
    picture(desk.open("/b/dogs"), "board")
