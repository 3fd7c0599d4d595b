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
    found = _found(url)
    if found is None:
        return None
    name, address = found
    proxy = address if "://" in address else f"http://{address}"
    _check(proxy, name, host=parts.hostname or "", socks_module=socks_module)
    return proxy


def through(url: str) -> str:
    """What an error adds when `url` is reached through a proxy: the variable that names it."""
    found = _found(url)
    return f" (through the proxy of {found[0].upper()}_PROXY)" if found else ""


def _found(url: str) -> tuple[str, str] | None:
    """The kind of proxy that the environment names for a URL, and its address."""
    parts = urlsplit(url)
    if is_loopback(parts.hostname or "") or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    names = (*_NAMES[parts.scheme], "all")
    return next(((name, proxies[name]) for name in names if proxies.get(name)), None)


def _check(proxy: str, name: str, *, host: str, socks_module: str) -> None:
    """Raise UsageError if there is nothing to speak to this proxy with."""
    variable = f"{name.upper()}_PROXY"
    scheme = _scheme(proxy)
    if scheme is None:
        # The proxy's address may hold a password.
        cure = f"write it as http://proxy.example.com:3128, or set NO_PROXY={host}"
        raise UsageError(
            "option_invalid", f"the environment's {variable} is not an address: {cure}"
        )
    if scheme not in _SCHEMES:
        cure = f"use one of {', '.join(_SCHEMES)}, or NO_PROXY={host}"
    elif scheme.startswith("socks") and find_spec(socks_module) is None:
        cure = f"for a SOCKS proxy `pip install {socks_module}`, or set NO_PROXY={host}"
    else:
        return
    message = f"the environment's {variable} is a {scheme} proxy: {cure}"
    raise UsageError("option_invalid", message)


def _scheme(proxy: str) -> str | None:
    """The scheme of a proxy's address; None if it is not one."""
    try:
        parts = urlsplit(proxy)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts.scheme.lower() if has_host else None
