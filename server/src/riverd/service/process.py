"""What every kind of River process has, until it is asked to stop."""

import asyncio
import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Collection, Coroutine

import structlog

from riverd.broker import Broker
from riverd.broker.interface import EVICTION_CURE
from riverd.scheduling.tasks import Tasks
from riverd.service.brokers import Brokers
from riverd.service.collector import Ending, OldObjects
from riverd.service.credentials import Credentials
from riverd.service.jwks import IdentityProvider
from riverd.service.metrics import Metrics, MetricsLog, Reading, process_readings
from riverd.service.readiness import ReadinessState
from riverd.service.rules_watch import RulesWatch
from riverd.service.settings import Settings
from riverd.service.shared_metrics import SharedMetrics

HEALTH_S = 1.0
PING_TIMEOUT_S = 0.8
STORE_SWEEP_S = 10.0
PUBLISH_S = 0.5

log = structlog.get_logger()


class Process:
    """Settings, a broker, metrics, background work, and the signals that end it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics(SharedMetrics.of(os.environ))
        self.metrics.add(*process_readings())
        self.brokers = Brokers(settings, failed=self.failed)
        self.credentials = Credentials(
            settings, self.brokers, renewed=_secret_renewed, kept=_secret_kept
        )
        self.stopping = asyncio.Event()
        self.readiness = ReadinessState()
        self.living: Collection[Ending] = ()
        """Of which some are followed to their end: see `OldObjects`."""
        self._asked_again = asyncio.Event()
        self._waiting: list[Callable[[], Coroutine[None, None, None]]] = []
        self._tasks = Tasks(self.failed)
        self._broker_delay_s = 0.0
        self._evicts_by = ""
        self.metrics.add(
            Reading(
                "river_broker_delay_seconds",
                "How long the broker took to answer last; it is asked every second.",
                lambda: self._broker_delay_s,
            ),
            Reading(
                "river_broker_evicts",
                "1 if the broker drops logs when it is full, instead of refusing writes.",
                lambda: float(bool(self._evicts_by)),
            ),
        )

    @property
    def node_name(self) -> str:
        """What back ends call this gateway: as it was set, or by its machine and process."""
        return self.settings.node_name or f"{socket.gethostname()}/{os.getpid()}"

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run background work until the process ends."""
        self._tasks.start(work)

    def failed(self, error: BaseException) -> None:
        """Log what nobody expected."""
        log.error("task_failed", error=repr(error), exc_info=error)

    def start_later(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run background work from `begin` on until the process ends."""
        self._waiting.append(work)

    def begin(self) -> None:
        """Obey signals, watch the broker, fetch public keys."""
        loop = asyncio.get_running_loop()
        for wanted in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(wanted, self._asked_to_stop)
        broker = self.brokers.new(has_data=False)
        self.start(self._watch_broker())
        self._watch_rules(broker)
        self.start(self._expire_publications())
        self.start(self._publish_metrics())
        for work in self._waiting:
            self.start(work())
        if self.settings.metrics_log_s:
            self.start(self._log_metrics(self.settings.metrics_log_s))
        if self.settings.jwks_url is not None:
            verifier = self.credentials.verifier
            provider = IdentityProvider(self.settings.jwks_url, verifier, failed=_without_keys)
            self.start(provider.run())
        for renewal in self.credentials.renewals():
            self.start(renewal.run())
        # What lives since the start lives to the end: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        self.start(OldObjects(self.living).run())

    async def end(self) -> None:
        """Cancel background work, close the brokers."""
        await self._tasks.close()
        await self.brokers.close()

    async def unless_hurried(self, work: Coroutine[None, None, None]) -> None:
        """Do what an orderly stop takes its time for; a second signal cuts it short."""
        doing = asyncio.create_task(work)
        hurry = asyncio.create_task(self._asked_again.wait())
        await asyncio.wait((doing, hurry), return_when=asyncio.FIRST_COMPLETED)
        for task in (doing, hurry):
            task.cancel()
        await asyncio.gather(doing, hurry, return_exceptions=True)

    def stop_without(self, lifeline: int) -> None:
        """Stop in order when the other end of this pipe is gone, and with it its process."""
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

    def _watch_rules(self, broker: Broker) -> None:
        process = f"{self.settings.node_name or socket.gethostname()}/{os.getpid()}"
        watch = RulesWatch(broker, self.brokers.rules, process=process)
        self.metrics.add(
            Reading(
                "river_channel_rules_differ",
                "Processes whose channel rules are others than this one's.",
                lambda: watch.differing,
            )
        )
        self.start(watch.run())

    async def _watch_broker(self) -> None:
        # A process that stops closes its brokers one by one.
        while not self.stopping.is_set():
            asked_at = time.monotonic()
            try:
                async with asyncio.timeout(PING_TIMEOUT_S):
                    evicts_by = await self.brokers.ping()
            except Exception as error:  # noqa: BLE001  whatever it is, this process is not ready
                if self.readiness.set_broker(answers=False):
                    log.warning("broker_away", error=repr(error))
            else:
                self._broker_delay_s = time.monotonic() - asked_at
                self._note_eviction(evicts_by)
                if self.readiness.set_broker(answers=True):
                    log.info("broker_back")
            await asyncio.sleep(HEALTH_S)

    def _note_eviction(self, policy: str) -> None:
        """Log once that the broker drops logs when it is full, until it does not any more."""
        if policy and policy != self._evicts_by:
            log.warning("broker_evicts", policy=policy, text=EVICTION_CURE)
        self._evicts_by = policy

    async def _log_metrics(self, every_s: float) -> None:
        lines = MetricsLog(self.metrics)
        while True:
            await asyncio.sleep(every_s)
            log.info("metrics", **lines.line())

    async def _publish_metrics(self) -> None:
        while True:
            self.metrics.publish()
            await asyncio.sleep(PUBLISH_S)

    async def _expire_publications(self) -> None:
        while True:
            await asyncio.sleep(STORE_SWEEP_S)
            await self.brokers.expire()


def _secret_renewed(setting: str) -> None:
    log.info("secrets_renewed", setting=setting)


def _secret_kept(setting: str, error: Exception) -> None:
    log.warning("secrets_kept", setting=setting, error=str(error))


def _without_keys(error: Exception) -> None:
    """The identity provider is away or says nothing sensible: it is asked again soon."""
    log.warning("public_keys_missing", error=repr(error))
