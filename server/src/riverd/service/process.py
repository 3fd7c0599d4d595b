"""What every kind of River process has, until it is asked to stop."""

import asyncio
import gc
import os
import secrets
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

import structlog

from riverd.auth.api_keys import Keys
from riverd.auth.tokens import Signer, Verifier
from riverd.broker import Broker
from riverd.broker.memory.broker import MemoryBroker, Switchboard
from riverd.broker.memory.store import Store
from riverd.broker.redis.broker import RedisBroker
from riverd.broker.redis.connector import Connector
from riverd.service.jwks import Provider
from riverd.service.metrics import Metrics, MetricsLog, Reading, process_readings
from riverd.service.readiness import ReadinessState
from riverd.service.secret_renewal import Renewal
from riverd.service.settings import (
    MEMORY,
    Settings,
    api_keys_in,
    broker_address,
    password_in,
    secrets_in,
    source,
)
from riverd.tasks import Tasks

HEALTH_S = 1.0
PING_TIMEOUT_S = 0.8
STORE_SWEEP_S = 10.0

T = TypeVar("T")

log = structlog.get_logger()


class Process:
    """Settings, a broker, metrics, background work, and the signals that end it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.metrics.add(*process_readings())
        self.verifier = Verifier(
            settings.secrets,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            leeway_s=settings.jwt_leeway_s,
        )
        self.keys = Keys(settings.api_keys)
        self.signer: Signer | None = None
        if settings.secrets:
            self.signer = Signer(
                settings.secrets[0], issuer=settings.jwt_issuer, audience=settings.jwt_audience
            )
        self.stopping = asyncio.Event()
        self.readiness = ReadinessState()
        self._board = Switchboard(
            Store(
                size=settings.history_size,
                ttl_s=settings.history_ttl_s,
                new_epoch=lambda: secrets.token_hex(4),
            )
        )
        self._connector: Connector | None = None
        if settings.broker != MEMORY:
            self._connector = Connector(broker_address(settings))
        self._asked_again = asyncio.Event()
        self._tasks = Tasks(self.failed)
        self._broker_delay_s = 0.0
        self.metrics.add(
            Reading(
                "river_broker_delay_seconds",
                "How long the broker took to answer last; it is asked every second.",
                lambda: self._broker_delay_s,
            )
        )

    def broker(self) -> Broker:
        """A door to the broker: one for a node, one for a publisher."""
        if self._connector is not None:
            return RedisBroker(
                self._connector,
                history_size=self.settings.history_size,
                history_ttl_s=self.settings.history_ttl_s,
                failed=self.failed,
            )
        return MemoryBroker(self._board, time.monotonic)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run background work until the process ends."""
        self._tasks.start(work)

    def failed(self, error: BaseException) -> None:
        """Log what nobody expected."""
        log.error("task_failed", error=repr(error), exc_info=error)

    def begin(self) -> None:
        """Obey signals, watch the broker, fetch public keys."""
        loop = asyncio.get_running_loop()
        for wanted in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(wanted, self._asked_to_stop)
        self.start(self._watch_broker(self.broker()))
        self.start(self._sweep_store())
        if self.settings.metrics_log_s:
            self.start(self._log_metrics(self.settings.metrics_log_s))
        if self.settings.jwks_url is not None:
            provider = Provider(self.settings.jwks_url, self.verifier, failed=_without_keys)
            self.start(provider.run())
        self._renew(
            "secrets",
            secrets_in,
            use=self._use_secrets,
            missed=lambda: self.verifier.misses_secret,
        )
        self._renew("api_keys", api_keys_in, use=self.keys.use, missed=lambda: self.keys.missed)
        self._renew("broker_password", password_in, use=self._use_password)
        # What lives since the start lives to the end: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 20, 20)

    async def end(self) -> None:
        """Cancel background work."""
        await self._tasks.close()

    async def unless_hurried(self, work: Coroutine[None, None, None]) -> None:
        """Do what an orderly stop takes its time for; a second signal cuts it short."""
        doing = asyncio.create_task(work)
        hurry = asyncio.create_task(self._asked_again.wait())
        await asyncio.wait((doing, hurry), return_when=asyncio.FIRST_COMPLETED)
        for task in (doing, hurry):
            task.cancel()
        await asyncio.gather(doing, hurry, return_exceptions=True)

    def _renew(
        self,
        field: str,
        parse: Callable[[Sequence[str]], T],
        *,
        use: Callable[[T], None],
        missed: Callable[[], bool] = bool,
    ) -> None:
        """Keep to the source of a setting, if it has one: no restart, no dropped connection."""
        place, present = source(self.settings, field), getattr(self.settings, field)
        # What was not read at the start is of no use to this kind of process.
        if place is None or not present:
            return

        def take(texts: Sequence[str]) -> None:
            nonlocal present
            found = parse(texts)
            use(found)
            if found != present:
                log.info("secrets_renewed", setting=field)
            present = found

        def failed(error: Exception) -> None:
            log.warning("secrets_kept", setting=field, error=str(error))

        every_s = self.settings.secrets_refresh_s
        renewal = Renewal(
            place, take, every_s=every_s, clock=time.time, failed=failed, missed=missed
        )
        self.start(renewal.run())

    def _use_secrets(self, found: Sequence[str]) -> None:
        self.verifier.use_secrets(found)
        if self.signer is not None:
            self.signer.use_secret(found[0])

    def _use_password(self, found: str) -> None:
        if self._connector is not None:
            self._connector.use_password(found)

    def stop_without(self, lifeline: int) -> None:
        """Stop in order when the other end of this pipe is gone, and with it whoever held it."""
        loop = asyncio.get_running_loop()

        def ended() -> None:
            if not os.read(lifeline, 1):
                loop.remove_reader(lifeline)
                log.warning("supervisor_gone")
                self._asked_to_stop()

        loop.add_reader(lifeline, ended)

    def _asked_to_stop(self) -> None:
        if self.stopping.is_set():
            self._asked_again.set()
        self.readiness.stop()
        self.stopping.set()

    async def _watch_broker(self, broker: Broker) -> None:
        while True:
            asked_at = time.monotonic()
            try:
                async with asyncio.timeout(PING_TIMEOUT_S):
                    await broker.ping()
            except Exception as error:  # noqa: BLE001  whatever it is, this process is not ready
                if self.readiness.set_broker(answers=False):
                    log.warning("broker_away", error=repr(error))
            else:
                self._broker_delay_s = time.monotonic() - asked_at
                if self.readiness.set_broker(answers=True):
                    log.info("broker_back")
            await asyncio.sleep(HEALTH_S)

    async def _log_metrics(self, every_s: float) -> None:
        lines = MetricsLog(self.metrics)
        while True:
            await asyncio.sleep(every_s)
            log.info("metrics", **lines.line())

    async def _sweep_store(self) -> None:
        while True:
            await asyncio.sleep(STORE_SWEEP_S)
            self._board.store.expire(time.monotonic())


def _without_keys(error: Exception) -> None:
    """The identity provider is away or says nothing sensible: it is asked again soon."""
    log.warning("public_keys_missing", error=repr(error))
