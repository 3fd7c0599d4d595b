"""Answers in Chromium: reloaded, cut off, on two devices, stopped; with the library and plain."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from assistant_app import Assistant, run_assistant
from playwright.async_api import Browser, Page, async_playwright, expect

from assistant.generator import tokens_of

WAIT_MS = 60_000
QUESTION = "Why do rivers bend?"
WORDS = tokens_of(QUESTION)[:40]
KINDS = pytest.mark.parametrize("kind", ["library", "plain"])

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert chromium, "chromium: scripts/install_system.sh installs it"
    async with async_playwright() as playwright:
        expect.set_options(timeout=WAIT_MS)
        flags = ["--no-sandbox", "--no-proxy-server"]
        browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with run_assistant(tmp_path_factory.mktemp("assistant")) as assistant:
        yield assistant


async def device(browser: Browser) -> Page:
    """A page with cookies of its own."""
    context = await browser.new_context(viewport={"width": 800, "height": 600})
    context.set_default_timeout(WAIT_MS)
    return await context.new_page()


async def ask(browser: Browser, assistant: Assistant, kind: str) -> Page:
    page = await device(browser)
    await page.goto(assistant.url)
    await page.get_by_label("What would you like to know?").fill(QUESTION)
    await page.get_by_label("plain EventSource").set_checked(kind == "plain")
    await page.get_by_role("button", name="Ask").click()
    await page.wait_for_url("**/answers/**")
    await expect(page.locator("#connection")).to_have_text("live")
    return page


async def shows(page: Page, words: list[str]) -> None:
    await expect(page.locator("#text")).to_have_text("".join(words).strip())
    assert await page.locator("#text").text_content() == "".join(words)


@KINDS
async def test_answer_goes_on_through_reload_cut_and_on_a_second_device(
    browser: Browser, assistant: Assistant, kind: str
) -> None:
    write = assistant.dictation.write
    page = await ask(browser, assistant, kind)
    write(*WORDS[:10])
    await shows(page, WORDS[:10])
    write(*WORDS[10:20])
    await page.reload()
    await shows(page, WORDS[:20])
    await expect(page.locator("#connection")).to_have_text("live")
    assistant.to_river.cut()
    await expect(page.locator("#connection")).not_to_have_text("live")
    write(*WORDS[20:30])
    assistant.to_river.mend()
    await shows(page, WORDS[:30])
    second = await device(browser)
    await second.goto(page.url)
    await shows(second, WORDS[:30])
    if folder := os.environ.get("ASSISTANT_PICTURES"):
        await page.screenshot(path=Path(folder) / "assistant.png")
    write(*WORDS[30:], None)
    for each in (page, second):
        await expect(each.locator("#state")).to_have_text("finished")
        await shows(each, WORDS)


async def test_stop_on_one_device_ends_the_answer_on_all(
    browser: Browser, assistant: Assistant
) -> None:
    page = await ask(browser, assistant, "library")
    assistant.dictation.write(*WORDS[:5])
    await shows(page, WORDS[:5])
    second = await device(browser)
    await second.goto(f"{page.url}/plain")
    await expect(second.locator("#connection")).to_have_text("live")
    async with second.expect_response("**/stop"):
        await second.get_by_role("button", name="Stop").click()
    assistant.dictation.write("too late", None)
    for each in (page, second):
        await expect(each.locator("#state")).to_have_text("stopped")
        await shows(each, WORDS[:5])
        await expect(each.get_by_role("button", name="Stop")).to_be_hidden()


async def test_generator_that_breaks_ends_the_answer(
    browser: Browser, assistant: Assistant
) -> None:
    page = await ask(browser, assistant, "plain")
    assistant.dictation.write(*WORDS[:5], ConnectionError("the model is away"))
    await expect(page.locator("#state")).to_have_text("failed")
    await page.reload()
    await expect(page.locator("#state")).to_have_text("failed")
    await shows(page, WORDS[:5])
