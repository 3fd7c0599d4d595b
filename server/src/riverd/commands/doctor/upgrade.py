"""The hop that proxies break most often: the upgrade from HTTP to a WebSocket."""

import time

from websockets.http11 import Response

from riverd.commands.doctor import cures
from riverd.commands.doctor.finding import Finding, broken, not_checked, ok
from riverd.commands.doctor.line import Refused, Silent
from riverd.commands.doctor.visit import Visit
from riverd.commands.doctor.web import is_http2

UPGRADE, ORIGIN = "upgrade", "origin"
STRANGER = "https://river-doctor.invalid"
_OK, _MOVED, _CLIENT_ERROR, _SERVER_ERROR = 200, 300, 400, 500
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _UPGRADE_REQUIRED = 400, 401, 403, 404, 426

_REFUSALS = {
    _UNAUTHORIZED: (
        "the proxy wants a login",
        "exempt River's path: clients prove themselves with tokens",
    ),
    _FORBIDDEN: (
        "refused, even without an Origin,",
        "a firewall for web applications or an access rule of the proxy: exempt River's path",
    ),
    _NOT_FOUND: (
        "nothing is",
        "River's WebSocket is at /ws: give that path, or have the proxy pass it on as it is",
    ),
}
"""What a status means, and its cure."""


def upgrade(visit: Visit) -> Finding:
    """Open the WebSocket that the next hops use. Without an Origin, as programs do."""
    begun = time.monotonic()
    try:
        visit.line = visit.dial()
    except Silent:
        return broken(
            UPGRADE,
            f"the upgrade was not answered within {visit.timeout_s:g} s",
            cure=(
                "a proxy between holds it back (buffering, inspection): take River's path out of it"
            ),
        )
    except Refused as refused:
        return _judged(visit, refused)
    except OSError as error:
        return broken(UPGRADE, f"the connection broke: {error}", cure="look at the proxy's log")
    return ok(UPGRADE, f"{visit.address.url} is a WebSocket", ms=(time.monotonic() - begun) * 1000)


def origin(visit: Visit) -> Finding:
    """Whether a page of the given origin may connect."""
    wanted = visit.options.origin
    if wanted is None:
        return _any_page(visit)
    try:
        visit.dial(origin=wanted).cut()
    except Refused as refused:
        status = refused.response.status_code if refused.response is not None else refused.why
        if status == _FORBIDDEN:
            return broken(
                ORIGIN,
                f"pages of {wanted} may not connect (403)",
                cure=f"add {wanted} to RIVER_ALLOWED_ORIGINS, and restart the gateways",
            )
        return broken(
            ORIGIN, f"with Origin {wanted}: {status}", cure="a proxy minds the Origin header"
        )
    except (Silent, OSError) as error:
        return broken(ORIGIN, f"with Origin {wanted}: {error!r}", cure="look at the proxy's log")
    return ok(ORIGIN, f"pages of {wanted} may connect")


def _any_page(visit: Visit) -> Finding:
    hint = "--origin https://app.example.com tries one page"
    try:
        visit.dial(origin=STRANGER).cut()
    except Refused:
        return not_checked(ORIGIN, f"only certain pages may connect; {hint}")
    except (Silent, OSError):
        return not_checked(ORIGIN, hint)
    return ok(ORIGIN, f"any page may connect (RIVER_ALLOWED_ORIGINS says which); {hint}")


def _judged(visit: Visit, refused: Refused) -> Finding:
    response = refused.response
    if response is None:
        return _no_answer(refused)
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    visit.proxy = visit.proxy or cures.proxy_of(headers)
    status = response.status_code
    if status == _UPGRADE_REQUIRED or (status == _BAD_REQUEST and not _is_page(response)):
        who = "River" if headers.get("sec-websocket-version") == "13" else "the server"
        return broken(
            UPGRADE,
            f"{who} was reached, but without the headers of the upgrade: "
            f"the proxy dropped them ({status})",
            cure=f"pass them on: {visit.setting(cures.UPGRADE)}",
        )
    if status in _REFUSALS:
        what, cure = _REFUSALS[status]
        return broken(UPGRADE, f"{what} at {visit.address.path} ({status})", cure=cure)
    if _MOVED <= status < _CLIENT_ERROR:
        return broken(
            UPGRADE,
            f"it redirects to {headers.get('location', 'nowhere')} ({status})",
            cure="WebSockets follow no redirect: use that address (wss:// for https://)",
        )
    if status >= _SERVER_ERROR:
        return broken(
            UPGRADE,
            f"the proxy has no gateway for it: {status}",
            cure=f"start the gateways, check the addresses: {visit.setting(cures.BALANCE)}",
        )
    return _not_upgraded(visit, refused, response=response)


def _not_upgraded(visit: Visit, refused: Refused, *, response: Response) -> Finding:
    status = response.status_code
    what = f"the upgrade is wrong: {status}, {refused.why}"
    if _OK <= status < _MOVED:
        what = f"answered with {status} and {_kind(response)} instead of a WebSocket"
    return broken(
        UPGRADE,
        what,
        cure=f"a proxy serves that, or changes the upgrade: {visit.setting(cures.UPGRADE)}",
    )


def _no_answer(refused: Refused) -> Finding:
    if is_http2(refused.raw):
        return broken(
            UPGRADE,
            "the server speaks HTTP/2 only, and a WebSocket begins with HTTP/1.1",
            cure="allow HTTP/1.1 at this address",
        )
    return broken(
        UPGRADE,
        f"no answer that is one: {refused.why}",
        cure="the proxy cuts what it does not know: look at its log",
    )


def _is_page(response: Response) -> bool:
    return "html" in response.headers.get("content-type", "")


def _kind(response: Response) -> str:
    return "a page" if _is_page(response) else "a text"
