"""Why a user did not get an event: reasons that were planted, and what `river explain` says."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from mute_proxy import mute_proxy
from redis_server import RedisServer
from river_client import Client, condition, enter, member, opened, token
from river_process import API_KEY, River, Start, address, ask, publish, run

BLOCKING = "x" * 60_000


class Deployment:
    """Two gateways, an API and a Redis. The first pings its clients often."""

    def __init__(self, start: Start, redis: RedisServer) -> None:
        assert redis.password is not None
        self.broker = {"RIVER_BROKER": redis.url, "RIVER_BROKER_PASSWORD": redis.password}
        often = {"RIVER_PING_INTERVAL_S": "1.5", "RIVER_NODE_NAME": "often"}
        self.often = start("gateway", settings={**self.broker, **often})
        calm = {"RIVER_NODE_NAME": "calm", "RIVER_HISTORY_SIZE": "3"}
        self.calm = start("gateway", settings={**self.broker, **calm})
        self.api = start("api", settings=self.broker)

    def explain(self, user: str, channel: str, offset: int) -> Any:
        query = urlencode({"user": user, "channel": channel})
        path = f"/channels/-/publications/{offset}/users/-"
        status, text = ask(f"{self.api.api_url}{path}?{query}", key=API_KEY)
        assert status == 200, text
        return json.loads(text)

    async def becomes(self, reason: str, user: str, channel: str, offset: int) -> Any:
        """The explanation, once it has this reason."""
        found: list[Any] = [None]

        def holds() -> bool:
            found[0] = self.explain(user, channel, offset)
            return bool(found[0]["reason"] == reason)

        try:
            await condition(holds)
        except TimeoutError:
            raise AssertionError(found[0]) from None
        return found[0]

    def publish(self, channel: str, **fields: object) -> int:
        body = {"channel": channel, "event": "post", "data": 1, **fields}
        _, text = ask(f"{self.api.api_url}/publish", body, key=API_KEY)
        return int(json.loads(text)["offset"])


@pytest.fixture(scope="module")
def river(start_shared: Start, redis: RedisServer) -> Iterator[Deployment]:
    return Deployment(start_shared, redis)


async def test_pong_proves_that_it_arrived(river: Deployment) -> None:
    async with member(river.often.url, token("ann"), "why-proof") as ann:
        offset = river.publish("why-proof")
        await ann.until("event")
        reading = asyncio.create_task(ann.ends())
        found = await river.becomes("confirmed", "ann", "why-proof", offset)
        reading.cancel()
    assert "a pong to a ping that was sent after it" in found["sentence"]
    [one] = found["subscriptions"]
    assert one["node"] == "often"
    assert one["subscription"]["confirmed"] >= offset
    assert one["session"]["protocol"] == "native"


async def test_user_without_a_grant_is_named(river: Deployment) -> None:
    proof = token("bob", river={"subscribe": ["why-*"]})
    async with member(river.calm.url, proof) as bob:
        await bob.send(type="subscribe", id=1, channel="private-why")
        await bob.until("error")
        found = river.explain("bob", "private-why", river.publish("private-why"))
    assert found["reason"] == "no_grant"
    assert "forbidden" in found["sentence"]


def test_stream_that_was_refused_for_want_of_a_grant_is_named(river: Deployment) -> None:
    proof = token("bea", river={"subscribe": ["why-*"]})
    query = urlencode({"channel": ["why-open", "private-why"]}, doseq=True)
    status, _ = ask(f"{river.calm.url}/events?{query}", token=proof)
    assert status == 403
    found = river.explain("bea", "private-why", river.publish("private-why"))
    assert found["reason"] == "no_grant"
    assert "forbidden" in found["sentence"]
    assert river.explain("bea", "why-open", river.publish("why-open"))["reason"] == "not_connected"


async def test_wrong_name_is_found_from_both_sides(river: Deployment) -> None:
    async with member(river.calm.url, token("cat"), "why-dogs"):
        offset = river.publish("why-dog")
        published = river.explain("cat", "why-dog", offset)
        waited_for = river.explain("cat", "why-dogs", offset)
    assert published["reason"] == "not_subscribed"
    assert "why-dogs" in published["sentence"]
    assert waited_for["reason"] == "not_published"


async def test_who_subscribed_later_is_named(river: Deployment) -> None:
    offset = river.publish("why-later")
    async with member(river.calm.url, token("dan"), "why-later"):
        found = river.explain("dan", "why-later", offset)
    assert found["reason"] == "subscribed_later"
    assert f"stood at {offset} by then" in found["sentence"]


async def test_connection_that_was_gone_is_named(river: Deployment) -> None:
    async with member(river.calm.url, token("eve"), "why-gone"):
        first = river.publish("why-gone")
        await river.becomes("written", "eve", "why-gone", first)
    await condition(
        lambda: (
            river.explain("eve", "why-gone", first)["subscriptions"][0]["session"]["ended_at"] > 0
        )
    )
    offset = river.publish("why-gone")
    found = river.explain("eve", "why-gone", offset)
    assert found["reason"] == "ended_before"
    assert "without a close frame" in found["sentence"]
    assert f"up to {first}" in found["sentence"]


async def test_token_that_expired_is_named(river: Deployment) -> None:
    proof = token("flo", exp=int(time.time()) + 1 - 4)
    client = await opened(river.calm.url)
    try:
        await enter(client, proof, "why-expired")
        assert (await client.ends())[0] == 4401
    finally:
        await client.close()
    found = await river.becomes("ended_before", "flo", "why-expired", river.publish("why-expired"))
    assert "the token has expired" in found["sentence"]


async def test_excluded_session_is_named(river: Deployment) -> None:
    client = await opened(river.calm.url)
    try:
        session = (await client.until("welcome"))["session"]
        await client.send(type="auth", id=1, token=token("gil"))
        await client.until("authenticated")
        await client.send(type="subscribe", id=2, channel="why-left-out")
        await client.until("subscribed")
        offset = river.publish("why-left-out", exclude=session)
        found = river.explain("gil", "why-left-out", offset)
    finally:
        await client.close()
    assert found["reason"] == "excluded"
    assert session in found["sentence"]


async def blocked(river: Deployment, user: str, channel: str) -> Client:
    """A client that reads nothing, and whose socket takes no more."""
    client = await opened(river.calm.url, receive_bytes=4_096)
    await enter(client, token(user), channel)
    return client


async def test_blocked_socket_and_the_gap_that_follows_are_named(river: Deployment) -> None:
    client = await blocked(river, "hal", "why-slow")
    try:
        offset = 0

        def is_blocked() -> bool:
            nonlocal offset
            offset = river.publish("why-slow", data=BLOCKING)
            return bool(river.explain("hal", "why-slow", offset)["reason"] == "blocked")

        await condition(is_blocked)
        found = river.explain("hal", "why-slow", offset)
        assert "takes no more since" in found["sentence"]
        # Its gateway keeps three: what comes before them is lost to it.
        for _ in range(5):
            river.publish("why-slow")
        told = await client.until("gap")
        gap = await river.becomes("gap", "hal", "why-slow", offset)
    finally:
        await client.close()
    assert told["offset"] >= offset
    assert "was sent a gap" in gap["sentence"]


async def test_proxy_that_swallows_shows_in_what_is_not_proven(river: Deployment) -> None:
    with mute_proxy(address(river.often.url)[1]) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        async with member(url, token("ida"), "why-swallowed"):
            proxy.forget()
            offset = river.publish("why-swallowed")
            found = await river.becomes("written", "ida", "why-swallowed", offset)
            assert "Written is not received" in found["sentence"]
            await condition(
                lambda: (
                    "no sign of life" in river.explain("ida", "why-swallowed", offset)["sentence"]
                )
            )


async def test_killed_gateway_makes_it_unknown(
    river: Deployment, start: Start, tmp_path: Path
) -> None:
    doomed = start("gateway", settings={**river.broker, "RIVER_NODE_NAME": "doomed"})
    async with member(doomed.url, token("jon"), "why-killed"):
        offset = river.publish("why-killed")
        await river.becomes("written", "jon", "why-killed", offset)
        doomed.kill()
    # It came back without a position: what it had before only the dead one knew.
    async with member(river.calm.url, token("jon"), "why-killed") as jon:
        found = await river.becomes("unknown", "jon", "why-killed", offset)
        assert "doomed" in found["sentence"]
        settings = {"RIVER_API_KEY": API_KEY, "RIVER_API_URL": river.api.api_url}
        which = ["--user", "jon", "--channel", "why-killed", "--offset", str(offset)]
        code, out, _ = await asyncio.to_thread(
            lambda: run("explain", *which, settings=settings, folder=tmp_path)
        )
        await jon.send(type="ping", id=9)
        await jon.until("pong")
    assert code == 0
    assert out.splitlines()[0].startswith("Unknown: doomed")
    assert "session" in out


async def test_client_that_comes_back_behind_it_had_it(river: Deployment) -> None:
    async with member(river.calm.url, token("kim"), "why-resumed") as kim:
        offset = river.publish("why-resumed")
        await kim.until("event")
    client = await opened(river.often.url)
    try:
        await enter(client, token("kim"))
        _, text = ask(f"{river.api.api_url}/channels/why-resumed", key=API_KEY)
        position = {name: json.loads(text)[name] for name in ("epoch", "offset")}
        await client.send(type="subscribe", id=1, channel="why-resumed", **position)
        assert (await client.until("subscribed"))["recovered"] is True
        found = await river.becomes("had", "kim", "why-resumed", offset)
    finally:
        await client.close()
    assert "with position" in found["sentence"]


def test_what_cannot_be_asked_is_refused(river: River | Deployment) -> None:
    assert isinstance(river, Deployment)
    for path, status in (
        ("/channels/why/publications/x/users/ann", 400),
        ("/channels/why/publications/1/users/ann?app=7", 404),
        ("/channels/wh%23y/publications/1/users/ann", 400),
    ):
        assert ask(f"{river.api.api_url}{path}", key=API_KEY)[0] == status
    assert ask(f"{river.api.api_url}/channels/why/publications/1/users/ann")[0] == 401
    publish(river.api, "why-none", 1)
    nobody = river.explain("nobody", "why-none", 1)
    assert nobody["reason"] in ("not_connected", "unknown")
