"""What others charge: the dated file beside this one, as values."""

from functools import cache
from importlib import resources

import msgspec


class Price(msgspec.Struct, frozen=True):
    """A price for one unit, with what of it is free a month and how it falls with the amount.

    `then` are steps as (units in it, price), after them `last` holds.
    """

    usd: float
    unit: str
    page: str
    seen: str
    free: float = 0.0
    then: tuple[tuple[float, float], ...] = ()
    last: float | None = None

    def of(self, units: float) -> float:
        """What this many units of a month cost."""
        left = max(0.0, units - self.free)
        usd = 0.0
        for size, price in self.then:
            taken = min(left, size)
            usd += taken * price
            left -= taken
        return usd + left * (self.usd if self.last is None else self.last)


class CacheNode(msgspec.Struct, frozen=True):
    """A size of Valkey. `cpu_share` is what it may use of a core for long."""

    name: str
    usd_hour: float
    memory_gib: float
    cpu_share: float
    page: str
    seen: str


class Flat(msgspec.Struct, frozen=True):
    """A flat-rate plan of CloudFront, a month."""

    name: str
    usd: float
    requests: float
    gb: float
    page: str
    seen: str


class HostedPlan(msgspec.Struct, frozen=True):
    """A plan of a hosted service. A limit that is None is not there."""

    name: str
    usd: float
    connections: int | None = None
    messages_a_day: float | None = None
    messages_a_s: float | None = None
    channels: int | None = None


class Pusher(msgspec.Struct, frozen=True):
    """Pusher Channels: plans of connections and messages a day."""

    page: str
    seen: str
    counts: str
    plans: tuple[HostedPlan, ...]


class Ably(msgspec.Struct, frozen=True):
    """Ably by consumption: a package, and what is used."""

    page: str
    seen: str
    counts: str
    usd_million_messages: float
    usd_million_minutes: float
    usd_gib: float
    free_bytes_a_message: float
    plans: tuple[HostedPlan, ...]


class AblyUsers(msgspec.Struct, frozen=True):
    """Ably by monthly users."""

    page: str
    seen: str
    counts: str
    usd_user: float
    plans: tuple[HostedPlan, ...]


class Prices(msgspec.Struct, frozen=True):
    """All of the file."""

    read: str
    region: str
    aws: dict[str, Price]
    cloudfront_flat: tuple[Flat, ...]
    valkey: tuple[CacheNode, ...]
    pusher: Pusher
    ably: Ably
    ably_users: AblyUsers


@cache
def prices() -> Prices:
    """The prices that River comes with."""
    text = resources.files("riverd.commands.estimate").joinpath("prices.toml").read_bytes()
    return msgspec.toml.decode(text, type=Prices)
