"""The console in a browser."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect
from river_process import API_KEY, River

WAIT_MS = 30_000
expect.set_options(timeout=WAIT_MS)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser, until the block ends."""
    program = shutil.which("chromium")
    assert program, "chromium: scripts/install_system.sh installs it"
    async with async_playwright() as playwright:
        one = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--no-proxy-server"]
        )
        yield one
        await one.close()


@asynccontextmanager
async def console(
    river: River, browser: Browser, key: str = API_KEY, **options: Any
) -> AsyncIterator[Page]:
    """The page, logged in; nothing may go wrong in it, and nothing may ask another host."""
    trouble: list[str] = []
    page = await browser.new_page(**options)
    page.set_default_timeout(WAIT_MS)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: trouble.append(f"a script ran: {dialog.message}"))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(river.api_url) else trouble.append(request.url)
        ),
    )
    page.on(
        "console",
        lambda message: (
            trouble.append(message.text) if "Content Security" in message.text else None
        ),
    )
    await page.goto(f"{river.api_url}/console")
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Log in").click()
    yield page
    await page.close()
    assert trouble == []


async def heading(page: Page, text: str) -> None:
    await expect(page.locator("h1")).to_contain_text(text)
