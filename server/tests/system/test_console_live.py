"""The console's live data over one stream; at three sizes, dark and light; with keys alone."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from console_page import chromium, console, heading
from playwright.async_api import Browser, Page, Request, expect
from redis_server import RedisServer, free_port
from river_client import member, token
from river_process import API_KEY, River, Start, ask

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZES = {"desktop": (1280, 800), "tablet": (820, 1080), "phone": (390, 844)}
PAGES = {
    "": "Overview",
    "channels": "Channels",
    "channels/presence-wide": "presence-wide",
    "users": "Users",
    "users/ann": "ann",
    "trace": "Trace",
    "nodes": "Nodes",
    "codes": "Close codes",
}
TABS_MAX = 60
SECONDS = re.compile(r"in ([6-9]|\d\d+) s")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def river(start_shared: Start, redis: RedisServer) -> River:
    assert redis.password is not None
    broker = {"RIVER_BROKER": redis.url, "RIVER_BROKER_PASSWORD": redis.password}
    return start_shared("dev", settings={**broker, "RIVER_NODE_NAME": "gw-live"})


def publish(river: River, channel: str, data: object = 1) -> None:
    body = {"channel": channel, "event": "post", "data": data}
    assert ask(f"{river.api_url}/publish", body, key=API_KEY)[0] == 200


async def test_what_a_page_shows_comes_over_one_stream(river: River, browser: Browser) -> None:
    asked: Counter[str] = Counter()

    def note(request: Request) -> None:
        if request.resource_type == "fetch":
            asked[urlsplit(request.url).path] += 1

    async with member(river.url, token("ann"), "presence-live"), console(river, browser) as page:
        await heading(page, "Overview")
        await expect(page.locator(".curve").first).to_contain_text(SECONDS)
        page.on("request", note)
        await page.goto(f"{river.api_url}/console#/channels/presence-live")
        await expect(page.get_by_role("cell", name="ann")).to_be_visible()
        # The rule comes first; that there are members opens the stream that has them too.
        opened = asked["/console/live"]
        for number in range(3):
            publish(river, "presence-live", {"number": number})
            await expect(page.locator(".entry").first).to_contain_text(f"{number + 1}post")
        assert set(asked) == {"/console/live", "/channels/-/rule"}
        assert asked["/console/live"] == opened <= 2


async def test_address_of_no_page_says_so(river: River, browser: Browser) -> None:
    async with console(river, browser) as page:
        await heading(page, "Overview")
        for path in ("nothing", "__proto__/x", "constructor/x", "%F0/x"):
            await page.goto(f"{river.api_url}/console#/{path}")
            await heading(page, "Not found")


async def test_page_goes_on_when_the_api_is_back(start: Start, browser: Browser) -> None:
    ports = {"RIVER_API_PORT": str(free_port())}
    first = start("dev", settings=ports)
    async with console(first, browser) as page:
        await expect(page.get_by_text("all well")).to_be_visible()
        first.kill()
        await expect(page.get_by_role("alert")).to_contain_text("The API does not answer")
        again = start("dev", settings=ports)
        await expect(page.get_by_role("alert")).to_be_hidden()
        await expect(page.get_by_text("all well")).to_be_visible()
        publish(again, "parrots")


async def test_page_that_nobody_sees_asks_for_nothing(river: River, browser: Browser) -> None:
    async with console(river, browser) as page:
        await expect(page.get_by_text("all well")).to_be_visible()
        async with page.expect_event("requestfailed"):
            await seen(page, "hidden")
        async with page.expect_request("**/console/live*"):
            await seen(page, "visible")


async def test_trace_goes_on_while_its_page_is_in_the_background(
    river: River, browser: Browser
) -> None:
    async with member(river.url, token("eva"), "unseen"), console(river, browser) as page:
        await heading(page, "Overview")
        await page.goto(f"{river.api_url}/console#/trace/user/eva")
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator(".trace li").filter(has_text="is connected")).to_be_visible()
        await seen(page, "hidden")
        publish(river, "unseen")
        await expect(page.locator(".trace li").filter(has_text="post")).to_be_visible()


async def seen(page: Page, state: str) -> None:
    """Whether it is in front, as the browser tells it."""
    await page.evaluate(
        """(state) => {
            const value = state === "hidden";
            Object.defineProperty(document, "hidden", {value, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_pages_fit(river: River, browser: Browser, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    options: dict[str, Any] = {
        "viewport": {"width": width, "height": height},
        "color_scheme": scheme,
    }
    names = [f"presence-wide-{number}-{'x' * 45}" for number in range(3)]
    publish(river, "presence-wide", {"text": "x" * 300})
    async with (
        member(river.url, token("ann"), "presence-wide", *names),
        console(river, browser, **options) as page,
    ):
        await heading(page, "Overview")
        for path, title in PAGES.items():
            await page.goto(f"{river.api_url}/console#/{path}")
            await heading(page, title)
            await expect(page.locator(".view > *").first).to_be_attached()
            if path not in ("trace", ""):
                await expect(page.locator("main td, main dd").first).to_be_visible()
            shown = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await page.evaluate(shown) <= 0, path
            ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (sum(map(int, ground[4:-1].split(","))) < 200) is (scheme == "dark")


async def test_everything_can_be_done_with_keys_alone(river: River, browser: Browser) -> None:
    async with (
        member(river.url, token("ann"), "parrots") as ann,
        console(river, browser) as page,
    ):
        await heading(page, "Overview")
        await tab_to(page, "Channels")
        await page.keyboard.press("Enter")
        await heading(page, "Channels")
        await tab_to(page, "parrots")
        await page.keyboard.press("Enter")
        await heading(page, "parrots")
        await tab_to(page, "Publish")
        await page.keyboard.press("Enter")
        assert (await ann.until("event"))["event"] == "message"
        await expect(page.locator("summary").first).to_be_visible()
        await tab_to(page, "1message")
        await page.keyboard.press("Enter")
        await expect(page.locator("pre").first).to_be_visible()
        await tab_to(page, "Users")
        await page.keyboard.press("Enter")
        await tab_to(page, "ann")
        await page.keyboard.press("Enter")
        await heading(page, "ann")
        await tab_to(page, "Disconnect")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        # Where it was left.
        assert await focused(page) == "Disconnect"
        await page.keyboard.press("Enter")
        await tab_to(page, "Disconnect")
        await page.keyboard.press("Enter")
        assert (await ann.ends())[0] == 4403


async def focused(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.textContent"))


async def tab_to(page: Page, text: str) -> None:
    """Press Tab until something with this text has the focus, which shows."""
    await expect(page.get_by_text(text, exact=True).first).to_be_attached()
    for _ in range(TABS_MAX):
        await page.keyboard.press("Tab")
        if await focused(page) == text:
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert await page.evaluate(outline) != "none"
            return
    raise AssertionError(f"no {text!r} within {TABS_MAX} tabs")
