"""Listening sockets, and how their addresses are written."""

import errno
import socket

from riverd.errors import SettingsError

_WRONG_HOST = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}

SEND_BUFFER_BYTES = 131_072
RECEIVE_BUFFER_BYTES = 65_536
"""What the kernel keeps for one connection, in each direction; Linux takes twice as much for its
own records. Left to itself it grows to 4 MiB for a client that reads nothing."""


def bound_socket(
    host: str, port: int, *, variable: str = "RIVER_PORT", shared: bool = False
) -> socket.socket:
    """A listening socket; port 0 takes a free one, `shared` lets other workers have it too.

    `variable` is the setting to name when that fails, or that of the host beside it.

    Raises:
        SettingsError: when the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Accepted connections inherit these, if they are set before the socket listens.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    try:
        sock.bind((host, port))
        # From here on the kernel accepts connections: an announced address is never refused.
        sock.listen()
    except (OSError, UnicodeError) as error:
        sock.close()
        why = getattr(error, "strerror", None) or error
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            why = f"{why}. Stop what is there (another River?), or choose a port with {variable}"
        elif isinstance(error, UnicodeError | socket.gaierror) or error.errno in _WRONG_HOST:
            variable = variable.replace("_PORT", "_HOST")
        raise SettingsError(f"{variable}: cannot listen on {host}:{port}: {why}") from None
    sock.setblocking(False)
    return sock


def address_of(sock: socket.socket) -> str:
    """`host:port` of a bound socket."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def local_address_of(sock: socket.socket) -> str:
    """`host:port` where this machine reaches a bound socket: "all addresses" is none to open."""
    address = address_of(sock)
    return address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
