"""Takes the pictures of the console in docs/images, of two gateways with people on them.

    .venv/bin/python scripts/console_pictures.py --minutes 2

Look at each before it is kept.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "server" / "tests" / "support")]

from console_page import chromium, heading  # noqa: E402  it is found now
from playwright.async_api import Browser, Page, expect  # noqa: E402
from redis_server import running  # noqa: E402
from river_client import Client, enter, opened, token  # noqa: E402
from river_process import API_KEY, KEYS, River, ask  # noqa: E402

IMAGES = ROOT / "docs" / "images"
BROWSERS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) Safari/17.6",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1) Mobile Safari",
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
)
PEOPLE = (
    *("ada", "alan", "anita", "barbara", "donald", "edsger", "frances", "grace", "hedy", "jean"),
    *("john", "katherine", "ken", "linus", "margaret", "niklaus", "radia", "sophie", "tim"),
)
AGAIN_S = 8.0
TEAMS = ("design", "platform", "sales")
PAGES, NAMED = 180, 60
"""How many pages are open, and how many of them by people with a name."""
BOARDS = [f"board-{number}" for number in (7, 12, 42, 58)]
PRICES = [f"price-{name}" for name in ("copper", "gold", "silver", "tin")]
ROOMS = ["presence-berlin", "presence-lisbon", "presence-oslo"]
RULES = [
    {"match": "price-*", "keep_last": True, "client_publish": False},
    {"match": "board-*", "history_size": 500, "history_ttl_s": 3600},
    {"match": "presence-*", "access": "grant", "presence": True},
]
chance = random.Random(7)  # noqa: S311  nothing here is secret

WORDS = ("Ready for review", "Lunch at noon?", "The build is green again", "See you tomorrow")


def started(kind: str, folder: str, **settings: str) -> River:
    """A process of River."""
    home = Path(tempfile.mkdtemp(dir=folder))
    rules = {"RIVER_CHANNEL_RULES": json.dumps(RULES), "RIVER_PING_INTERVAL_S": "5"}
    return River(kind, settings={**KEYS, **rules, **settings}, folder=home)


async def visitor(url: str, user: str, *channels: str, number: int) -> Client:
    """One page of a user."""
    client = await opened(url, User_Agent=BROWSERS[number % len(BROWSERS)])
    info = {"name": user.title(), "team": chance.choice(TEAMS)}
    grants = {"subscribe": ["*"], "publish": ["board-*"], "info": info}
    await enter(client, token(user, river=grants), *channels)
    return client


async def read(client: Client) -> None:
    """Take whatever comes, until the end."""
    try:
        while True:
            await client.next()
    except (EOFError, ConnectionError, TimeoutError):
        return


@contextmanager
def deployment(folder: str) -> Any:
    """Two gateways and an API over Redis; until the block ends."""
    with running() as redis:
        broker = {"RIVER_BROKER": redis.url}
        processes = [
            started("gateway", folder, RIVER_NODE_NAME=f"gw-eu-{number}", **broker)
            for number in (1, 2)
        ]
        processes.append(started("api", folder, **broker))
        try:
            yield processes
        finally:
            for one in processes:
                one.kill()


def publish(api: River, channel: str, event: str, **data: object) -> int:
    """As a back end does."""
    body = {"channel": channel, "event": event, "data": data}
    return int(json.loads(ask(f"{api.api_url}/publish", body, key=API_KEY)[1])["offset"])


async def traffic(api: River) -> None:
    """Prices tick, cards move, people write; now more and now less."""
    while True:
        for channel in chance.sample(PRICES, 2):
            await asyncio.to_thread(publish, api, channel, "tick", eur=chance.randrange(900, 990))
        if chance.choice((True, True, False)):
            card, to = chance.randrange(100, 180), chance.choice(("doing", "review", "done"))
            await asyncio.to_thread(
                publish, api, chance.choice(BOARDS), "card.moved", card=card, to=to
            )
        if chance.choice((True, False)):
            await asyncio.to_thread(
                publish, api, chance.choice(ROOMS), "message", text=chance.choice(WORDS)
            )
        await asyncio.sleep(chance.choice((0.1, 0.2, 0.4, 0.9)))


@asynccontextmanager
async def people(one: River, other: River) -> AsyncIterator[None]:
    """Each has one to three pages open."""
    async with AsyncExitStack() as stack:
        tasks: list[asyncio.Task[None]] = []
        for number in range(PAGES):
            user = PEOPLE[number % len(PEOPLE)] if number < NAMED else f"user-{number:04}"
            channels = [chance.choice(BOARDS), *chance.sample(PRICES, 2), chance.choice(ROOMS)]
            url = chance.choice((one, one, other)).url
            client = await visitor(url, user, *channels, number=number)
            stack.push_async_callback(client.close)
            tasks.append(asyncio.create_task(read(client)))
        yield
        for task in tasks:
            task.cancel()


async def page_of(
    browser: Browser, api: River, size: tuple[int, int], scheme: str = "light", scale: float = 1
) -> Page:
    """The console, logged in."""
    page = await browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=scale,
    )
    await page.goto(f"{api.api_url}/console")
    await page.get_by_label("API key").fill(API_KEY)
    await page.get_by_role("button", name="Log in").click()
    await heading(page, "Overview")
    return page


async def take(page: Page, name: str) -> None:
    """Keep what it shows."""
    await page.mouse.move(0, 0)
    file = IMAGES / f"console-{name}.png"
    await page.screenshot(path=file)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes")


async def take_channel(page: Page, api: River) -> None:
    """A channel with members, one event of its log opened."""
    await page.goto(f"{api.api_url}/console#/channels/presence-berlin")
    await expect(page.locator("td").first).to_be_visible()
    await page.locator("summary").nth(2).click()
    await take(page, "channel")


async def take_user(page: Page, gateways: list[River], api: River) -> None:
    """Somebody whose connection was gone before the event came, and who is back."""
    before = await visitor(gateways[0].url, "maria", "board-42", "price-gold", number=2)
    publish(api, "board-42", "card.moved", card=101, to="doing")
    await before.until("event")
    await before.close()
    await asyncio.sleep(1)
    missed = publish(api, "board-42", "card.moved", card=118, to="done")
    for number in (0, 2):
        url = gateways[number // 2].url
        after = await visitor(url, "maria", "board-42", "price-gold", number=number)
        task = asyncio.create_task(read(after))
        task.add_done_callback(lambda _done: None)
    await asyncio.sleep(AGAIN_S)
    await page.goto(f"{api.api_url}/console#/users/maria")
    await page.get_by_label("Channel", exact=True).fill("board-42")
    await page.get_by_label("Offset", exact=True).fill(str(missed))
    await page.get_by_role("button", name="Explain").click()
    await expect(page.locator(".sentence")).to_be_visible()
    await take(page, "user-dark")


async def take_trace(page: Page, api: River) -> None:
    """What a user is sent, as it happens."""
    await page.goto(f"{api.api_url}/console#/trace/user/maria")
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator(".trace li").nth(16)).to_be_visible(timeout=120_000)
    await take(page, "trace")


async def main() -> None:
    """Let it run for a while, then take all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=3)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder, deployment(folder) as (one, other, api):
        async with people(one, other), chromium() as browser:
            busy = asyncio.create_task(traffic(api))
            desktop = await page_of(browser, api, (1280, 620))
            dark = await page_of(browser, api, (1280, 800), "dark")
            phone = await page_of(browser, api, (390, 844), "dark", scale=1.5)
            tablet = await page_of(browser, api, (820, 1080))
            await asyncio.sleep(minutes * 60)
            await take(desktop, "overview")
            await desktop.set_viewport_size({"width": 1280, "height": 800})
            await take(phone, "phone")
            await tablet.goto(f"{api.api_url}/console#/channels")
            await expect(tablet.locator("td").first).to_be_visible()
            await take(tablet, "tablet")
            await take_channel(desktop, api)
            await take_user(dark, [one, other], api)
            await take_trace(desktop, api)
            busy.cancel()


if __name__ == "__main__":
    asyncio.run(main())
