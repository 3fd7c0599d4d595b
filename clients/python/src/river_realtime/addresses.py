"""Addresses as people write them, and as the libraries below take them."""

from urllib.parse import urlsplit

_WEBSOCKET = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_HTTP = {"http": "http", "https": "https"}


def websocket_url(url: str) -> str:
    """The WebSocket's address for a gateway's. Raises ValueError if there is none."""
    scheme, rest = _parts(url, _WEBSOCKET)
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/{path or 'ws'}"


def api_url(url: str) -> str:
    """The publish API's address. Raises ValueError if it is none."""
    scheme, rest = _parts(url, _HTTP)
    return f"{scheme}://{rest.rstrip('/')}"


def _parts(url: str, schemes: dict[str, str]) -> tuple[str, str]:
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        scheme, rest = "http", url.strip()
    known = schemes.get(scheme.lower())
    try:
        parts = urlsplit(f"//{rest}")
        # Asking for the port is what checks it.
        is_address = bool(known and parts.hostname and parts.port != 0)
    except ValueError:
        is_address = False
    if known is None or not is_address or any(sign.isspace() for sign in rest):
        raise ValueError(f"{url!r} is no address such as {next(iter(schemes))}://localhost:8000")
    return known, rest
