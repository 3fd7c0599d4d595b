"""A feed that keeps what it is told, and waiting for something to become so."""

import asyncio
from collections.abc import Callable

from riverd.model import Change, Ephemeral, Publication

PATIENCE_S = 20.0


class Notes:
    """What a broker told a node."""

    def __init__(self) -> None:
        self.publications: list[tuple[str, str, Publication]] = []
        self.ephemerals: list[tuple[str, str, Ephemeral]] = []
        self.changes: list[tuple[str, str, Change]] = []
        self.disconnected: list[str] = []
        self.drained: list[str] = []
        self.interruptions = 0
        self.presence_lost = 0

    def on_publication(self, channel: str, epoch: str, publication: Publication) -> None:
        self.publications.append((channel, epoch, publication))

    def on_ephemeral(self, channel: str, epoch: str, *, event: Ephemeral) -> None:
        self.ephemerals.append((channel, epoch, event))

    def on_change(self, channel: str, epoch: str, change: Change) -> None:
        self.changes.append((channel, epoch, change))

    def on_disconnect(self, user: str) -> None:
        self.disconnected.append(user)

    def on_drain(self, node: str) -> None:
        self.drained.append(node)

    def on_interrupted(self) -> None:
        self.interruptions += 1

    def on_presence_lost(self) -> None:
        self.presence_lost += 1

    def offsets(self, channel: str) -> list[int]:
        return [one.offset for name, _, one in self.publications if name == channel]


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition; much longer than it should take, so that no slow machine fails."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.002)
