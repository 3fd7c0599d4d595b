"""NewBroker to brokers of every kind, closed when the test is over."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

import msgspec
from river_feed import Notes

from riverd.broker import Broker
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.broker.memory.webhooks import WebhookStore
from riverd.broker.redis import address as redis_address
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connector import Connector
from riverd.channels.rules import ChannelRule, ChannelRules
from riverd.errors import BrokerError, OutcomeUnknownError
from riverd.model.log import Message, Position
from riverd.model.webhook_events import WEBHOOK_BYTES_MAX

SIZE = 5
TTL_S = 300.0
ACCEPTED_S_MAX = 40.0
RULES = ChannelRules(
    (
        ChannelRule(match="short-*", history_size=2),
        ChannelRule(match="empty-*", history_size=0),
        ChannelRule(match="timeless-*", history_ttl_s=0),
        ChannelRule(match="weightless-*", history_bytes=0),
        ChannelRule(match="room-*", presence=True),
        ChannelRule(match="small-*", history_bytes=40),
        ChannelRule(match="brief-*", history_ttl_s=0.05),
        ChannelRule(match="price-*", history_ttl_s=0.05, keep_last=True),
        ChannelRule(match="state-*", history_size=0, keep_last=True),
        ChannelRule(match="gone-*", history_size=0, keep_last=True, last_ttl_s=1),
    ),
    history_size=SIZE,
    history_ttl_s=TTL_S,
)

T = TypeVar("T")

NewBroker = Callable[[], Broker]
"""Makes one more access to the same broker: of another node, or of a publisher."""


class MemoryBrokers:
    """NewBroker to a broker inside this process."""

    def __init__(self) -> None:
        epochs = count(1)
        store = Store(RULES, new_epoch=lambda: f"e{next(epochs)}")
        numbers = count(1)
        webhooks = WebhookStore(new_id=lambda: f"n{next(numbers)}", wall=time.time)
        self._board = Switchboard(store, webhooks)
        self._opened: list[Broker] = []

    def __call__(self) -> Broker:
        self._opened.append(MemoryBroker(self._board, time.monotonic))
        return self._opened[-1]

    async def close(self) -> None:
        for broker in self._opened:
            await broker.close()


class RedisBrokers:
    """NewBroker to a Redis; their background work must not have failed."""

    def __init__(
        self,
        url: str,
        *,
        unsafe: bool = False,
        ack_replica: bool = False,
        webhook_bytes_max: int = WEBHOOK_BYTES_MAX,
    ) -> None:
        self.failures: list[BaseException] = []
        self._webhook_bytes_max = webhook_bytes_max
        self._address = msgspec.structs.replace(
            redis_address.parse(url), unsafe=unsafe, ack_replica=ack_replica
        )
        self._opened: list[RedisBroker] = []
        self._publisher: RedisBroker | None = None

    def __call__(self, *, size: int = SIZE, ttl_s: float = TTL_S) -> RedisBroker:
        broker = RedisBroker(
            Connector(self._address),
            rules=ChannelRules(RULES.rules, history_size=size, history_ttl_s=ttl_s),
            failed=self.failures.append,
            webhook_bytes_max=self._webhook_bytes_max,
        )
        self._opened.append(broker)
        return broker

    async def node(self) -> tuple[RedisBroker, Notes]:
        """A node, and what it is told."""
        broker, notes = self(), Notes()
        await broker.attach(notes)
        return broker, notes

    async def published(self, message: Message) -> Position:
        """Publish as back ends do: again and again until it is accepted."""
        publisher = self._publisher = self._publisher or self()
        return await persistently(lambda: publisher.publish(message))

    async def close(self) -> None:
        for broker in self._opened:
            await broker.close()
        assert self.failures == []


async def persistently(do: Callable[[], Awaitable[T]]) -> T:
    """Do it again and again until the broker does it, as back ends and nodes do."""
    async with asyncio.timeout(ACCEPTED_S_MAX):
        while True:
            try:
                return await do()
            except (BrokerError, OutcomeUnknownError):
                await asyncio.sleep(0.005)


async def node_with_notes(new_broker: NewBroker) -> tuple[Broker, Notes]:
    """A node, and what it was sent."""
    broker, notes = new_broker(), Notes()
    await broker.attach(notes)
    return broker, notes


def message(channel: str = "c", data: bytes = b"1", key: str | None = None) -> Message:
    """A publication of a byte."""
    return Message(channel, "e", data, key)
