"""Addresses as people write them, and as the libraries below take them."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from river_realtime.errors import UsageError

_WEBSOCKET = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_HTTP = {"http": "http", "https": "https"}
_ENDPOINT = "/ws"


def websocket_url(url: str) -> str:
    """The WebSocket's address for a gateway's, which may have a path prefix.

    Raises:
        UsageError: it is not the address of a gateway.
    """
    scheme, rest = _parts(url, _WEBSOCKET)
    base = rest.rstrip("/")
    return f"{scheme}://{base if base.endswith(_ENDPOINT) else base + _ENDPOINT}"


def gateway_url(url: str) -> str:
    """A gateway's address for HTTP, with its path prefix.

    Raises:
        UsageError: it is not the address of a gateway.
    """
    return f"http{websocket_url(url).removeprefix('ws').removesuffix(_ENDPOINT)}"


def api_url(url: str) -> str:
    """The publish API's address, without a slash at the end.

    Raises:
        UsageError: it is not the address of a publish API.
    """
    scheme, rest = _parts(url, _HTTP)
    return f"{scheme}://{rest.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, as far as its name says so."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _parts(url: str, schemes: dict[str, str]) -> tuple[str, str]:
    """The scheme to use, and what follows `://`."""
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError("option_invalid", f"url: an address as text, not {url!r}")
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        scheme, rest = "http", url.strip()
    known = schemes.get(scheme.lower())
    if known is None or not _is_host_with_path(rest):
        example = next(iter(schemes))
        message = f"{url!r} is not an address; write it as {example}://localhost:8000"
        raise UsageError("option_invalid", message)
    return known, rest


def _is_host_with_path(rest: str) -> bool:
    if any(character.isspace() or character in "?#" for character in rest):
        return False
    try:
        parts = urlsplit(f"//{rest}")
        # Asking for the port is what checks it, and looking a name up begins with this codec.
        return bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        return False
