"""How many tasks of which size, and which Valkey, a load needs."""

import math
from collections.abc import Callable

import msgspec

from riverd.commands.estimate.capacity import TaskSize, capacity
from riverd.commands.estimate.load import SECONDS_AN_HOUR, EstimateError, Load
from riverd.commands.estimate.prices import CacheNode, prices

CONNECTIONS_A_PROCESS_MAX = 50_000  # RIVER_MAX_CONNECTIONS
HISTORY_SIZE = 100  # RIVER_HISTORY_SIZE
HISTORY_TTL_S = 300.0  # RIVER_HISTORY_TTL_S
TASKS_MAX = 200
MIB_A_GIB = 1024.0
KIB_A_MIB = 1024.0
# ElastiCache keeps a quarter of a node for itself.
_NODE_SHARE = 0.75
_SECONDS_A_DAY = 24 * SECONDS_AN_HOUR


class Need(msgspec.Struct, frozen=True):
    """What a kind of process needs at the busiest minute, all of them together, safety included.

    `memory_mib` is without `each_mib`, which every process needs for itself.
    """

    cores: float
    memory_mib: float
    each_mib: float
    connections: int = 0


class Fleet(msgspec.Struct, frozen=True):
    """Tasks of one size."""

    count: int
    size: TaskSize

    @property
    def vcpu(self) -> float:
        """Of all of them."""
        return self.count * self.size.vcpu

    @property
    def memory_gb(self) -> float:
        """Of all of them."""
        return self.count * self.size.memory_gb


class Pricer(msgspec.Struct, frozen=True):
    """What tasks of a size cost an hour, with an address each."""

    vcpu_usd: float
    gb_usd: float
    address_usd: float

    def hour(self, fleet: Fleet) -> float:
        """All of a fleet."""
        return (
            fleet.vcpu * self.vcpu_usd
            + fleet.memory_gb * self.gb_usd
            + fleet.count * self.address_usd
        )


NeedOf = Callable[[int], Need]


def gateways_need(load: Load, count: int) -> Need:
    """What `count` gateways need. Each receives every publication, if its channels are spread."""
    able = capacity()
    connects_per_s = load.connections * load.sessions_a_day / _SECONDS_A_DAY
    subscribed_nodes = min(float(count), load.subscribers_per_channel)
    cores = (
        load.connections * able.idle_cores_a_connection.value
        + load.peak * load.deliveries_per_s / able.writes_a_cpu_s.value
        + load.peak * connects_per_s / able.connects_a_cpu_s.value
        + load.peak
        * load.publications_per_s
        * subscribed_nodes
        / able.publications_received_a_cpu_s.value
    )
    # Every gateway holds the tail of every channel that it has subscribers of.
    tails_mib = load.channels * subscribed_nodes * _kept(load) * _message_bytes(load) / MIB_A_GIB**2
    memory_mib = load.connections * able.connection_kib.value / KIB_A_MIB + tails_mib
    return Need(
        cores * able.safety_factor,
        memory_mib * able.safety_factor,
        able.gateway_memory_mib.value,
        load.connections,
    )


def api_need(load: Load) -> Need:
    """What the publish API needs as a service."""
    able = capacity()
    cores = load.peak * load.publications_per_s / load.batch / able.publishes_a_cpu_s.value
    return Need(cores * able.safety_factor, 0.0, able.api_memory_mib.value)


def gateways_for(load: Load, *, at_least: int, spare: int, price: Pricer) -> Fleet:
    """The cheapest gateways that carry a load even when `spare` of them are missing.

    Raises:
        EstimateError: it is more than one installation is made for.
    """
    return _cheapest(
        lambda count: gateways_need(load, count), price, at_least=at_least, spare=spare
    )


def api_for(load: Load, *, at_least: int, spare: int, price: Pricer) -> Fleet:
    """The cheapest tasks for the publish API that carry it even when `spare` are missing.

    Raises:
        EstimateError: it is more than one installation is made for.
    """
    return _cheapest(lambda _: api_need(load), price, at_least=at_least, spare=spare)


def valkey_for(load: Load) -> CacheNode:
    """The smallest Valkey that takes the publications and keeps the channels' logs.

    Raises:
        EstimateError: one node is not enough; River then needs a cluster.
    """
    cores, memory_gib = valkey_need(load)
    for node in prices().valkey:
        if node.cpu_share >= cores and node.memory_gib * _NODE_SHARE >= memory_gib:
            return node
    raise EstimateError(
        f"{load.publications_per_s:,.0f} publications a second in {load.channels:,.0f} channels "
        "are more than the largest Valkey node of this estimate takes: it needs a cluster; "
        "estimate less, by --messages-per-s or --subscribers-per-channel"
    )


def valkey_need(load: Load) -> tuple[float, float]:
    """Cores and GiB, safety included."""
    able = capacity()
    cores = load.peak * load.publications_per_s * able.broker_cpu_us_a_publication.value / 1e6
    kept_bytes = load.channels * _kept(load) * _message_bytes(load)
    return cores * able.safety_factor, kept_bytes / MIB_A_GIB**3 * able.safety_factor


def _cheapest(need_of: NeedOf, price: Pricer, *, at_least: int, spare: int) -> Fleet:
    fewest = (_fewest(size, need_of, at_least=at_least, spare=spare) for size in capacity().tasks)
    fitting = [fleet for fleet in fewest if fleet is not None]
    if not fitting:
        raise EstimateError(
            f"more than {TASKS_MAX} tasks: that is beyond what this estimate is made for"
        )
    return min(fitting, key=price.hour)


def _fewest(size: TaskSize, need_of: NeedOf, *, at_least: int, spare: int) -> Fleet | None:
    for count in range(max(at_least, 1 + spare), TASKS_MAX + 1):
        if _fits(size, need_of(count), working=count - spare):
            return Fleet(count, size)
    return None


def _fits(size: TaskSize, need: Need, *, working: int) -> bool:
    processes = max(1, math.floor(size.vcpu))
    memory_mib = size.memory_gb * MIB_A_GIB - processes * need.each_mib
    return (
        working * size.vcpu >= need.cores
        and working * memory_mib >= need.memory_mib
        and working * processes * CONNECTIONS_A_PROCESS_MAX >= need.connections
    )


def _kept(load: Load) -> float:
    """Publications that a channel's log holds."""
    return min(HISTORY_SIZE, load.messages_per_s * HISTORY_TTL_S)


def _message_bytes(load: Load) -> float:
    return load.message_bytes + capacity().broker_bytes_beside_payload.value
