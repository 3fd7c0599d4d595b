"""The console in Chromium: clicked through, with hostile names, with a key that may only read."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page, async_playwright, expect
from river_client import Client, enter, member, opened, token
from river_process import API_KEY, River, Start, ask

READ_KEY = "a-key-that-may-only-read-0123456789"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
WAIT_MS = 30_000


@pytest.fixture(scope="module")
def river(start_shared: Start) -> River:
    settings = {"RIVER_READ_KEYS": READ_KEY, "RIVER_NODE_NAME": "gw-a"}
    return start_shared("dev", settings=settings)


def publish(river: River, channel: str, event: str, data: object) -> int:
    body = {"channel": channel, "event": event, "data": data}
    return int(json.loads(ask(f"{river.api_url}/publish", body, key=API_KEY)[1])["offset"])


@asynccontextmanager
async def console(river: River, key: str = API_KEY, **options: Any) -> AsyncIterator[Page]:
    """The page, logged in; nothing may go wrong in it, and nothing may ask another host."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium: scripts/install_system.sh installs it"
    trouble: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--no-proxy-server"]
        )
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
        await browser.close()
    assert trouble == []


async def heading(page: Page, text: str) -> None:
    await expect(page.locator("h1")).to_contain_text(text, timeout=WAIT_MS)


async def hostile_client(river: River) -> Client:
    """One whose user, client name and info are markup."""
    client = await opened(river.url, User_Agent=HOSTILE)
    grants = {"subscribe": ["*"], "publish": ["*"], "info": {"name": HOSTILE}}
    await enter(client, token(HOSTILE, river=grants), "presence-xss")
    return client


def test_page_is_served_to_everybody_and_holds_nothing(river: River) -> None:
    status, page = ask(f"{river.api_url}/console")
    assert status == 200
    assert API_KEY not in page
    assert ask(f"{river.api_url}/console/app.js")[0] == 200
    assert ask(f"{river.api_url}/console/../admission.py")[0] == 404
    assert ask(f"{river.api_url}/console", {}, method="POST")[0] == 404


async def test_wrong_key_is_refused_in_words(river: River) -> None:
    async with console(river, "wrong-key") as page:
        await expect(page.get_by_role("alert")).to_contain_text("none of RIVER_API_KEYS")
        stored = "JSON.stringify([document.cookie, localStorage.length, sessionStorage.length])"
        assert await page.evaluate(stored) == '["",0,0]'


async def test_everything_is_reached_by_clicks(river: River) -> None:
    async with member(river.url, token("ann"), "dogs", "presence-dogs") as ann:
        offset = publish(river, "dogs", "post", {"text": "hello"})
        async with console(river) as page:
            await heading(page, "Overview")
            await expect(page.get_by_text("all well")).to_be_visible()
            await page.get_by_role("link", name="Channels", exact=True).click()
            await page.get_by_role("link", name="dogs", exact=True).click()
            await heading(page, "dogs")
            await page.locator("summary").first.click()
            await expect(page.locator("pre").first).to_contain_text('"text": "hello"')
            await page.get_by_label("Event").fill("greeting")
            await page.get_by_label("Data (JSON)").fill('{"n": 1}')
            await page.get_by_role("button", name="Publish").click()
            await expect(page.get_by_role("status")).to_contain_text("Published: offset 2")
            assert (await ann.until("event"))["offset"] == offset
            assert (await ann.until("event"))["event"] == "greeting"
            await page.get_by_role("link", name="Users", exact=True).click()
            await page.get_by_role("link", name="ann", exact=True).click()
            await expect(page.get_by_role("cell", name="gw-a")).to_be_visible()
            await page.get_by_label("Channel", exact=True).fill("dogs")
            await page.get_by_label("Offset", exact=True).fill(str(offset))
            await page.get_by_role("button", name="Explain").click()
            await expect(page.locator(".sentence")).to_contain_text("written to")
            await page.get_by_role("link", name="Nodes", exact=True).click()
            await expect(page.get_by_role("cell", name="gw-a")).to_be_visible()
            await page.get_by_role("link", name="Close codes").click()
            await expect(page.get_by_role("cell", name="4401")).to_be_visible()


async def test_orders_are_asked_for_once_more_and_carried_out(river: River) -> None:
    async with member(river.url, token("bob")) as bob, console(river) as page:
        await heading(page, "Overview")
        await page.goto(f"{river.api_url}/console#/users/bob")
        await page.get_by_role("button", name="Disconnect").click()
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        await bob.send(type="ping", id=1)
        await bob.until("pong")
        await page.get_by_role("button", name="Disconnect").click()
        await page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
        await expect(page.get_by_role("status")).to_contain_text("reached: 1")
        assert (await bob.ends())[0] == 4403


async def test_hostile_names_stay_text(river: River) -> None:
    client = await hostile_client(river)
    try:
        publish(river, "presence-xss", HOSTILE[:100], {"html": HOSTILE})
        async with console(river) as page:
            await heading(page, "Overview")
            for path in ("channels/presence-xss", f"users/{quote(HOSTILE, safe='')}", "users"):
                await page.goto(f"{river.api_url}/console#/{path}")
                await expect(page.locator("main")).to_contain_text("<img src=x", timeout=WAIT_MS)
            await page.goto(f"{river.api_url}/console#/users/{quote(HOSTILE, safe='')}")
            await page.get_by_label("Channel", exact=True).fill("presence-xss")
            await page.get_by_label("Offset", exact=True).fill("1")
            await page.get_by_role("button", name="Explain").click()
            await page.locator("summary").first.click()
            await expect(page.locator(".entry dd").first).to_be_visible()
            assert await page.locator("main img, main script").count() == 0
    finally:
        await client.close()


async def test_key_that_may_only_read_has_no_buttons_that_act(river: River) -> None:
    async with member(river.url, token("cat"), "cats"), console(river, READ_KEY) as page:
        await expect(page.get_by_text("read only")).to_be_visible()
        for path in ("channels/cats", "users/cat", "nodes"):
            await page.goto(f"{river.api_url}/console#/{path}")
            await expect(page.locator("table, dl").first).to_be_visible()
            for name in ("Publish", "Disconnect", "Block", "Log out everywhere", "Drain"):
                assert await page.get_by_role("button", name=name, exact=True).count() == 0
        body = {"channel": "cats", "event": "post", "data": 1}
        assert ask(f"{river.api_url}/publish", body, key=READ_KEY)[0] == 403


async def test_it_works_with_keys_alone_and_on_a_phone(river: River) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    async with member(river.url, token("dan"), "dans"), console(river, **phone) as page:
        await heading(page, "Overview")
        link = page.get_by_role("link", name="Channels", exact=True)
        await link.focus()
        await page.keyboard.press("Enter")
        await heading(page, "Channels")
        await page.get_by_label("Begins with").fill("dans")
        await page.keyboard.press("Enter")
        await heading(page, "dans")
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(wide)
