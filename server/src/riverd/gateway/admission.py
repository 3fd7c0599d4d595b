"""The limits of a gateway on who may connect."""

import math

import msgspec

from riverd.gateway.connection_limiter import ConnectionLimits
from riverd.gateway.origins import Origins
from riverd.http.proxies import ClientAddresses


class Admission(msgspec.Struct, frozen=True):
    """Who is let in, and how a connection is kept."""

    connections: ConnectionLimits
    addresses: ClientAddresses
    ping_interval_s: float
    origins: Origins
    waiting_max: int = 10_000
    """Connections that are no WebSockets (yet)."""
    waiting_bytes_max: float = math.inf
    """What may wait for clients that do not read."""
