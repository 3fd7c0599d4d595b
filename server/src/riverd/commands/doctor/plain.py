"""The hops that plain HTTP shows: who answers, whether it is ready, what time it is there."""

import time
from email.utils import parsedate_to_datetime

from riverd.commands.doctor import cures
from riverd.commands.doctor.finding import Finding, broken, ok, skipped, warning
from riverd.commands.doctor.visit import Visit
from riverd.commands.doctor.web import Answer, NoAnswer, ask, is_http2

HTTP, READY, CLOCK = "http", "ready", "clock"
OK, MOVED, UNAUTHORIZED, NOT_FOUND, UNAVAILABLE = 200, 300, 401, 404, 503
CLIENT_ERROR, SERVER_ERROR = 400, 500
PUBLISH_API = b'{"status":"alive"}'
SKEW_S_WARNING, SKEW_S_BROKEN = 3.0, 60.0


def http(visit: Visit) -> Finding:
    """Whether River answers /healthz, or something else does."""
    url = visit.page("healthz")
    try:
        answer = ask(url, timeout_s=visit.timeout_s, context=visit.context)
    except TimeoutError:
        return broken(
            HTTP,
            f"the connection was accepted, but {url} was not answered within {visit.timeout_s:g} s",
            cure=(
                "what listens there hangs, or is no HTTP server; wss:// instead of ws:// is the "
                "other guess"
            ),
        )
    except NoAnswer as trouble:
        return _no_http(trouble)
    except OSError as error:
        return broken(HTTP, f"{url}: {error}", cure="it cuts connections: look at its log")
    visit.proxy = cures.proxy_of(answer.headers)
    visit.skew_s = skew_s(answer)
    return _judged(visit, answer, url=url)


def _judged(visit: Visit, answer: Answer, *, url: str) -> Finding:
    by = f" (says {visit.proxy})" if visit.proxy else ""
    status = answer.status
    if status == OK and answer.body.strip() == b"alive":
        through = f", through {visit.proxy}" if visit.proxy else ""
        return ok(HTTP, f"River answers{through}", ms=answer.ms)
    if status == OK and answer.body.strip() == PUBLISH_API:
        return broken(
            HTTP,
            f"{url} is answered by River's publish API",
            cure="give the gateway's address (river dev: port 8000), and this one as --api-url",
        )
    if answer.is_login or status == UNAUTHORIZED:
        return broken(
            HTTP,
            f"{url} wants a login{by}: {answer.title or status}",
            cure="exempt River's address from the login: clients prove themselves with tokens",
        )
    if status < MOVED:
        return broken(
            HTTP,
            f"{url} is answered by something else{by}: {_shown(answer)}",
            cure=(
                "the proxy passes this host or path elsewhere; it should: "
                f"{visit.setting(cures.BALANCE)}"
            ),
        )
    if status < CLIENT_ERROR:
        return broken(
            HTTP,
            f"{url} redirects to {answer.headers.get('location', 'nowhere')}{by}",
            cure=(
                "clients follow no redirect: give them the address that it leads to (wss:// for "
                "https://)"
            ),
        )
    if status < SERVER_ERROR:
        return warning(
            HTTP,
            f"{url} is answered with {status}{by}: {_shown(answer)}",
            cure=(
                "if the WebSocket works below, only this page is kept back; else the path leads "
                "elsewhere"
            ),
        )
    return broken(
        HTTP,
        f"the proxy answers, the gateway behind it does not: {status}{by}",
        cure=f"start the gateways, and check the addresses: {visit.setting(cures.BALANCE)}",
    )


def ready(visit: Visit) -> Finding:
    """Whether the gateway says that it can serve: its broker is there, and it is not stopping."""
    url = visit.page("readyz")
    try:
        answer = ask(url, timeout_s=visit.timeout_s, context=visit.context)
    except (NoAnswer, OSError) as error:
        return broken(READY, f"{url}: {error}", cure="look at the gateway's log")
    if answer.status == OK:
        return ok(READY, "the gateway is ready", ms=answer.ms)
    if answer.status == UNAVAILABLE and not answer.is_page:
        return broken(
            READY,
            f"the gateway is not ready: {answer.body.decode(errors='replace').strip()}",
            cure="start the broker, or correct RIVER_BROKER",
        )
    return skipped(READY, f"{url} is kept back ({answer.status})")


def clock(visit: Visit) -> Finding:
    """Whether the clocks agree: tokens have times in them."""
    skew = visit.skew_s
    if skew is None:
        return skipped(CLOCK, "nothing on the way tells its time (a Date header)")
    if abs(skew) < SKEW_S_WARNING:
        return ok(CLOCK, "the server's clock agrees with this one")
    way = "ahead of" if skew > 0 else "behind"
    what = f"the server's clock is {abs(skew):,.0f} s {way} this one"
    cure = "set both by NTP (timedatectl set-ntp true): tokens end too early, or are not valid yet"
    if abs(skew) < SKEW_S_BROKEN:
        return warning(CLOCK, what, cure=cure)
    return broken(CLOCK, what, cure=cure)


def skew_s(answer: Answer) -> float | None:
    """By how much an answer's clock is ahead. Its seconds are whole ones."""
    date = answer.headers.get("date")
    if date is None:
        return None
    try:
        theirs = parsedate_to_datetime(date).timestamp() + 0.5
    except ValueError:
        return None
    difference = theirs - (time.time() - answer.ms / 2000)
    return difference if abs(difference) > 1 else 0.0


def _no_http(trouble: NoAnswer) -> Finding:
    if is_http2(trouble.raw):
        return broken(
            HTTP,
            "what listens there speaks HTTP/2 only, and a WebSocket begins with HTTP/1.1",
            cure=(
                "take http2 off that port without TLS (nginx: `listen 80;`, not `listen 80 http2;`)"
            ),
        )
    if not trouble.raw:
        return broken(
            HTTP,
            "the connection was closed without an answer",
            cure="TLS is expected there (wss://), or the gateway behind it died: look at the logs",
        )
    return broken(
        HTTP,
        f"what listens there does not speak HTTP: {trouble.raw[:40]!r}",
        cure="correct the port",
    )


def _shown(answer: Answer) -> str:
    kind = "a page" if answer.is_page else "the text"
    return f'{kind} "{answer.title}"'
