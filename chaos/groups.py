"""Which faults are done to one cluster together, and to what kind of cluster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from apart import why_not_apart
from cluster import BrokerServers, Cluster, Harm, Shape
from faults import FAULTS
from full_disk import DISK_FAULTS, SMALL_DISK, SmallDiskCluster
from machine_faults import MACHINE_FAULTS
from network import TRIED
from network_faults import NETWORK_FAULTS, FarCluster
from several import FAULTS_OF_SEVERAL, SERVERS
from split_brain import FAULTS_OF_DIVISION, SERVERS_DIVIDED

Fault = Callable[[Cluster], Harm]


@dataclass(frozen=True)
class Group:
    """Some faults, done to one cluster."""

    faults: Mapping[str, Fault]
    cluster: Callable[[Shape], Cluster] = Cluster
    why_not: Callable[[], str] = str
    """Why they cannot be done on this machine; "" if they can."""
    is_apart: bool = False
    """Whether they need a network and mounts of their own: see `apart.py`."""


def _with_servers(servers: Callable[[], BrokerServers], shape: Shape) -> Cluster:
    return Cluster(shape, servers())


GROUPS = (
    Group(FAULTS),
    Group(MACHINE_FAULTS),
    Group(
        DISK_FAULTS, SmallDiskCluster, partial(why_not_apart, *SMALL_DISK, "/mnt"), is_apart=True
    ),
    Group(NETWORK_FAULTS, FarCluster, partial(why_not_apart, *TRIED), is_apart=True),
    *[
        Group({name: fault}, partial(_with_servers, (SERVERS | SERVERS_DIVIDED)[name]))
        for name, fault in (FAULTS_OF_SEVERAL | FAULTS_OF_DIVISION).items()
    ],
)
FAULTS_OF_GROUPS: Mapping[str, Fault] = {
    name: fault for group in GROUPS for name, fault in group.faults.items()
}
