"""The browser client as a gateway, or what is before it, serves it."""

import http.client

import msgspec

from riverd.commands.doctor.web import BODY_BYTES_KEPT

_FILE_BYTES_MAX = 4 * BODY_BYTES_KEPT


class ServedClient(msgspec.Struct, frozen=True):
    """What the gateway answered to a browser's request for the client, and to the next one."""

    status: int
    kind: str
    coding: str
    size: int
    stays_open: bool
    """Whether the connection took a second request."""


def fetched(link: http.client.HTTPConnection, path: str) -> ServedClient:
    """Ask twice on one connection, and close it.

    Raises:
        OSError, http.client.HTTPException: the first request was not answered.
    """
    # With the Accept-Encoding of browsers; http.client would ask for no encoding.
    headers = {"Accept-Encoding": "gzip, deflate, br"}
    try:
        link.request("GET", path, headers=headers)
        answer = link.getresponse()
        size = len(answer.read(_FILE_BYTES_MAX))
        return ServedClient(
            status=answer.status,
            kind=answer.getheader("content-type", ""),
            coding=answer.getheader("content-encoding", ""),
            size=size,
            stays_open=_asked_again(link, path),
        )
    finally:
        link.close()


def _asked_again(link: http.client.HTTPConnection, path: str) -> bool:
    if link.sock is None:
        # The answer said that it is the last one.
        return False
    link.auto_open = False
    try:
        link.request("HEAD", path)
        link.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    return True
