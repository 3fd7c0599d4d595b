"""One connection to Redis, without a Redis."""

import asyncio

import pytest

from riverd.broker.redis.connection import RedisConnection, UnansweredError
from riverd.errors import BrokerError


class ClosedTransport(asyncio.Transport):
    """One whose other end is gone, before the protocol was notified: as uvloop's, it raises."""

    def is_closing(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        raise RuntimeError(f"{len(data)} bytes: the handler is closed")


async def test_what_is_asked_on_a_connection_that_just_closed_was_not_sent() -> None:
    loop, raised = asyncio.get_running_loop(), list[dict[str, object]]()
    loop.set_exception_handler(lambda _, context: raised.append(context))
    connection = RedisConnection(1.0)
    connection.connection_made(ClosedTransport())
    answer = connection.send("PING")
    # The turn in which it would be written.
    await asyncio.sleep(0)
    connection.connection_lost(None)
    with pytest.raises(BrokerError) as failure:
        await answer
    assert not isinstance(failure.value, UnansweredError)
    assert raised == []
