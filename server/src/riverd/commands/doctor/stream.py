"""The hops of HTTP streaming: whether /events comes through at once, and stays open in silence."""

import contextlib
import http.client
import json
import time
from urllib.parse import quote

from riverd.commands.doctor import cures
from riverd.commands.doctor.finding import Finding, broken, not_checked, ok, skipped, warning
from riverd.commands.doctor.line import Silent
from riverd.commands.doctor.publishing import sender
from riverd.commands.doctor.stream_probe import StreamProbe
from riverd.commands.doctor.visit import Visit
from riverd.commands.doctor.web import NoAnswer

STREAM, QUIET = "stream", "quiet"
COMMENT_S = 15.0
"""After so much silence a gateway sends a comment."""
COMMENT_S_LATEST = 40.0
"""By then two of them have come."""
_NUMBER = 500
_MISSING = {http.HTTPStatus.NOT_FOUND, http.HTTPStatus.METHOD_NOT_ALLOWED}


def stream(visit: Visit) -> Finding:
    """Whether /events answers at once, and an event comes through it. Keeps the stream open."""
    begun = time.monotonic()
    path = f"{visit.address.beside('events')}?channel={quote(visit.channel, safe='')}"
    try:
        opened = visit.stream = StreamProbe(visit.connect_http(), path, token=visit.token)
    except TimeoutError:
        return _held_back(visit, {}, what="not one byte of the answer")
    except (OSError, http.client.HTTPException) as error:
        return broken(STREAM, f"/events is not answered: {error!r}", cure="look at the proxy's log")
    headers = opened.headers
    if opened.answer.status != http.HTTPStatus.OK or "event-stream" not in headers.get(
        "content-type", ""
    ):
        return _no_stream(opened)
    try:
        opened.wait_for(b'"subscribed"', within_s=visit.timeout_s)
        first_ms = (time.monotonic() - begun) * 1000
        return _delivered(visit, opened, first_ms=first_ms)
    except Silent:
        return _held_back(visit, headers, what="the head of the answer, but no event")
    except EOFError as ended:
        return broken(STREAM, f"/events ends at once: {ended}", cure="look at the gateway's log")
    except (NoAnswer, OSError) as error:
        return broken(STREAM, f"while publishing: {error}", cure="see publish")


def quiet(visit: Visit) -> Finding:
    """Whether the stream that was opened before `idle` has lived through that silence."""
    for_s = visit.options.idle_s
    opened = visit.stream
    if not for_s:
        return skipped(QUIET, "not asked for (--idle 0)")
    if opened is None:
        return not_checked(QUIET, f"after {STREAM}")
    before = opened.comments
    try:
        with contextlib.suppress(Silent):
            # Nothing ends so: it takes what came meanwhile, and sees an end if there was one.
            opened.wait_for(b"\0", within_s=0.2)
    except EOFError:
        return broken(
            QUIET,
            f"the stream was ended within {for_s:g} s of silence{_by(visit, opened.headers)}: a "
            f"timeout shorter than River's comments, every {COMMENT_S:g} s",
            cure=f"75 s is right: {visit.setting(cures.IDLE)}",
        )
    finally:
        visit.close_stream()
    comments = opened.comments - before
    if for_s >= COMMENT_S_LATEST and not comments:
        return broken(
            QUIET,
            f"the stream held {for_s:g} s, but none of River's comments came through"
            f"{_by(visit, opened.headers)}",
            cure=f"a proxy buffers the answer: {visit.setting(cures.STREAM)}",
        )
    if not comments:
        more = f"; --idle {COMMENT_S_LATEST:g} waits for River's comments too"
        return ok(QUIET, f"the stream survives {for_s:g} s of silence{more}")
    return ok(QUIET, f"the stream survives {for_s:g} s of silence, {comments} comments came")


def _delivered(visit: Visit, opened: StreamProbe, *, first_ms: float) -> Finding:
    send = sender(visit)
    first = f"/events answers after {first_ms:.0f} ms"
    if send is None:
        return ok(STREAM, first)
    begun = time.monotonic()
    send(_NUMBER)
    opened.wait_for(f'"data":{json.dumps(_NUMBER)}'.encode(), within_s=visit.timeout_s)
    ms = (time.monotonic() - begun) * 1000
    return ok(STREAM, f"{first}, and an event comes through it", ms=ms)


def _held_back(visit: Visit, headers: dict[str, str], *, what: str) -> Finding:
    return broken(
        STREAM,
        f"{what} came within {visit.timeout_s:g} s: the answer of /events is buffered"
        f"{_by(visit, headers)}",
        cure=f"{visit.setting(cures.STREAM)}; until then clients can poll (mode=poll)",
    )


def _no_stream(opened: StreamProbe) -> Finding:
    status, kind = opened.answer.status, opened.headers.get("content-type", "no type")
    opened.close()
    if status in _MISSING:
        return warning(
            STREAM,
            f"there is no /events here ({status}): HTTP streaming is not to be had",
            cure="pass the whole prefix on to the gateway; WebSockets work without it",
        )
    if status == http.HTTPStatus.UNAUTHORIZED:
        return broken(
            STREAM,
            "/events refuses the token that the WebSocket took (401)",
            cure="a proxy drops or replaces the Authorization header: pass it on",
        )
    return broken(
        STREAM,
        f"/events is answered with {status} and {kind} instead of a stream",
        cure="something else answers for that path: pass it on to the gateway",
    )


def _by(visit: Visit, headers: dict[str, str]) -> str:
    """Which hop it is, as far as the answer or an earlier one names it."""
    name = cures.proxy_of(headers) or visit.proxy
    via = headers.get("via", "")
    if not name and not via:
        return ", by a hop that does not name itself"
    return f", by {name or via}"
