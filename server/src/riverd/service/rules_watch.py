"""Finds out whether all processes of a deployment have the same channel rules."""

import asyncio
from contextlib import suppress

import structlog

from riverd.broker import Broker
from riverd.broker.interface import RULES_S
from riverd.channels.rules import ChannelRules
from riverd.errors import RiverError

log = structlog.get_logger()


class RulesWatch:
    """Registers this process' digest again and again, and warns of processes with another one."""

    def __init__(self, broker: Broker, rules: ChannelRules, *, process: str) -> None:
        self.differing = 0
        """How many processes have other rules now."""
        self._broker = broker
        self._digest = rules.digest
        self._process = process
        self._warned: set[str] = set()

    async def run(self) -> None:
        """Compare until cancelled."""
        while True:
            # That the broker is away is reported by who watches it.
            with suppress(RiverError):
                await self.compare()
            await asyncio.sleep(RULES_S / 3)

    async def compare(self) -> None:
        """Compare once; each process with other rules is warned of once, until it has these.

        Raises:
            BrokerError: the broker does not answer.
        """
        found = await self._broker.compare_rules(self._process, self._digest)
        others = {name for name, digest in found.items() if digest != self._digest}
        for other in sorted(others - self._warned):
            log.warning(
                "channel_rules_differ",
                process=self._process,
                digest=self._digest,
                other=other,
                other_digest=found[other],
                text="give all processes the same RIVER_CHANNEL_RULES and history settings",
            )
        self._warned = others
        self.differing = len(others)
