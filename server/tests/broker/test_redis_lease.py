"""A node's lease and feed, whatever the server answers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from redis_server import RedisServer

from riverd.broker.redis.address import RedisAddress
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import Argument, RedisConnection, Reply
from riverd.broker.redis.connector import Connector
from riverd.broker.redis.feed import PLAIN, FeedListener, RedisFeed
from riverd.broker.redis.lease import Lease
from riverd.broker.redis.webhooks import RedisWebhooks


class OddServer:
    """Answers a renewal in a way that no version knows, and then as it should."""

    def __init__(self) -> None:
        self.answers: list[Reply] = ["?", (1, b"")]
        self.renewed = asyncio.Event()

    async def call(
        self, script: str, _keys: Sequence[str], *, arguments: Sequence[Argument]
    ) -> Reply:
        assert script == "renew"
        assert arguments
        if len(self.answers) == 1:
            self.renewed.set()
            return self.answers[0]
        return self.answers.pop(0)

    async def commands(self, commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        return [0 for _ in commands]

    def history(self, _key: str) -> None:
        return None


async def test_lease_is_renewed_after_an_answer_that_nobody_expected() -> None:
    failures: list[BaseException] = []
    server = OddServer()
    lease = Lease(
        cast("Server", server),
        lambda channel: channel,
        "PUBLISH",
        lost=lambda: None,
        failed=failures.append,
        webhooks=cast("RedisWebhooks", None),
    )
    async with asyncio.timeout(10):
        try:
            await lease.start()
            assert len(failures) == 1
            await server.renewed.wait()
        finally:
            await lease._tasks.close()


async def test_feed_connects_after_an_error_that_nobody_expected(server: RedisServer) -> None:
    failures: list[BaseException] = []
    connector = Connector(RedisAddress(hosts=(server.address,)))
    errors = [ValueError("odd")]

    async def open_connection(new: Callable[[], RedisConnection]) -> RedisConnection:
        if errors:
            raise errors.pop()
        return await connector.open(new)

    listener = FeedListener(lambda _name, _data: None, lambda: None, failures.append)
    feed = RedisFeed(open_connection, PLAIN, listener, history=lambda: None, names=("a",))
    try:
        await feed.start()
        assert feed.problem == "odd"
        async with asyncio.timeout(10):
            while feed.problem is not None:
                await asyncio.sleep(0)
    finally:
        await feed.close()
    assert [repr(one) for one in failures] == ["ValueError('odd')"]
