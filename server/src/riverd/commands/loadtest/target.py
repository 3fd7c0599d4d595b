"""Where the load goes: addresses, checked and looked up once; sockets, files and ports for it."""

import asyncio
import errno
import ipaddress
import os
import resource
import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from urllib.parse import SplitResult, urlsplit

FILES_SPARE = 64
PORTS_EACH = 20_000
"""Connections from one address to one port, of the 28,000 that a system usually allows."""


class TargetError(Exception):
    """It cannot be used; the message says why and what helps."""


class Target:
    """A WebSocket address and the sockets that lead there, spread over source addresses."""

    def __init__(self, url: str, sources: Sequence[str] = ()) -> None:
        """Take a `ws://` or `wss://` URL.

        Raises:
            TargetError: it is none.
        """
        self.url = url
        parts = _split(url)
        self.host = str(parts.hostname)
        self.is_secure = parts.scheme == "wss"
        self.port = parts.port or (443 if self.is_secure else 80)
        self._given = tuple(sources)
        self._family = socket.AF_INET
        self._address: tuple[str, int] = ("", 0)
        self._sources = cycle(("",))

    async def look_up(self, connections: int) -> None:
        """Find the address, once, and enough source addresses for so many connections.

        Raises:
            TargetError: there is no such host, or a source address is of no use.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise TargetError(f"{self.host} is not known: {error.strerror or error}") from None
        self._family, _, _, _, address = found[0]
        self._address = (str(address[0]), int(address[1]))
        self._sources = cycle(self._given or self._own(connections))

    async def connected(self) -> socket.socket:
        """A socket that is connected.

        Raises:
            OSError: it cannot be.
        """
        sock = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            source = next(self._sources)
            if source:
                # The port is chosen when it is known whom it leads to: many share one then.
                with suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
                sock.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(sock, self._address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return sock

    def _own(self, connections: int) -> tuple[str, ...]:
        """Loopback has as many addresses as are needed; of others the system's choice is taken."""
        if not self._address[0].startswith("127.") or connections <= PORTS_EACH:
            return ("",)
        return tuple(f"127.0.0.{2 + number}" for number in range(-(-connections // PORTS_EACH)))


_BIND_ADDRESS_NO_PORT = 24  # Linux; Python names it only from 3.12 on.


def host_of(url: str) -> str:
    """The host of an http(s) or ws(s) URL; empty if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine for sure."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def raise_file_limit(connections: int) -> None:
    """Allow this process as many open files as it needs.

    Raises:
        TargetError: the system does not.
    """
    wanted = connections + FILES_SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise TargetError(
            f"{connections} connections need {wanted} open files, this system allows {hard}: "
            f"ask for fewer, or raise the limit (`ulimit -Hn {wanted}` as root)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def named(error: OSError) -> str:
    """What went wrong with a connection, in words that do not differ from one to the next."""
    if error.errno == errno.EADDRNOTAVAIL:
        return "no source port left: give more addresses of this machine with --source"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    # The loop's own texts name the address, of which there are many.
    known = os.strerror(error.errno) if error.errno else error.strerror
    return known or str(error) or type(error).__name__


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in {"ws", "wss"} and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise TargetError(f"{url} is not a WebSocket address, such as ws://127.0.0.1:8000/ws")
