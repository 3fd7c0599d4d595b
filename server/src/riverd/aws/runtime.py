"""The composition root of functions: what one keeps between its invocations."""

import asyncio
import json
import os
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from riverd import __version__
from riverd.api.context import Api
from riverd.errors import BrokerError, SettingsError
from riverd.service.brokers import Brokers
from riverd.service.credentials import Credentials
from riverd.service.environment import load, require_api_keys
from riverd.service.secret_renewal import AGAIN_S_MIN
from riverd.service.secret_settings import API_KEYS, SecretSetting, with_secrets
from riverd.service.settings import MEMORY, Settings

REST_S_MAX = 1.0
"""Who rested longer may have been frozen: the broker may have given its connection up."""
SLIP_S_MAX = 0.05
"""Nor need every clock go on in the cold: more than this between two of them shows it."""
CHECK_S_MAX = 0.2
RENEW_S_MAX = 1.0
BODY_BYTES_MAX = 6_291_456
METRICS = b"# What functions do is counted by whoever runs them.\n"

T = TypeVar("T")


class Sandbox:
    """A process that may be frozen between invocations: its broker, and what is secret.

    `wanted` are the secrets that are needed here.

    Raises:
        SettingsError: when one is wrong, missing, or cannot be read.
    """

    def __init__(self, chosen: Settings, wanted: Sequence[SecretSetting[Any]]) -> None:
        if chosen.broker == MEMORY:
            raise SettingsError("RIVER_BROKER is missing: a function's broker is elsewhere")
        self._chosen = chosen = with_secrets(chosen, time.time(), *wanted)
        if API_KEYS in wanted:
            require_api_keys(chosen)
        self._brokers = Brokers(chosen, failed=failed, are_functions=True)
        self.broker = self._brokers.new()
        self._credentials = Credentials(
            chosen, self._brokers, renewed=_secret_renewed, kept=_secret_kept
        )
        self._renewals = self._credentials.renewals()
        self._renewed_at = time.time()
        self._renewing: asyncio.Task[None] | None = None
        self._rests_since = 0.0
        self._slip_s = 0.0

    async def wake(self) -> None:
        """To be awaited at the beginning of each invocation: what was kept may be old."""
        if self._may_have_been_frozen():
            await self._check_broker()
        if time.time() - self._renewed_at > self._chosen.secrets_refresh_s:
            await self.renew()

    def rest(self) -> None:
        """To be called at the end of each invocation."""
        self._rests_since = time.time()

    @property
    def may_renew(self) -> bool:
        """Whether there may be something newer, and it was not looked for just now."""
        return bool(self._renewals) and time.time() - self._renewed_at > AGAIN_S_MIN

    async def renew(self) -> None:
        """Read again what is secret; if that takes too long, what is known is good enough."""
        if self._renewing is None or self._renewing.done():
            self._renewed_at = time.time()
            self._renewing = asyncio.create_task(self._renew())
        await asyncio.wait([self._renewing], timeout=RENEW_S_MAX)

    def api(self) -> Api:
        """The publish API."""
        return Api(
            self.broker,
            self._credentials.api_keys,
            self._brokers.rules,
            signer=self._credentials.signer,
            apps=self._credentials.apps,
            read_keys=self._credentials.read_keys,
            version=__version__,
            message_bytes_max=self._chosen.max_message_bytes,
            body_bytes_max=BODY_BYTES_MAX,
            render_metrics=lambda: METRICS,
            failed=failed,
            leeway_s=self._chosen.jwt_leeway_s,
            token_max_age_s=self._chosen.token_max_age_s,
        )

    def _may_have_been_frozen(self) -> bool:
        now = time.time()
        slip_s = now - time.monotonic()
        slipped = abs(slip_s - self._slip_s) > SLIP_S_MAX
        self._slip_s = slip_s
        return slipped or not 0 <= now - self._rests_since <= REST_S_MAX

    async def _check_broker(self) -> None:
        """Keep the connection if it is good still; its server's clock is compared again."""
        try:
            async with asyncio.timeout(CHECK_S_MAX):
                await self.broker.ping()
        except (BrokerError, TimeoutError):
            given_up, self.broker = self.broker, self._brokers.new()
            await given_up.close()

    async def _renew(self) -> None:
        await asyncio.gather(*[renewal.read() for renewal in self._renewals])


class Host:
    """Runs the invocations of one function, one after another, on one loop."""

    def __init__(self, *wanted: SecretSetting[Any]) -> None:
        self._wanted = wanted
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sandbox: Sandbox | None = None

    def prepare(self) -> None:
        """Do beforehand what the first invocation would do; it tries again what fails here."""
        try:
            self.run(lambda sandbox: sandbox.broker.ping())
        except (SettingsError, BrokerError) as error:
            write("error", "not_prepared", error=str(error))

    def run(self, work: Callable[[Sandbox], Awaitable[T]]) -> T:
        """The result of one invocation.

        Raises:
            SettingsError: when there can be no sandbox.
        """
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(self._invoke(work))

    def close(self) -> None:
        """Drop everything: for tests, which are not ended as functions are."""
        if self._loop is not None and self._sandbox is not None:
            self._loop.run_until_complete(self._sandbox.broker.close())
        if self._loop is not None:
            self._loop.close()
        self._loop = self._sandbox = None

    async def _invoke(self, work: Callable[[Sandbox], Awaitable[T]]) -> T:
        if self._sandbox is None:
            self._sandbox = Sandbox(load(os.environ), self._wanted)
        sandbox = self._sandbox
        await sandbox.wake()
        try:
            return await work(sandbox)
        finally:
            sandbox.rest()


def write(level: str, event: str, **fields: object) -> None:
    """One line of the function's log; never a token, a key or a payload."""
    sys.stderr.write(json.dumps({**fields, "event": event, "level": level}) + "\n")


def failed(error: BaseException) -> None:
    """Log what nobody expected. A traceback shows no values of variables."""
    write("error", "failed", exception="".join(traceback.format_exception(error)))


def _secret_renewed(setting: str) -> None:
    write("info", "secrets_renewed", setting=setting)


def _secret_kept(setting: str, error: Exception) -> None:
    write("warning", "secrets_kept", setting=setting, error=str(error))
