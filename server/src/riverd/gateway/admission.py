"""The limits of a gateway on who may connect."""

import math
from collections.abc import Callable, Collection

import msgspec

from riverd.gateway.connection_limiter import ConnectionLimits
from riverd.gateway.origins import Origins
from riverd.http.limits import WAITING_MAX
from riverd.http.proxies import ClientAddresses


class Admission(msgspec.Struct, frozen=True):
    """Who is let in, and how a connection is kept."""

    connections: ConnectionLimits
    addresses: ClientAddresses
    ping_interval_s: float
    origins: Origins
    waiting_max: int = WAITING_MAX
    """Connections that are no WebSockets (yet), however many WebSockets there are."""
    waiting_bytes_max: float = math.inf
    """What may wait for clients that do not read."""

    def room_beside(self, connected: Collection[object]) -> Callable[[], int]:
        """How many more may be no WebSockets: all clients of a gateway that died come at once.

        They are taken in together before the first is heard, and need the files that the
        WebSockets do not have yet.
        """

        def room() -> int:
            spare = self.connections.connections_max - len(connected)
            return min(WAITING_MAX, self.waiting_max + spare)

        return room
