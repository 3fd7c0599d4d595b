"""Channel rules, publishing and users: two gateways, one API, a Redis, a client of each library.

A page (JavaScript) is connected to one gateway, a program (Python) to the other.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
from library_clients import DEADLINE_S, LibraryClient, Page, javascript, python
from redis_server import RedisServer, running
from river_client import condition, token
from river_process import API_KEY, River, Start, ask
from stream_client import path_of, requested

RULES = [
    {"match": "price-*", "history_size": 0, "keep_last": True, "access": "guest"},
    {"match": "secret-*", "access": "grant"},
]
ANN = "auth0|ann/ö+x"


class Site:
    """Two gateways, and an API that is asked."""

    def __init__(self, gateways: tuple[River, River], api: River, redis: RedisServer) -> None:
        self.gateways = gateways
        self.redis = redis
        self._api = api

    async def asks(self, method: str, path: str, **body: object) -> tuple[int, Any]:
        """What the API answers."""
        url, text = f"{self._api.api_url}{path}", json.dumps(body).encode() if body else None
        status, answer = await asyncio.to_thread(ask, url, text, key=API_KEY, method=method)
        return status, json.loads(answer)

    async def orders(self, path: str, user: str = ANN, **body: object) -> Any:
        """What the API answers to an order about a user."""
        place = path.replace("/users/U", "/users/-")
        status, answer = await self.asks("POST", f"{place}user={quote(user, safe='')}", **body)
        assert status == 200, answer
        return answer

    async def ready(self) -> None:
        """Wait until the API has its broker."""
        await condition(lambda: ask(f"{self._api.api_url}/readyz")[0] == 200)

    async def publishes(self, channel: str, data: object, **fields: object) -> Any:
        status, answer = await self.asks(
            "POST", "/publish", channel=channel, event="e", data=data, **fields
        )
        assert status == 200, answer
        return answer

    async def connections(self, user: str = ANN) -> list[dict[str, Any]]:
        found = await self.asks("GET", f"/users/-?user={quote(user, safe='')}")
        listed: list[dict[str, Any]] = found[1]["connections"]
        return listed

    async def has(self, count: int, *channels: str, user: str = ANN) -> list[dict[str, Any]]:
        """The connections, when there are so many that are live in these channels."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = await self.connections(user)
                counts = [(await self.asks("GET", f"/channels/{one}"))[1] for one in channels]
                live = [one["subscribers"] for one in counts]
                has_all = all(set(channels) <= set(one["channels"]) for one in found)
                if len(found) == count and has_all and live == [count] * len(channels):
                    return found
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def clients(
        self, *channels: str, proof: str = "", history: int = 0
    ) -> AsyncIterator[tuple[Page, LibraryClient]]:
        """The page and the program."""
        proof = proof or token(ANN)
        one, two = (gateway.url for gateway in self.gateways)
        async with (
            javascript(one, proof, *channels, history=history) as page,
            python(two, proof, *channels, history=history) as program,
        ):
            yield page, program


@pytest.fixture(scope="module")
def site(start_shared: Start) -> Any:
    """Return what all tests of this module share."""
    with running() as redis:
        settings = {
            "RIVER_BROKER": redis.url,
            "RIVER_CHANNEL_RULES": json.dumps(RULES),
            "RIVER_JWT_LEEWAY_S": "0",
        }
        one, two = (
            start_shared("gateway", settings={**settings, "RIVER_NODE_NAME": name})
            for name in ("one", "two")
        )
        yield Site((one, two), start_shared("api", settings=settings), redis)


async def test_events_for_now_reach_both_and_nobody_later(site: Site) -> None:
    async with site.clients("now") as clients:
        await site.has(2, "now")
        kept = await site.publishes("now", 1)
        passing = await site.publishes("now", 2, keep=False)
        assert passing == {"epoch": kept["epoch"], "after": kept["offset"]}
        for client in clients:
            assert await client.until("event", "now") == ["event", "now", "e", 1]
            assert await client.until("event", "now") == ["event", "now", "e", 2]
    async with site.clients("now", history=10) as clients:
        await site.has(2, "now")
        await site.publishes("now", 3)
        for client in clients:
            assert (await client.until("event"))[3] == 1
            assert (await client.until("event"))[3] == 3


async def test_session_that_is_excluded_gets_all_but_that_on_either_gateway(site: Site) -> None:
    async with site.clients("but-one") as clients:
        found = await site.has(2, "but-one")
        sessions = {one["node"]: one["session"] for one in found}
        await site.publishes("but-one", "page not", exclude=sessions["one"])
        await site.publishes("but-one", "program not", exclude=sessions["two"])
        await site.publishes("but-one", "all")
        for client, heard in zip(clients, ("program not", "page not"), strict=True):
            assert (await client.until("event"))[3] == heard
            assert (await client.until("event"))[3] == "all"
            assert not client.has_said("gap")


async def test_page_publishes_for_now_to_all_but_itself(site: Site) -> None:
    async with site.clients("typing") as (page, program):
        await site.has(2, "typing")
        page.publish("typing", "e", 1, keep=False, isWithoutMe=True)
        page.publish("typing", "e", 2)
        assert [(await program.until("event"))[3] for _ in range(2)] == [1, 2]
        assert (await page.until("event"))[3] == 2
        kept = (await site.asks("GET", "/channels/typing/history"))[1]["publications"]
        assert [one["data"] for one in kept] == [2]


async def test_last_value_comes_to_who_subscribes_later(site: Site) -> None:
    for price in (1, 2):
        await site.publishes("price-a", price)
    async with site.clients("price-a", history=1) as clients:
        for client in clients:
            assert (await client.until("event"))[3] == 2


async def test_user_is_sent_to_listed_and_taken_out_of_a_channel(site: Site) -> None:
    async with site.clients("dogs") as clients:
        one, two = sorted(await site.has(2, "dogs"), key=lambda found: str(found["node"]))
        assert [one["node"], two["node"]] == ["one", "two"]
        assert one["channels"] == two["channels"] == ["dogs"]
        assert two["client"].startswith("river-realtime-python/")
        await site.orders("/users/U/publish?", event="hello", data=[ANN])
        for client in clients:
            assert (await client.until("event", "#user"))[2:] == ["hello", [ANN]]
        answer = await site.orders("/users/U/channels/dogs/remove?")
        assert (answer["reached"], answer["unanswered"]) == (2, [])
        for client in clients:
            assert await client.until("refused") == ["refused", "removed"]
        assert [one["channels"] for one in await site.connections()] == [[], []]


async def test_stream_is_listed_with_what_its_client_calls_itself(site: Site) -> None:
    path = path_of("streamed", client="my-app/1.2")
    headers = {"authorization": f"Bearer {token('eve')}", "user-agent": "curl/8"}
    async with requested(site.gateways[0].url, path, headers=headers):
        [found] = await site.has(1, "streamed", user="eve")
        assert (found["client"], found["channels"]) == ("my-app/1.2 curl/8", ["streamed"])


async def test_token_has_its_client_joined(site: Site) -> None:
    proof = token(ANN, river={"join": ["secret-room"]})
    async with site.clients("secret-room", proof=proof) as clients:
        await site.has(2, "secret-room")
        await site.publishes("secret-room", 1)
        for client in clients:
            assert (await client.until("event"))[1] == "secret-room"


async def test_user_who_is_logged_out_everywhere_comes_back_with_a_new_token(site: Site) -> None:
    old = token("bob", iat=int(time.time()) - 10)
    async with site.clients(proof=old) as clients:
        await site.has(2, user="bob")
        answer = await site.orders("/users/U/disconnect?", "bob", revoke=True)
        assert answer["reached"] == 2
        for client in clients:
            assert (await client.until("ended"))[1] == 4403
    async with site.clients(proof=old) as clients:
        for client in clients:
            assert await client.until("ended") == ["ended", 4401, "token_revoked"]
    # Of the next second, when that has come: a fixed token that is refused ends its client.
    later = int(time.time()) + 1
    await condition(lambda: time.time() >= later)
    async with site.clients(proof=token("bob", iat=later)):
        await site.has(2, user="bob")


async def test_blocked_user_is_refused_until_unblocked(site: Site) -> None:
    async with site.clients(proof=token("cid")) as clients:
        await site.has(2, user="cid")
        assert (await site.orders("/users/U/block?", "cid", until=None))["reached"] == 2
        for client in clients:
            assert (await client.until("ended"))[1] == 4403
    listed = (await site.asks("GET", "/blocks"))[1]
    assert listed == {"blocks": [{"user": "cid", "until": None}], "more": False}
    async with site.clients(proof=token("cid")) as clients:
        for client in clients:
            assert await client.until("ended") == ["ended", 4403, "user_blocked"]
    assert (await site.asks("DELETE", "/users/cid/block"))[0] == 200
    async with site.clients(proof=token("cid")):
        await site.has(2, user="cid")


async def test_page_without_a_token_is_a_guest_where_a_rule_says_so(site: Site) -> None:
    async with javascript(site.gateways[1].url, "", "price-b", "dogs") as guest:
        assert await guest.until("refused") == ["refused", "unauthenticated"]

        def subscribers() -> bool:
            text = ask(f"{site.gateways[1].url}/metrics")[1]
            return "river_guests 1.0" in text

        await condition(subscribers)
        await site.publishes("price-b", 7)
        assert (await guest.until("event"))[3] == 7


async def test_misspelt_key_in_a_token_refuses_it(site: Site) -> None:
    async with site.clients(proof=token("dan", river={"subscribes": ["*"]})) as clients:
        for client in clients:
            assert await client.until("ended") == ["ended", 4401, "token_invalid"]


# What is wrong, or comes to nothing.


async def test_excluding_sessions_of_nobody_and_of_other_channels_leaves_nobody_out(
    site: Site,
) -> None:
    async with site.clients("some") as clients, site.clients("other", proof=token("fay")):
        await site.has(2, "some")
        other = (await site.has(2, "other", user="fay"))[0]["session"]
        for number, session in enumerate(("nobody.1", other, "x" * 128)):
            await site.publishes("some", number, exclude=session)
        for client in clients:
            assert [(await client.until("event"))[3] for _ in range(3)] == [0, 1, 2]
        for wrong in ("", "x" * 129, 7, ["a"]):
            status, answer = await site.asks(
                "POST", "/publish", channel="some", event="e", exclude=wrong
            )
            assert (status, answer["error"]["code"]) == (400, "invalid_field")


async def test_orders_that_concern_nobody_reach_nobody(site: Site) -> None:
    async with site.clients("mine") as clients:
        await site.has(2, "mine")
        assert (await site.orders("/users/U/channels/yours/remove?"))["reached"] == 0
        for order in ("disconnect", "channels/mine/remove"):
            assert (await site.orders(f"/users/U/{order}?", "nobody"))["reached"] == 0
        assert (await site.orders("/users/U/publish?", "nobody", event="e"))["offset"] == 1
        assert (await site.asks("DELETE", "/users/nobody/block"))[0] == 200
        path = f"/users/-/block?user={quote(ANN, safe='')}"
        for until in (0, time.time() - 1, -1, "now"):
            status, answer = await site.asks("POST", path, until=until)
            assert (status, answer["error"]["code"]) == (400, "invalid_field")
        await site.publishes("mine", 1)
        for client in clients:
            assert (await client.until("event"))[3] == 1


async def test_log_out_that_the_broker_did_not_take_is_not_done_by_halves(site: Site) -> None:
    proof = token("gus", iat=int(time.time()) - 10)
    async with site.clients("held", proof=proof) as clients:
        await site.has(2, "held", user="gus")
        site.redis.kill()
        for order in ("disconnect", "block"):
            body = {"revoke": True} if order == "disconnect" else {"until": None}
            status, answer = await site.asks("POST", f"/users/gus/{order}", **body)
            assert (status, answer["error"]["code"]) == (503, "broker_unavailable")
        site.redis.start()
        await site.ready()
        # Redis came back without its data, and was given it back.
        await site.publishes("held", 1)
        for client in clients:
            assert (await client.until("event"))[3] == 1
            assert not client.has_said("gap")
        async with site.clients(proof=proof):
            await site.has(4, user="gus")
        assert (await site.asks("GET", "/blocks"))[1]["blocks"] == []
