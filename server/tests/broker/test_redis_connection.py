"""One connection to Redis, without a Redis."""

import asyncio
import time

import pytest
from river_time import in_no_time
from turn_tally import TurnTally

from riverd.broker.redis.connection import (
    ANSWERS_AT_ONCE,
    RedisConnection,
    UnansweredError,
    before_it_was_sent,
)
from riverd.broker.redis.stored import UnreadableError
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


class OpenTransport(asyncio.Transport):
    """One that takes everything, and knows whether it is read."""

    is_read = True

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        del data

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


@in_no_time
async def test_answers_that_come_together_are_handed_out_some_at_a_time() -> None:
    connection, transport = RedisConnection(1.0), OpenTransport()
    connection.connection_made(transport)
    tally, count = TurnTally(), 4 * ANSWERS_AT_ONCE + 10
    answers = [connection.send("PING") for _ in range(count)]
    for answer in answers:
        answer.add_done_callback(lambda _: tally.count())
    connection.data_received(b"".join(b":%d\r\n" % number for number in range(count)))
    assert not transport.is_read
    assert await asyncio.gather(*answers) == list(range(count))
    await asyncio.sleep(0)
    assert tally.end() <= ANSWERS_AT_ONCE
    assert transport.is_read
    connection.connection_lost(None)


async def test_a_server_is_not_silent_while_its_answers_are_handed_out() -> None:
    connection = RedisConnection(0.001)
    connection.connection_made(OpenTransport())
    answers = [connection.send("PING") for _ in range(4 * ANSWERS_AT_ONCE + 1)]
    await asyncio.sleep(0)
    connection.data_received(b":1\r\n" * (4 * ANSWERS_AT_ONCE))
    # Who waited for the first of them takes longer than a server may be silent.
    time.sleep(0.01)  # noqa: ASYNC251
    await asyncio.sleep(0)
    assert not answers[-2].done()
    assert not connection.is_suspect
    await asyncio.gather(*answers[:-1])
    await asyncio.sleep(0.01)
    assert connection.is_suspect
    connection.connection_lost(None)
    with pytest.raises(UnansweredError):
        await answers[-1]


async def test_answers_that_came_before_the_end_are_answers() -> None:
    connection = RedisConnection(1.0)
    connection.connection_made(OpenTransport())
    answers = [connection.send("PING") for _ in range(2 * ANSWERS_AT_ONCE + 1)]
    await asyncio.sleep(0)
    connection.data_received(b":1\r\n" * 2 * ANSWERS_AT_ONCE)
    connection.connection_lost(None)
    *answered, last = await asyncio.gather(*answers, return_exceptions=True)
    assert answered == [1] * 2 * ANSWERS_AT_ONCE
    assert isinstance(last, UnansweredError)


@pytest.mark.parametrize("kind", [UnansweredError, UnreadableError])
def test_what_failed_before_a_call_was_sent_leaves_nothing_open(kind: type[BrokerError]) -> None:
    with pytest.raises(BrokerError) as failure, before_it_was_sent():
        raise kind("of the check before it")
    assert type(failure.value) is BrokerError
