"""The console in Chromium: clicked through, with hostile names, with a key that may only read."""

import asyncio
import itertools
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from console_page import WAIT_MS, chromium, console, heading
from playwright.async_api import Browser, Page, expect
from redis_server import RedisServer
from river_client import CLOSE, Client, condition, enter, frame, member, opened, token, visitor
from river_process import API_KEY, River, Start, ask
from webhook_receiver import Receiver, receiving

from riverd.service.brokers import Brokers
from riverd.service.settings import Settings

# One browser for all: starting it takes longer than most tests here.
pytestmark = pytest.mark.asyncio(loop_scope="module")

READ_KEY = "a-key-that-may-only-read-0123456789"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
CONNECTIONS = 1_000
"""As many as RIVER_MAX_CONNECTIONS_PER_USER."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture(scope="module")
def river(start_shared: Start, redis: RedisServer, receiver: Receiver) -> River:
    assert redis.password is not None
    hook = {"name": "crm", "url": receiver.url, "events": ["member_joined"], "secret": "s" * 40}
    settings = {
        "RIVER_READ_KEYS": READ_KEY,
        "RIVER_NODE_NAME": "gw-a",
        "RIVER_BROKER": redis.url,
        "RIVER_BROKER_PASSWORD": redis.password,
        "RIVER_WEBHOOKS": json.dumps([hook]),
        "RIVER_WEBHOOK_NETWORKS": "private",
    }
    return start_shared("dev", settings=settings)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as one:
        yield one


def publish(river: River, channel: str, event: str, data: object) -> int:
    body = {"channel": channel, "event": event, "data": data}
    return int(json.loads(ask(f"{river.api_url}/publish", body, key=API_KEY)[1])["offset"])


async def hostile_client(river: River) -> Client:
    """One whose user, client name and info are markup."""
    client = await opened(river.url, User_Agent=HOSTILE)
    grants = {"subscribe": ["*"], "publish": ["*"], "info": {"name": HOSTILE}}
    await enter(client, token(HOSTILE, river=grants), "presence-xss")
    return client


async def test_page_is_served_to_everybody_and_holds_nothing(river: River) -> None:
    status, page = ask(f"{river.api_url}/console")
    assert status == 200
    assert API_KEY not in page
    assert ask(f"{river.api_url}/console/app.js")[0] == 200
    assert ask(f"{river.api_url}/console/../admission.py")[0] == 404
    assert ask(f"{river.api_url}/console", {}, method="POST")[0] == 405
    assert ask(f"{river.api_url}/console/app.js", {}, method="DELETE")[0] == 405


async def test_wrong_key_is_refused_in_words(river: River, browser: Browser) -> None:
    async with console(river, browser, "wrong-key") as page:
        await expect(page.get_by_role("alert")).to_contain_text("none of RIVER_API_KEYS")
        stored = "JSON.stringify([document.cookie, localStorage.length, sessionStorage.length])"
        assert await page.evaluate(stored) == '["",0,0]'


async def test_everything_is_reached_by_clicks(river: River, browser: Browser) -> None:
    async with member(river.url, token("ann"), "dogs", "presence-dogs") as ann:
        offset = publish(river, "dogs", "post", {"text": "hello"})
        async with console(river, browser) as page:
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


async def test_orders_are_confirmed_and_carried_out(river: River, browser: Browser) -> None:
    async with member(river.url, token("bob")) as bob, console(river, browser) as page:
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


async def test_hostile_names_stay_text(river: River, browser: Browser) -> None:
    client = await hostile_client(river)
    try:
        publish(river, "presence-xss", HOSTILE[:100], {"html": HOSTILE})
        async with console(river, browser) as page:
            await heading(page, "Overview")
            for path in ("channels/presence-xss", f"users/{quote(HOSTILE, safe='')}", "users"):
                await page.goto(f"{river.api_url}/console#/{path}")
                await expect(page.locator("main")).to_contain_text("<img src=x")
            await page.goto(f"{river.api_url}/console#/users/{quote(HOSTILE, safe='')}")
            await page.get_by_label("Channel", exact=True).fill("presence-xss")
            await page.get_by_label("Offset", exact=True).fill("1")
            await page.get_by_role("button", name="Explain").click()
            await page.locator("summary").first.click()
            await expect(page.locator(".entry dd").first).to_be_visible()
            assert await page.locator("main img, main script").count() == 0
    finally:
        await client.close()


async def test_read_key_has_no_buttons_that_act(river: River, browser: Browser) -> None:
    async with member(river.url, token("cat"), "cats"), console(river, browser, READ_KEY) as page:
        await expect(page.get_by_text("read only")).to_be_visible()
        for path in ("channels/cats", "users/cat", "nodes"):
            await page.goto(f"{river.api_url}/console#/{path}")
            await expect(page.locator("table, dl").first).to_be_visible()
            for name in ("Publish", "Disconnect", "Block", "Log out everywhere", "Drain"):
                assert await page.get_by_role("button", name=name, exact=True).count() == 0
        body = {"channel": "cats", "event": "post", "data": 1}
        assert ask(f"{river.api_url}/publish", body, key=READ_KEY)[0] == 403


async def test_it_works_with_keys_alone_and_on_a_phone(river: River, browser: Browser) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    async with member(river.url, token("dan"), "dans"), console(river, browser, **phone) as page:
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


async def traced(page: Page, river: River, path: str, **more: bool) -> None:
    await page.goto(f"{river.api_url}/console#/trace/{path}")
    if more.get("payloads"):
        await page.get_by_label("With payloads").check()
    await page.get_by_role("button", name="Start").click()


async def test_user_is_followed_until_somebody_stops_it(river: River, browser: Browser) -> None:
    async with (
        member(river.url, token("eva"), "traced") as eva,
        console(river, browser, READ_KEY) as page,
    ):
        await heading(page, "Overview")
        lines = page.locator(".trace li")
        await traced(page, river, "user/eva")
        await expect(lines.filter(has_text="is connected").first).to_contain_text("on gw-a")
        offset = publish(river, "traced", "post", {"secret": "of a payload"})
        await eva.until("event")
        await expect(lines.first).to_contain_text(f"traced {offset} post 26 B")
        assert await page.locator(".trace pre").count() == 0
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator("main")).to_contain_text("Stopped.")
        seen = await lines.count()
        publish(river, "traced", "post", 1)
        # Its session is a link to the trace of that session.
        await lines.first.locator(".where a").click()
        await expect(page.get_by_label("Follow")).to_have_value("session")
        await page.get_by_role("button", name="Start").click()
        await expect(lines.filter(has_text="is connected")).to_have_count(1)
        assert await lines.count() < seen


async def test_channel_is_followed_with_payloads_and_ends_by_itself(
    river: River, browser: Browser
) -> None:
    async with (
        member(river.url, token("fay"), "traced-2"),
        console(river, browser) as page,
    ):
        await heading(page, "Overview")
        await page.clock.install()
        await traced(page, river, "channel/traced-2", payloads=True)
        await expect(page.locator("main")).to_contain_text("Ends by itself in")
        await until_traced(page, river, "traced-2")
        await expect(page.locator(".trace pre").first).to_have_text('{"text":"seen"}')
        await page.clock.fast_forward("06:00")
        await expect(page.locator("main")).to_contain_text("Ended by itself.")
        await expect(page.get_by_role("button", name="Start")).to_be_visible()


async def until_traced(page: Page, river: River, channel: str) -> None:
    """A gateway begins to look once it is asked: what is published before is not seen."""
    async with asyncio.timeout(WAIT_MS / 1000):
        while not await page.locator(".trace li").count():
            publish(river, channel, "post", {"text": "seen"})
            await page.clock.run_for(500)
            await asyncio.sleep(0.1)


async def test_hostile_client_is_text_in_traces_and_explanations(
    river: River, browser: Browser
) -> None:
    client = await hostile_client(river)
    try:
        async with console(river, browser) as page:
            await heading(page, "Overview")
            await traced(page, river, f"user/{quote(HOSTILE, safe='')}", payloads=True)
            connected = page.locator(".trace li").filter(has_text="is connected")
            await expect(connected).to_contain_text("<img src=x")
            offset = publish(river, "presence-xss", HOSTILE[:100], {"html": HOSTILE})
            await expect(page.locator(".trace pre").first).to_contain_text("<script>")
            reason = HOSTILE.encode()[:100]
            await client.send_raw(frame(CLOSE, (4_000).to_bytes(2) + reason))
            await expect(page.locator(".trace li").filter(has_text="ended").first).to_be_visible()
            assert await page.locator("main img, main script").count() == 0
            await page.goto(f"{river.api_url}/console#/users/{quote(HOSTILE, safe='')}")
            await page.get_by_label("Channel", exact=True).fill("presence-xss")
            await page.get_by_label("Offset", exact=True).fill(str(offset))
            await page.get_by_role("button", name="Explain").click()
            await page.locator("summary").first.click()
            await expect(page.locator(".entry dd").first).to_be_visible()
            assert await page.locator("main img, main script").count() == 0
    finally:
        await client.close()


async def test_webhook_is_seen_failing_and_replayed(
    river: River, browser: Browser, receiver: Receiver, redis: RedisServer
) -> None:
    await webhook_is_known(river, receiver)
    receiver.status = 500
    async with (
        member(river.url, token("gus"), "presence-hooked"),
        console(river, browser) as page,
    ):
        await heading(page, "Overview")
        await page.get_by_role("link", name="Webhooks").click()
        card = page.locator(".card").filter(has_text="crm")
        await expect(card).to_contain_text("in a row")
        await expect(card).to_contain_text("status 500")
        await given_up(redis)
        await card.locator("summary").click()
        await expect(card.get_by_role("cell", name="presence-hooked").first).to_be_visible()
        receiver.status = 200
        await card.get_by_role("button", name="Send again").click()
        await page.get_by_role("dialog").get_by_role("button", name="Send again").click()
        await expect(page.locator("#status")).to_contain_text("sent again: 1")
        await condition(lambda: "member_joined" in receiver.of("presence-hooked"))
        await expect(card.locator("summary")).to_be_hidden()
        await card.get_by_role("button", name="Send a test event").click()
        await condition(lambda: "test" in receiver.types)
        await expect(card).to_contain_text("delivers")
    async with console(river, browser, READ_KEY) as page:
        await heading(page, "Overview")
        await page.get_by_role("link", name="Webhooks").click()
        await expect(page.locator(".card").filter(has_text="crm")).to_be_visible()
        assert await page.get_by_role("button", name="Send").count() == 0


async def webhook_is_known(river: River, receiver: Receiver) -> None:
    """Gateways learn within seconds what a new webhook wants."""
    async with asyncio.timeout(WAIT_MS / 1000):
        for number in itertools.count():
            async with member(river.url, token(f"user-{number}"), "presence-first"):
                await asyncio.sleep(0.3)
            if "member_joined" in receiver.types:
                return


async def given_up(redis: RedisServer) -> None:
    """What a sender does with an event after a day of refusals."""
    settings = Settings(broker=redis.url, broker_password=redis.password)
    broker = Brokers(settings, failed=print).new()
    try:
        queues = broker.webhook_queues
        (webhook,) = list(await queues.notes())
        waiting = (await queues.read(webhook, {})).events
        mine = [one for one in waiting if one.channel == "presence-hooked"]
        await queues.bury(webhook, mine[:1], error="status 500")
    finally:
        await broker.close()


async def test_connection_without_a_user_is_explained_by_its_session(
    river: River, browser: Browser
) -> None:
    async with visitor(river.url) as client:
        session = (await client.expect("welcome"))["session"]
        offset = publish(river, "open-news", "post", {"n": 1})
        async with console(river, browser) as page:
            await heading(page, "Overview")
            await page.goto(f"{river.api_url}/console#/channels/open-news")
            await page.get_by_label("Who", exact=True).select_option("the session")
            await page.get_by_label("Its name or id").fill(session)
            await page.get_by_label("Offset", exact=True).fill(str(offset))
            await page.get_by_role("button", name="Explain").click()
            await expect(page.locator(".sentence")).to_contain_text("The client was connected")
            await expect(page.locator("details").filter(has_text=session)).to_be_visible()


async def test_user_of_a_thousand_connections_is_shown_in_part_and_counted(
    river: River, browser: Browser
) -> None:
    async with AsyncExitStack() as many:
        for _ in range(CONNECTIONS):
            await many.enter_async_context(member(river.url, token("hub"), "hubs"))
        async with console(river, browser) as page:
            await heading(page, "Overview")
            await page.goto(f"{river.api_url}/console#/users/hub")
            more = page.get_by_text(f"And {CONNECTIONS - 50} more connections.")
            await expect(more).to_be_visible()
            assert await page.locator("tbody tr").count() == 50
            await page.goto(f"{river.api_url}/console#/users")
            await expect(page.get_by_role("row").filter(has_text="hub")).to_contain_text(
                f"{CONNECTIONS:,}"
            )


async def test_list_of_many_channels_is_bounded_and_says_so(river: River, browser: Browser) -> None:
    async with AsyncExitStack() as many, console(river, browser) as page:
        for first in range(0, 300, 100):
            names = [f"many-{number:03}" for number in range(first, first + 100)]
            await many.enter_async_context(member(river.url, token("eve"), *names))
        await heading(page, "Overview")
        await page.goto(f"{river.api_url}/console#/channels")
        await expect(page.get_by_text("The first 200.")).to_be_visible()
        assert await page.locator("tbody tr").count() == 200
        await page.get_by_label("Begins with").fill("many-29")
        await expect(page.locator("tbody tr")).to_have_count(10)
        await page.goto(f"{river.api_url}/console#/users/eve")
        await expect(page.get_by_text("and 50 more").first).to_be_visible()


async def test_node_that_hangs_is_named(
    river: River, browser: Browser, start: Start, redis: RedisServer
) -> None:
    assert redis.password is not None
    where = {"RIVER_BROKER": redis.url, "RIVER_BROKER_PASSWORD": redis.password}
    hung = start("gateway", settings={**where, "RIVER_NODE_NAME": "gw-hung"})
    async with console(river, browser) as page:
        await heading(page, "Overview")
        await page.goto(f"{river.api_url}/console#/nodes")
        await expect(page.get_by_role("cell", name="gw-hung")).to_be_visible()
        hung.signal(signal.SIGSTOP)
        try:
            await expect(page.locator(".problem", has_text="gw-hung")).to_contain_text("No answer")
            await expect(page.get_by_role("cell", name="gw-a")).to_be_visible()
        finally:
            hung.signal(signal.SIGCONT)
