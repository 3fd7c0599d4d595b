"""The hops of a page's load: the browser client, its compression, connections that stay open."""

import http.client

from riverd.commands.doctor.finding import Finding, broken, not_checked, ok, warning
from riverd.commands.doctor.served_client import ServedClient, fetched
from riverd.commands.doctor.visit import Visit

CLIENT, COMPRESSION, KEEP_ALIVE = "client", "compress", "keepalive"
FILE = "client/river.js"


def client(visit: Visit) -> Finding:
    """Whether the browser client is served beside the WebSocket, under the same prefix."""
    url = visit.page(FILE)
    own = "pass the whole prefix on to the gateway, or let pages bundle `river-realtime`"
    try:
        file = visit.file = fetched(visit.connect_http(), visit.address.beside(FILE))
    except (OSError, http.client.HTTPException) as error:
        return warning(CLIENT, f"{url} is not answered: {error!r}", cure=own)
    if file.status != http.HTTPStatus.OK:
        return warning(CLIENT, f"no browser client at {url} ({file.status})", cure=own)
    if "javascript" not in file.kind:
        return broken(
            CLIENT,
            f"{url} is {file.kind or 'of no type'} instead of JavaScript: browsers refuse it",
            cure=f"something else answers for {url}: {own}",
        )
    return ok(CLIENT, f"{url} is served, {file.size:,} bytes")


def compression(visit: Visit) -> Finding:
    """Whether the client arrives compressed."""
    file = _served(visit)
    if file is None:
        return not_checked(COMPRESSION, f"after {CLIENT}")
    if not file.coding:
        return warning(
            COMPRESSION,
            "the browser client arrives uncompressed, three times as long",
            cure="a proxy drops Accept-Encoding, or decompresses: pass the header and the body on",
        )
    return ok(COMPRESSION, f"the browser client arrives as {file.coding}")


def keep_alive(visit: Visit) -> Finding:
    """Whether a second request may use the connection of the first."""
    file = _served(visit)
    if file is None:
        return not_checked(KEEP_ALIVE, f"after {CLIENT}")
    if not file.stays_open:
        return warning(
            KEEP_ALIVE,
            "each request needs a connection of its own: it is closed after the answer",
            cure="turn keep-alive on towards browsers (nginx: keepalive_timeout 75s;)",
        )
    return ok(KEEP_ALIVE, "a connection takes a second request")


def _served(visit: Visit) -> ServedClient | None:
    file = visit.file
    return file if file is not None and file.status == http.HTTPStatus.OK else None
