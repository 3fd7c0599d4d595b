"""From the bytes of a head to a request: plain heads as they are, others once they were parsed."""

import re

from riverd.http import refusal
from riverd.http.refusal import RequestRefusedError
from riverd.http.request import Request, split_target

_ONCE = ("host", "content-length", "transfer-encoding")
_HOST = re.compile(r"[\w.~!$&'()*+,;=%:\[\]-]*", re.ASCII)
_VERSIONS = {"HTTP/1.1": "1.1", "HTTP/1.0": "1.0"}
_KNOWN_MAX = 256
_LINE_BYTES_KEPT_MAX = 200

_PLAIN_LINE = re.compile(rb"(GET|HEAD|OPTIONS|POST) (/[!-~]*) HTTP/1\.1")
_PLAIN_FIELD = re.compile(rb"([A-Za-z0-9-]+): ([!-~](?:[ -~]*[!-~])?)")
_PLAIN_LENGTH = re.compile(r"[0-9]{1,15}")
_PLAIN_OFFERS = ("upgrade", "keep-alive, upgrade")
_SHARED = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-type",
        "host",
        "origin",
        "pragma",
        "sec-websocket-extensions",
        "sec-websocket-version",
        "upgrade",
        "user-agent",
        "x-forwarded-proto",
    }
)
"""Fields that many clients send alike, and that hold no secret."""

_hosts: set[str] = set()
"""Hosts that are well-formed: a server has few."""


class _KnownLines(dict[bytes, tuple[str, str, str]]):
    """Method, path and query by the line of a request: few are asked for, again and again."""

    def __missing__(self, line: bytes) -> tuple[str, str, str]:
        found = _PLAIN_LINE.fullmatch(line)
        if found is None:
            raise KeyError(line)
        path, mark, query = found[2].decode().partition("?")
        target = found[1].decode(), path, query
        # A query may hold a token.
        if not mark and len(line) <= _LINE_BYTES_KEPT_MAX:
            if len(self) >= _KNOWN_MAX:
                self.clear()
            self[line] = target
        return target


class _KnownFields(dict[bytes, tuple[str, str]]):
    """Name and value by the line of a field: found faster than taken apart."""

    def __missing__(self, line: bytes) -> tuple[str, str]:
        found = _PLAIN_FIELD.fullmatch(line)
        if found is None:
            raise KeyError(line)
        field = found[1].decode().lower(), found[2].decode()
        if field[0] in _SHARED and len(line) <= _LINE_BYTES_KEPT_MAX:
            if len(self) >= _KNOWN_MAX:
                self.clear()
            self[line] = field
        return field


_known_lines = _KnownLines()
_field_of = _KnownFields().__getitem__


def plain_request(head: bytes, *, peer: str) -> Request | None:
    """The request of a head, if nothing in it can be read in two ways; else the parser is asked.

    Plain are one line a field, each name once, printable ASCII, and a body whose length is known.
    A field `upgrade` in it is an offer.

    Raises:
        RequestRefusedError: it is plain and malformed.
    """
    lines = head.split(b"\r\n")
    try:
        method, path, query = _known_lines[lines.pop(0)]
        headers = dict(map(_field_of, lines))
    except KeyError:
        return None
    if len(headers) != len(lines) or "transfer-encoding" in headers:
        return None
    connection = headers["connection"].lower() if "connection" in headers else ""
    if "upgrade" not in headers:
        keep_alive = _keeps_alive(connection, otherwise=True)
    elif connection in _PLAIN_OFFERS:
        keep_alive = True
    else:
        return None
    if "content-length" in headers and not _PLAIN_LENGTH.fullmatch(headers["content-length"]):
        return None
    host = headers.get("host")
    if host not in _hosts:
        _check_host(host, "1.1")
    return Request(method, path, query, headers, "1.1", keep_alive, peer)


def parsed_request(head: bytes, *, peer: str) -> Request:
    """The request of a head that the parser took.

    Raises:
        RequestRefusedError: it is malformed in a way that the parser does not look for.
    """
    # One empty line before a request is nothing (RFC 9112, section 2.2).
    line, _, lines = head.removeprefix(b"\r\n").partition(b"\r\n")
    try:
        method, target, protocol = line.decode("latin-1").split(" ")
    except ValueError:
        raise RequestRefusedError(refusal.MALFORMED) from None
    version = _VERSIONS.get(protocol)
    if version is None:
        raise RequestRefusedError(refusal.VERSION)
    if target.startswith("/"):
        path, _, query = target.partition("?")
    else:
        path, query = split_target(method, target)
    headers = _joined(lines)
    _check_host(headers.get("host"), version)
    if "transfer-encoding" in headers:
        _check_coding(headers["transfer-encoding"], version)
    connection = headers.get("connection", "").lower()
    keep_alive = _keeps_alive(connection, otherwise=version == "1.1")
    return Request(method, path, query, headers, version, keep_alive, peer)


def _joined(lines: bytes) -> dict[str, str]:
    """The fields, by their names in lower case.

    Raises:
        RequestRefusedError: one that may be there once is there several times.
    """
    headers: dict[str, str] = {}
    for line in lines.decode("latin-1").split("\r\n") if lines else ():
        field, _, text = line.partition(":")
        name, value = field.lower(), text.strip(" \t")
        if name in headers:
            if name in _ONCE:
                raise RequestRefusedError(refusal.BAD_HOST if name == "host" else refusal.MALFORMED)
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def _check_host(host: str | None, version: str) -> None:
    if host is None:
        if version == "1.1":
            raise RequestRefusedError(refusal.BAD_HOST)
    elif _HOST.fullmatch(host) is None:
        raise RequestRefusedError(refusal.BAD_HOST)
    elif len(_hosts) < _KNOWN_MAX:
        _hosts.add(host)


def _check_coding(coding: str, version: str) -> None:
    if version == "1.0":
        # Its sender does not know where it ends (RFC 9112, section 6.1).
        raise RequestRefusedError(refusal.MALFORMED)
    if coding.lower() != "chunked":
        raise RequestRefusedError(refusal.CODING)


def _keeps_alive(connection: str, *, otherwise: bool) -> bool:
    """Whether the connection stays open; `close` wins over whatever else is said."""
    if "close" not in connection and (otherwise or connection == "keep-alive"):
        return True
    options = [option.strip() for option in connection.split(",")]
    return "close" not in options and (otherwise or "keep-alive" in options)
