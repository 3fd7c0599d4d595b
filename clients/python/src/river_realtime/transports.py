"""What a subscriber's next connection goes by: a WebSocket, or a stream where that is blocked."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from river_realtime.addresses import gateway_url, websocket_url
from river_realtime.connection import Connection
from river_realtime.errors import ConnectionLostError, UsageError
from river_realtime.proxies import proxy_for
from river_realtime.stream_connection import StreamConnection

TransportName = Literal["websocket", "stream", "auto"]
AnyConnection = Connection | StreamConnection

FAILURES_MAX = 2
"""So many WebSockets in a row that fail, or are cut soon: then a stream is tried."""
SOON_S = 60.0
"""A WebSocket that is cut later than this may have been any network."""
_LOST = 1006

_Kind = tuple[type[AnyConnection], Callable[[str], str], str]
_KINDS: dict[str, _Kind] = {
    "websocket": (Connection, websocket_url, "python_socks"),
    "stream": (StreamConnection, gateway_url, "socksio"),
}


class Transport(NamedTuple):
    """How one connection is opened."""

    name: str
    connection_class: type[AnyConnection]
    url: str
    proxy: str | None


class Transports:
    """Which of them is next: of `auto` a WebSocket, a stream after failures, a WebSocket after it.

    Attributes:
        current: The one that the next connection goes by.
    """

    def __init__(self, url: str, name: str) -> None:
        """Both of `auto`, or one.

        Raises:
            UsageError: there is no such transport, or the URL is wrong.
        """
        if name != "auto" and name not in _KINDS:
            choices = ", ".join((*_KINDS, "auto"))
            raise UsageError("option_invalid", f"transport: one of {choices}, not {name!r}")
        self._all = [_transport(one, url) for one in ((*_KINDS,) if name == "auto" else (name,))]
        self._failures = 0
        self.current = self._all[0]

    def change_after(self, lost: ConnectionLostError, *, lived_s: float = 0.0) -> bool:
        """Count a connection that was lost or could not be opened; whether a stream is next now.

        Args:
            lost: why. What River itself says is no failure of the transport.
            lived_s: for how long it was open.
        """
        if len(self._all) == 1:
            return False
        if self.current is self._all[1]:
            # Then one more WebSocket that fails is enough.
            self.current, self._failures = self._all[0], FAILURES_MAX - 1
            return False
        if lived_s >= SOON_S or lost.code != _LOST or lost.error_code or lost.retry_after_s:
            self._failures = 0
            return False
        self._failures += FAILURES_MAX if lost.is_wrong_address else 1
        if self._failures < FAILURES_MAX:
            return False
        self.current = self._all[1]
        return True


def _transport(name: str, url: str) -> Transport:
    connection_class, address, socks_module = _KINDS[name]
    own_url = address(url)
    return Transport(name, connection_class, own_url, proxy_for(own_url, socks_module=socks_module))
