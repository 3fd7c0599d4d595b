"""A stream goes on at another gateway, whatever became of the first."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from redis_server import RedisServer
from river_client import token
from river_process import River, Start, publish
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


class Curl:
    """`curl -N` with a stream, as a shell script has it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.last_id = ""

    def offsets(self, count: int) -> list[int]:
        """Those of the next events, or a gap's."""
        assert self._process.stdout is not None
        found: list[int] = []
        while len(found) < count:
            line = self._process.stdout.readline()
            assert line, "the stream has ended"
            name, _, value = line.rstrip().partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "data" and (message := json.loads(value))["type"] in ("event", "gap"):
                found.append(message["offset"])
        return found

    def subscribed(self) -> None:
        """Wait until it is."""
        assert self._process.stdout is not None
        while '"subscribed"' not in (line := self._process.stdout.readline()):
            assert line, "the stream has ended"


@contextmanager
def curl(gateway: River, channel: str, *, last_id: str = "") -> Iterator[Curl]:
    headers = [f"Authorization: Bearer {token()}"]
    if last_id:
        headers.append(f"Last-Event-ID: {last_id}")
    options = [word for header in headers for word in ("-H", header)]
    url = f"{gateway.url}{path_of(channel)}"
    command = ["curl", "-sN", "--max-time", "60", *options, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        yield Curl(process)
        process.kill()


def test_curl_goes_on_where_it_was_after_kill_9(start: Start, redis: RedisServer) -> None:
    assert redis.password is not None
    broker = {"RIVER_BROKER": redis.url, "RIVER_BROKER_PASSWORD": redis.password}
    first, second = (start("gateway", settings=broker) for _ in range(2))
    api = start("api", settings=broker)
    with curl(first, "killed-c") as stream:
        stream.subscribed()
        publish(api, "killed-c", 3)
        assert stream.offsets(3) == [1, 2, 3]
        first.kill()
        last_id = stream.last_id
    publish(api, "killed-c", 2)
    with curl(second, "killed-c", last_id=last_id) as stream:
        assert stream.offsets(2) == [4, 5]
        publish(api, "killed-c")
        assert stream.offsets(1) == [6]


async def test_cursor_from_before_redis_lost_its_data_goes_on_or_is_sent_a_gap(
    start: Start, own_redis: RedisServer
) -> None:
    broker = {"RIVER_BROKER": own_redis.url, "RIVER_BROKER_UNSAFE": "true"}
    holding, other = (start("gateway", settings=broker) for _ in range(2))
    api = start("api", settings=broker)
    headers = {"authorization": f"Bearer {token()}"}
    async with requested(holding.url, path_of("lost"), headers=headers) as stream:
        await stream.message("subscribed")
        await asyncio.to_thread(publish, api, "lost", 3)
        assert (await stream.message("event"))["offset"] == 1
        after_one = {**headers, "last-event-id": stream.last_id}
        for offset in (2, 3):
            assert (await stream.message("event"))["offset"] == offset
        own_redis.kill()
        own_redis.lose_data()
        own_redis.start()
        # The gateway has what follows, until it notices that the log is gone.
        async with requested(holding.url, path_of("lost"), headers=after_one) as again:
            first = await again.message("event", "gap")
            if first["type"] == "event":
                assert [first["offset"], (await again.message("event"))["offset"]] == [2, 3]
            else:
                assert first["channel"] == "lost"
    # Now nobody holds it: what was missed cannot be had, and that is said.
    for process in (holding, other, api):
        process.kill()
    own_redis.kill()
    own_redis.lose_data()
    own_redis.start()
    alone = start("gateway", settings=broker)
    async with requested(alone.url, path_of("lost"), headers=after_one) as stream:
        assert (await stream.message("gap"))["channel"] == "lost"
