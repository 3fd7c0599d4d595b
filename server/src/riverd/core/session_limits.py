"""What one connection, and its user, may use."""

import msgspec

from riverd.core.budget import Budget


class SessionLimits(msgspec.Struct, frozen=True):
    """Rates are a second's: `rate` is in messages."""

    auth_timeout_s: float = 15
    channels_max: int = 100
    rate: float = 50
    read_bytes_rate: float = 2_097_152
    """Of histories and lists of members that it asks for."""
    fanout_bytes_rate: float = 16_777_216
    """What a node sends to others for its publications: their size, once for each subscriber."""
    bytes_burst_s: float = 8
    """So many seconds' worth of bytes may come at once."""
    user_connections_max: int = 1_000
    user_channels_max: int = 5_000
    """On all connections of a user to one node."""
    user_rate: float = 500
    """Messages of all connections of a user to one node."""
    new_channels_rate: float = 1
    """Channels that the publications of a user begin, on one node."""
    node_channels_max: int = 100_000
    """On all connections to one node."""
    message_bytes_max: int = 65_536
    """What the connection takes, for the client to know."""

    @property
    def burst(self) -> float:
        """Messages at once: a client that comes back subscribes to all its channels together."""
        return self.channels_max + 2 * self.rate

    def read_budget(self, now: float) -> Budget:
        """The bytes that a client is given, or all connections of a user together."""
        return Budget(self.read_bytes_rate, self.read_bytes_rate * self.bytes_burst_s, now=now)

    def fanout_budget(self, now: float) -> Budget:
        """The bytes that others are sent for a client, or for a user."""
        rate = self.fanout_bytes_rate
        return Budget(rate, rate * self.bytes_burst_s, now=now)
