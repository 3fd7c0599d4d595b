"""Brings RIVER_ALLOWED_ORIGINS into the form in which browsers send origins (RFC 6454)."""

import re
from collections.abc import Iterable

from riverd.errors import SettingsError

VARIABLE = "RIVER_ALLOWED_ORIGINS"

_SCHEME = re.compile(r"[a-z*][a-z0-9+.*-]*")
_SLASHES = re.compile(r"^(https?)?:?/+")
"""What is left of a scheme that is misspelt."""
_PORT = re.compile(r"[0-9*]{1,5}")
_DEFAULT_PORTS = {"https": "443", "http": "80"}
_SECURE = {"ws": "http", "wss": "https"}


def normalised(globs: Iterable[str]) -> tuple[str, ...]:
    """The globs in lower case, without slashes at their end and ports that browsers leave out.

    Raises:
        SettingsError: one line about the first that could never match an origin.
    """
    origins = tuple(_normalised(glob) for glob in globs)
    if not origins:
        raise SettingsError(f"{VARIABLE}: nothing stands there; write * for all pages")
    return origins


def _normalised(glob: str) -> str:
    text = glob.lower()
    if any(mark in text for mark in "\"'"):
        raise _refused(glob, "write it without quotes")
    if any(mark in text for mark in "; \t"):
        raise _refused(glob, "separate origins by commas")
    if text in {"*", "null"}:
        return text
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
        if not text.startswith("*"):
            host = _SLASHES.sub("", text).rstrip("/")
            raise _refused(glob, f"write its scheme too: https://{host}")
    if scheme in _SECURE:
        raise _refused(glob, f"pages have {_SECURE[scheme]}:// origins, also for WebSockets")
    authority = rest.rstrip("/")
    if separator and _SCHEME.fullmatch(scheme) is None:
        raise _refused(glob, "its scheme is none, such as https")
    if not authority or any(mark in authority for mark in "/?#@\\"):
        raise _refused(glob, "an origin is a scheme, a host and a port, nothing else")
    return f"{scheme}{separator}{_authority(glob, scheme, authority=authority)}"


def _authority(glob: str, scheme: str, *, authority: str) -> str:
    if ".." in authority or authority.startswith("."):
        raise _refused(glob, "no host has such a name")
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return _ascii(glob, authority)
    if not host or _PORT.fullmatch(port) is None or (port.isdigit() and int(port) > 65_535):  # noqa: PLR2004
        raise _refused(glob, "its port is none")
    port = str(int(port)) if port.isdigit() else port
    if port == _DEFAULT_PORTS.get(scheme):
        return _ascii(glob, host)
    return f"{_ascii(glob, host)}:{port}"


def _ascii(glob: str, host: str) -> str:
    """The host as browsers write it: names in other alphabets in Punycode."""
    if host.isascii():
        return host
    try:
        return ".".join(
            label if label.isascii() else label.encode("idna").decode() for label in host.split(".")
        )
    except UnicodeError:
        raise _refused(glob, "no host has such a name") from None


def _refused(glob: str, why: str) -> SettingsError:
    return SettingsError(f"{VARIABLE}: {glob} is no origin: {why}")
