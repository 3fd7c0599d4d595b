"""What is asked for: how many connections, how fast they come, what is published for how long."""

import msgspec

EVENT = "bench"


class LoadPlan(msgspec.Struct, frozen=True):
    """One run: `rate` publications a second over all channels, `ramp` new connections a second.

    Client `i` hears `channels_each` channels: `i`, `i + 1` and so on, round and round.
    """

    connections: int = 100
    channels: int = 10
    channels_each: int = 1
    rate: float = 10
    ramp: float = 100
    duration_s: float = 10
    size: int = 128
    prefix: str = "bench-"

    @property
    def names(self) -> list[str]:
        """The channels' names."""
        return [f"{self.prefix}{number}" for number in range(self.channels)]

    def channels_of(self, client: int) -> list[str]:
        """The channels of one client, the first of which is 0."""
        names = [(client + step) % self.channels for step in range(self.channels_each)]
        return [f"{self.prefix}{number}" for number in names]

    @property
    def ramp_s(self) -> float:
        """How long it takes until everybody was sent on the way."""
        return self.connections / self.ramp
