"""A client without a token: it listens where guests may, and tries what they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.client import Client
from simulation.ear import Message

if TYPE_CHECKING:
    from simulation.line import Line
    from simulation.world import World

OPEN = "dogs"
"""The channel for guests: see the rules."""


class Guest(Client):
    """See the module. It wants no channel but the one for guests; the others it only tries."""

    is_guest = True

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name, "")

    def _begin(self) -> None:
        self._send([self._subscribe(channel) for channel in self.wanted])

    def lost(self, line: Line) -> None:
        """Without a token nobody proves which session is continued."""
        super().lost(line)
        if self.line is None:
            self.session = None

    def _whim(self) -> list[Message]:
        chance = self._dice.random()
        if chance < 0.5:
            return [self._turn(OPEN)]
        if chance < 0.6:
            return [self._history(OPEN)]
        channel = self._dice.choice(self._world.channels)
        if chance < 0.7:
            return [self._publish(channel)]
        if channel == OPEN:
            return []
        kind = "subscribe" if chance < 0.9 else "history"
        return [self._request(kind, channel=channel)]
