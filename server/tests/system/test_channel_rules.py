"""Channel rules through two gateways, the API and Redis; and processes with other rules."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis_server import RedisServer
from river_client import condition, metric, token, visitor
from river_process import API_KEY, Start, ask, publish, run

RULES = [
    {"match": "room-*", "access": "grant", "presence": True, "history_size": 2},
    {"match": "price-*", "client_publish": False},
]


@pytest.fixture
def settings(redis: RedisServer) -> dict[str, str]:
    assert redis.password is not None
    return {
        "RIVER_BROKER": redis.url,
        "RIVER_BROKER_PASSWORD": redis.password,
        "RIVER_CHANNEL_RULES": json.dumps(RULES),
    }


async def test_rules_hold_on_every_gateway_and_at_the_api(
    start: Start, settings: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(RULES, indent=2), encoding="utf-8")
    one = start("gateway", settings=settings)
    two = start("gateway", settings={**settings, "RIVER_CHANNEL_RULES": f"@{file}"})
    api = start("api", settings=settings)
    granted = {"river": {"subscribe": ["room-*"], "publish": ["*"]}}
    async with AsyncExitStack() as stack:
        ann = await stack.enter_async_context(visitor(one.url))
        bob = await stack.enter_async_context(visitor(two.url))
        for client, user in ((ann, "ann"), (bob, "bob")):
            await client.send(type="auth", token=token(user, **granted))
            await client.until("authenticated")
        await ann.send(type="subscribe", id=2, channel="room-1")
        assert (await ann.until("subscribed"))["presence"]["count"] == 1
        await bob.send(type="subscribe", id=2, channel="room-1")
        assert (await bob.until("subscribed"))["presence"]["count"] == 2
        assert (await ann.until("joined"))["user"] == "bob"
        await bob.send(type="publish", id=3, channel="price-1", event="e", data=1)
        assert (await bob.until("error"))["code"] == "forbidden"
        stranger = await stack.enter_async_context(visitor(two.url))
        await stranger.send(type="auth", token=token("cid", river={}))
        await stranger.until("authenticated")
        await stranger.send(type="subscribe", id=4, channel="room-1")
        assert (await stranger.until("error"))["code"] == "forbidden"
        await asyncio.to_thread(publish, api, "room-1", 5)
        status, text = await asyncio.to_thread(
            ask, f"{api.api_url}/channels/room-1/history", key=API_KEY
        )
        assert status == 200
        assert [entry["offset"] for entry in json.loads(text)["publications"]] == [4, 5]
        status, text = await asyncio.to_thread(
            ask, f"{api.api_url}/channels/room-1/presence", key=API_KEY
        )
        assert json.loads(text)["count"] == 2
    assert metric(one, "river_channel_rules_differ") == 0


async def test_a_process_with_other_rules_is_warned_of(
    start: Start, settings: dict[str, str]
) -> None:
    start("api", settings=settings)
    other = start("gateway", settings={**settings, "RIVER_CHANNEL_RULES": "[]"})
    await condition(lambda: metric(other, "river_channel_rules_differ") == 1)


def test_rules_that_are_wrong_end_the_start_with_one_line(tmp_path: Path) -> None:
    code, _, told = run(
        "gateway", "--channel-rules", '[{"match": "*", "histori_size": 3}]', folder=tmp_path
    )
    assert code == 2
    assert told.splitlines() == [told.strip()]
    assert "RIVER_CHANNEL_RULES" in told
    assert "histori_size" in told
