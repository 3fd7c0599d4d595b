"""Where the doctor knocks: a URL as people write it, taken apart."""

from urllib.parse import urlsplit

import msgspec

PORTS = {"ws": 80, "wss": 443}
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class AddressError(Exception):
    """It is no address; the message is one line that says why."""


class Address(msgspec.Struct, frozen=True):
    """A gateway's address. `path` is the WebSocket's."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def secure(self) -> bool:
        """Whether it is reached through TLS."""
        return self.scheme == "wss"

    @property
    def authority(self) -> str:
        """Host and port as in a URL, without a port that is usual."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The WebSocket's URL."""
        return f"{self.scheme}://{self.authority}{self.path}"

    def beside(self, name: str) -> str:
        """The path of another page of the gateway: a proxy may serve all of it below a prefix."""
        return f"{self.path.removesuffix('ws')}{name}"


def parse(text: str) -> Address:
    """An address with or without scheme and path; without a scheme TLS is taken for granted.

    Raises:
        AddressError: it is none.
    """
    scheme, separator, _ = text.partition("://")
    if not separator:
        text, scheme = f"wss://{text}", "wss"
    if scheme not in _SCHEMES:
        raise AddressError(f"{text}: an address begins with wss://, ws://, https:// or http://")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise AddressError(f"{text}: {error}") from None
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise AddressError(f"{text}: an address is a scheme, a host, a port, a path, nothing else")
    found = _SCHEMES[scheme]
    path = parts.path if parts.path.endswith("/ws") else f"{parts.path.rstrip('/')}/ws"
    return Address(found, parts.hostname, PORTS[found] if port is None else port, path)
