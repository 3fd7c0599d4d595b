"""Counts that clients are shown, inside one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from riverd.broker.memory.switchboard import Switchboard


class MemoryCounts:
    """See `BrokerCounts` for the promises."""

    def __init__(self, board: Switchboard, node: str) -> None:
        self._board = board
        self._node = node

    async def announce(self, channels: Sequence[str]) -> None:
        """Notify all who listen."""
        for channel in channels:
            for node in self._board.listeners.get(channel, ()):
                self._board.feeds[node].on_recounted(channel)

    async def subscribers(self, channels: Sequence[str]) -> list[int]:
        """The sums over the nodes."""
        return [self._board.store.occupancy(channel).subscribers for channel in channels]

    async def report_users(self, connections: Mapping[str, int]) -> None:
        """Take this node's counts."""
        for user, count in connections.items():
            nodes = self._board.connections.setdefault(user, {})
            nodes[self._node] = count
            if not count:
                del nodes[self._node]
            if not nodes:
                del self._board.connections[user]
        for feed in list(self._board.feeds.values()):
            feed.on_users_recounted([*connections])

    async def connections(self, users: Sequence[str]) -> list[int]:
        """The sums over the nodes."""
        return [sum(self._board.connections.get(user, {}).values()) for user in users]

    async def close(self) -> None:
        """This node has no users any more."""
        connections = self._board.connections
        await self.report_users(
            {user: 0 for user in connections if self._node in connections[user]}
        )
