"""A stream goes on at another gateway, whatever became of the first."""

import asyncio

from redis_server import RedisServer
from river_client import token
from river_process import Start, publish
from stream_client import path_of, requested


async def test_nothing_is_lost_or_doubled_when_a_stream_s_gateway_is_killed(
    start: Start, redis: RedisServer
) -> None:
    assert redis.password is not None
    broker = {"RIVER_BROKER": redis.url, "RIVER_BROKER_PASSWORD": redis.password}
    first, second = (start("gateway", settings=broker) for _ in range(2))
    api = start("api", settings=broker)
    headers = {"authorization": f"Bearer {token()}"}
    path = path_of("killed-a", "killed-b")
    async with requested(first.url, path, headers=headers) as stream:
        for _ in range(2):
            await stream.message("subscribed")
        await asyncio.to_thread(publish, api, "killed-a", 3)
        for offset in (1, 2, 3):
            assert (await stream.message("event"))["offset"] == offset
        first.kill()
        cursor = stream.last_id
    await asyncio.to_thread(publish, api, "killed-a", 2)
    await asyncio.to_thread(publish, api, "killed-b", 2)
    headers["last-event-id"] = cursor
    async with requested(second.url, path, headers=headers) as stream:
        missed = [await stream.message("event") for _ in range(4)]
        by_channel = {
            name: [one["offset"] for one in missed if one["channel"] == name]
            for name in ("killed-a", "killed-b")
        }
        assert by_channel == {"killed-a": [4, 5], "killed-b": [1, 2]}
        await asyncio.to_thread(publish, api, "killed-b")
        assert (await stream.message("event"))["offset"] == 3
