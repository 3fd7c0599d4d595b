"""Which proxy of the environment a connection takes: HTTPS_PROXY, ALL_PROXY and their like."""

from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from river_realtime.addresses import is_loopback
from river_realtime.errors import UsageError

_NAMES = {"http": ("http",), "https": ("https",), "ws": ("ws", "http"), "wss": ("wss", "https")}
_SCHEMES = ("http", "https", "socks5", "socks5h")


def proxy_for(url: str, *, socks_module: str) -> str | None:
    """The proxy to reach `url` through; None for a direct connection, always so for loopback.

    Args:
        url: absolute, with one of the schemes http, https, ws, wss.
        socks_module: what has to be installed for a SOCKS proxy.

    Raises:
        UsageError: the environment names a proxy that cannot be used.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    names = (*_NAMES[parts.scheme], "all")
    found = next((name for name in names if proxies.get(name)), None)
    if found is None:
        return None
    proxy = proxies[found] if "://" in proxies[found] else f"http://{proxies[found]}"
    _check(proxy, found, host=host, socks_module=socks_module)
    return proxy


def _check(proxy: str, name: str, *, host: str, socks_module: str) -> None:
    """Raise UsageError if there is nothing to speak to this proxy with."""
    scheme = urlsplit(proxy).scheme.lower()
    variable = f"{name.upper()}_PROXY"
    if scheme not in _SCHEMES:
        cure = f"use one of {', '.join(_SCHEMES)}, or NO_PROXY={host}"
    elif scheme.startswith("socks") and find_spec(socks_module) is None:
        cure = f"for a SOCKS proxy `pip install {socks_module}`, or set NO_PROXY={host}"
    else:
        return
    # The proxy's address may hold a password.
    message = f"the environment's {variable} is a {scheme} proxy: {cure}"
    raise UsageError("option_invalid", message)
