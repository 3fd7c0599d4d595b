"""What River cannot hand over: the page says so, and pretends nothing."""

import pytest
from forum_town import Open, Town, Window
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def river_settings() -> dict[str, str]:
    """Return the settings of a River that remembers next to nothing."""
    return {"RIVER_HISTORY_SIZE": "2"}


def test_a_reader_who_missed_more_than_the_log_holds_is_told_and_keeps_the_draft(
    town: Town, window: Open, wired_window: Window
) -> None:
    page = wired_window.open("/b/dogs/8")
    ben = window("Ben")
    ben.open("/b/dogs/8")
    page.get_by_label("Your reply").fill("Half a thought")
    town.cut()
    expect(page.locator(".pill")).not_to_have_text("live")
    for number in range(4):
        ben.reply(f"Missed {number}")
    expect(page.locator(".missed")).to_be_hidden()
    town.mend()
    expect(page.get_by_role("alert")).to_contain_text("Some posts may have passed")
    page.get_by_role("button", name="Reload the page").click()
    expect(page.locator(".post", has_text="Missed")).to_have_count(4)
    expect(page.get_by_label("Your reply")).to_have_value("Half a thought")
    expect(page.locator(".missed")).to_be_hidden()
