"""Counts that clients are shown: of a channel's subscribers, of a user's connections."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class BrokerCounts(Protocol):
    """What each node has is reported; here all nodes are asked for and notified.

    Every method raises `BrokerError` when the broker is away. An announcement may be lost: what is
    shown has to be compared now and then.
    """

    async def announce(self, channels: Sequence[str]) -> None:
        """Notify all nodes that are subscribed to these channels that a count was reported."""
        ...

    async def subscribers(self, channels: Sequence[str]) -> list[int]:
        """How many connections are subscribed to each, on all nodes."""
        ...

    async def report_users(self, connections: Mapping[str, int]) -> None:
        """How many connections of this node each user has now; 0 for none. Notifies all nodes."""
        ...

    async def connections(self, users: Sequence[str]) -> list[int]:
        """How many connections each user has, on all nodes, as far as they were reported."""
        ...
