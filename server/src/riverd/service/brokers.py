"""Connects to the broker that the settings name."""

import asyncio
import secrets
import time
from collections.abc import Callable
from weakref import WeakSet

from riverd.broker import Broker
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.broker.memory.webhooks import WebhookStore
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connector import Connector
from riverd.broker.redis.terms import Part
from riverd.service.capacity import fitted, resources
from riverd.service.environment import broker_address, channel_rules_of
from riverd.service.settings import MEMORY, Settings


class Brokers:
    """Makes brokers: one for a node, one for a publisher. Those in memory share one store.

    Raises:
        SettingsError: the settings name none.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        failed: Callable[[BaseException], None],
        are_functions: bool = False,
    ) -> None:
        self._part = Part.OUTSIDER if are_functions else Part.MEMBER
        self.rules = rules = channel_rules_of(settings)
        self._failed = failed
        self._webhook_bytes_max = settings.webhook_max_bytes
        self._made: WeakSet[Broker] = WeakSet()
        self._connector: Connector | None = None
        self._board: Switchboard | None = None
        if settings.broker == MEMORY:
            self._board = Switchboard(
                Store(
                    rules,
                    new_epoch=lambda: secrets.token_hex(4),
                    log_bytes_max=fitted(settings, resources()).log_bytes_max,
                ),
                WebhookStore(
                    new_id=lambda: secrets.token_hex(4),
                    wall=time.time,
                    bytes_max=settings.webhook_max_bytes,
                ),
            )
        else:
            self._connector = Connector(broker_address(settings))

    def new(self, *, has_data: bool = True) -> Broker:
        """Another one; its user closes it. `has_data` says whether it publishes or delivers."""
        if self._connector is None:
            assert self._board is not None
            return MemoryBroker(self._board, time.monotonic)
        broker = RedisBroker(
            self._connector,
            rules=self.rules,
            failed=self._failed,
            webhook_bytes_max=self._webhook_bytes_max,
            healing=self._part if has_data else Part.NONE,
        )
        self._made.add(broker)
        return broker

    async def ping(self) -> str:
        """Returns if all that were made, and are in use, can do their work. See `Broker` for what.

        Raises:
            BrokerError: the server is away or refuses writes, or a feed is away.
        """
        policies = await asyncio.gather(*[broker.ping() for broker in list(self._made)])
        return next(filter(None, policies), "")

    async def close(self) -> None:
        """Close all that were made and are in use. Others learn that this process has ended."""
        await asyncio.gather(*[broker.close() for broker in list(self._made)])

    def use_password(self, password: str | None) -> None:
        """The broker's password from the next connection on."""
        if self._connector is not None and password is not None:
            self._connector.use_password(password)

    async def expire(self) -> None:
        """Forget what is too old, where the broker does not do it by itself."""
        if self._board is not None:
            for _ in self._board.store.expiring(time.monotonic()):
                await asyncio.sleep(0)
