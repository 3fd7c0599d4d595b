"""The frames in a client's bytes: picows as a parser that touches no socket."""

import logging
from collections.abc import Callable
from typing import Protocol, cast

from picows import WSAutoPingStrategy, WSListener, WSTransport, WSUpgradeRequest, picows

_READ_BUFFER_BYTES = 2_048
# picows reads frames only after a handshake. The real one is done elsewhere: it may be long, with
# its cookies, and picows would keep a buffer of that size for the life of the connection.
_HANDSHAKE = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)

_log = logging.getLogger(__name__)


class Parser(Protocol):
    """What is used of picows' protocol class."""

    @property
    def transport(self) -> WSTransport:
        """It says whether picows would have closed the connection, and why."""
        ...

    def connection_made(self, transport: object) -> None:
        """Must be called first."""
        ...

    def get_buffer(self, hint: int) -> memoryview:
        """The room for bytes that arrive; the hint says nothing."""
        ...

    def buffer_updated(self, size: int) -> None:
        """So many bytes were put there: the listener gets the frames that they complete."""
        ...


def new_parser(listener: WSListener) -> Parser:
    """A parser of what one client sends after the handshake. It holds the listener.

    When a frame is malformed or the listener raises, `transport.is_close_frame_sent` becomes true
    and the parser is of no further use. Frames before the malformed one are handed over.
    """

    def accept(request: WSUpgradeRequest) -> WSListener:
        del request
        return listener

    parser = _construct(accept)
    parser.connection_made(_NOWHERE)
    parser.get_buffer(-1)[: len(_HANDSHAKE)] = _HANDSHAKE
    parser.buffer_updated(len(_HANDSHAKE))
    parser.transport.request.headers.clear()
    parser.transport.response.headers.clear()
    return parser


def _construct(accept: Callable[[WSUpgradeRequest], WSListener]) -> Parser:
    # picows offers this class only behind a server of its own, which would answer a malformed
    # frame before the messages in front of it: hence the narrow version in the dependencies.
    new = cast("Callable[..., Parser]", picows.WSProtocol)  # type: ignore[attr-defined]
    return new(
        host_port=None,
        ws_path=None,
        is_client_side=False,
        ws_listener_factory=accept,
        logger=_LOG,
        disconnect_on_exception=True,
        websocket_handshake_timeout=None,
        enable_auto_ping=False,
        auto_ping_idle_timeout=0,
        auto_ping_reply_timeout=0,
        auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
        enable_auto_pong=False,
        max_frame_size=2**62,
        extra_headers=None,
        read_buffer_init_size=_READ_BUFFER_BYTES,
    )


class _Nowhere:
    """A transport, and its socket, that lead nowhere: what picows would say, its owner says."""

    def get_extra_info(self, name: str) -> object:
        return self if name == "socket" else None

    def get_write_buffer_size(self) -> int:
        """Never empty: then picows asks the transport to write, not the socket."""
        return 1

    def write(self, data: bytes) -> None:
        """Nothing is sent."""

    def close(self) -> None:
        """Nothing is closed."""

    def fileno(self) -> int:
        return -1

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """There is no socket to set it on."""

    def getsockopt(self, level: int, option: int) -> int:
        del level, option
        return 0


class _Log:
    """picows' logger: silent about clients, loud about our own failures."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name that logging gave it
        del level
        return False

    def info(self, message: str, *arguments: object) -> None:
        """A client's misbehaviour: it is closed with a code, and counted there."""

    debug = warning = error = info

    def exception(self, message: str, *arguments: object) -> None:
        """The listener raised."""
        _log.exception(message, *arguments)


_NOWHERE = _Nowhere()
_LOG = _Log()
