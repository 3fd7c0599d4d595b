"""The hops of the other side: the publish API, its broker, and the way from there to a client."""

import json
import statistics
import time
from http import HTTPStatus

from riverd.commands.doctor.finding import Finding, broken, not_checked, ok, skipped, warning
from riverd.commands.doctor.line import Ended, Json, Line, Silent
from riverd.commands.doctor.plain import skew_s
from riverd.commands.doctor.visit import Visit
from riverd.commands.doctor.web import Answer, NoAnswer, ask

PUBLISH, DELIVERY, BROKER = "publish", "delivery", "broker"
EVENT = "doctor"
ROUNDS = 5
SLOW_BROKER_MS = 50.0
SLOW_DELIVERY_MS = 500.0


def publish(visit: Visit) -> Finding:
    """Whether the API takes a publication."""
    options = visit.options
    if options.api_url is None:
        return not_checked(PUBLISH, "no API to try: give --api-url (or RIVER_API_URL)")
    if options.api_key is None:
        return not_checked(PUBLISH, "no key to try: set RIVER_API_KEYS")
    try:
        answer = post(visit, number=0)
    except TimeoutError:
        return broken(
            PUBLISH,
            f"{options.api_url} accepts connections, but did not answer within {visit.timeout_s:g} "
            "s",
            cure="is that the publish API? It answers even when its broker is away",
        )
    except NoAnswer as trouble:
        return broken(PUBLISH, f"{options.api_url} is no API: {trouble}", cure="correct --api-url")
    except OSError as error:
        return broken(
            PUBLISH,
            f"{options.api_url} cannot be reached: {error}",
            cure=(
                "start `river api`, and let this machine reach it (RIVER_API_HOST, RIVER_API_PORT)"
            ),
        )
    if visit.skew_s is None:
        visit.skew_s = skew_s(answer)
    return _answered(visit, answer)


def broker(visit: Visit) -> Finding:
    """Whether the API's broker is there, and how far away."""
    api_url = visit.options.api_url
    if api_url is None:
        return not_checked(BROKER, "only the API measures it: give --api-url")
    if not visit.api_answers:
        return not_checked(BROKER, f"after {PUBLISH}")
    try:
        alive = [_get(visit, "healthz").ms for _ in range(ROUNDS)]
        answers = [_get(visit, "readyz") for _ in range(ROUNDS)]
    except (NoAnswer, OSError) as error:
        return broken(BROKER, f"{api_url}/readyz: {error}", cure="look at the API's log")
    refused = [answer for answer in answers if answer.status != HTTPStatus.OK]
    if refused and refused[0].status == HTTPStatus.SERVICE_UNAVAILABLE:
        return broken(
            BROKER,
            f"the API's broker is away: {_message(refused[0])}",
            cure=(
                "start it, or correct the API's RIVER_BROKER; River goes on by itself when it is "
                "back"
            ),
        )
    if refused:
        return skipped(BROKER, f"{api_url}/readyz is kept back ({refused[0].status})")
    evicts = _warning(answers[0])
    if evicts:
        return warning(BROKER, evicts, cure="give River a Redis of its own (docs/operating.md)")
    delay_ms = max(0.0, statistics.median(one.ms for one in answers) - statistics.median(alive))
    if delay_ms > SLOW_BROKER_MS:
        return warning(
            BROKER,
            f"the API waits {delay_ms:.0f} ms for its broker",
            cure="put broker, API and gateways into one network; is the broker busy or swapping?",
        )
    return ok(BROKER, "the API's broker answers", ms=delay_ms)


def delivery(visit: Visit) -> Finding:
    """Whether what is published arrives, and after which time."""
    send = sender(visit)
    if send is None:
        return not_checked(DELIVERY, "nothing was published")
    times: list[float] = []
    for number in range(1, ROUNDS + 1):
        begun = time.monotonic()
        try:
            send(number)
            event = received(visit.opened, visit, number=number)
        except Silent:
            return _undelivered(visit)
        except (Ended, NoAnswer, OSError) as error:
            return broken(
                DELIVERY, f"lost while waiting: {error!r}", cure="look at the gateway's log"
            )
        visit.offset = int(event["offset"])
        times.append((time.monotonic() - begun) * 1000)
    ms = statistics.median(times)
    if ms > SLOW_DELIVERY_MS:
        return warning(
            DELIVERY,
            f"published events arrive after {ms:.0f} ms",
            cure="does a proxy buffer (nginx: proxy_buffering off;)? Else see the broker's delay",
        )
    return ok(DELIVERY, f"{ROUNDS} of {ROUNDS} published events arrived", ms=ms)


class _Sender:
    """Publishes a numbered event, by the API or over a line."""

    def __init__(self, visit: Visit, line: Line | None) -> None:
        self._visit = visit
        self._line = line

    def __call__(self, number: int) -> None:
        visit = self._visit
        if self._line is None:
            answer = post(visit, number=number)
            if answer.status != HTTPStatus.OK:
                raise NoAnswer(f"{answer.status}: {_message(answer)}")
            return
        body = {"channel": visit.channel, "event": EVENT, "data": number}
        self._line.send({"type": "publish", "id": visit.number(), **body})


def sender(visit: Visit, line: Line | None = None) -> _Sender | None:
    """How events can be published: by the API, else by the client itself, else not at all."""
    if visit.api_works:
        return _Sender(visit, None)
    return _Sender(visit, line or visit.opened) if visit.may_publish else None


def received(line: Line, visit: Visit, *, number: int) -> Json:
    """The event with this number.

    Raises:
        Silent, Ended: it did not come.
    """
    return line.wait_for(
        "event", within_s=visit.timeout_s, channel=visit.channel, event=EVENT, data=number
    )


def post(visit: Visit, *, number: int) -> Answer:
    """One publish request.

    Raises:
        NoAnswer, OSError: it was not answered.
    """
    body = {"channel": visit.channel, "event": EVENT, "data": number}
    headers = {
        "content-type": "application/json",
        "x-api-key": str(visit.options.api_key),
    }
    return ask(
        f"{str(visit.options.api_url).rstrip('/')}/publish",
        timeout_s=visit.timeout_s,
        context=visit.context,
        body=json.dumps(body).encode(),
        headers=headers,
    )


def _get(visit: Visit, name: str) -> Answer:
    url = f"{str(visit.options.api_url).rstrip('/')}/{name}"
    return ask(url, timeout_s=visit.timeout_s, context=visit.context)


def _answered(visit: Visit, answer: Answer) -> Finding:
    api_url = visit.options.api_url
    visit.api_answers = answer.headers.get("content-type", "").startswith("application/json")
    if answer.status == HTTPStatus.OK and not answer.is_page:
        visit.api_works = True
        return ok(PUBLISH, f"{api_url} takes publications", ms=answer.ms)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return broken(
            PUBLISH,
            "the API refuses the key (401)",
            cure="use one of the API's RIVER_API_KEYS, as it stands there",
        )
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and not answer.is_page:
        return broken(
            PUBLISH,
            f"the API's broker is away: {_message(answer)}",
            cure="start it, or correct the API's RIVER_BROKER; the same request may be sent again",
        )
    if answer.is_page or answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        return broken(
            PUBLISH,
            f"{api_url} is not the publish API: {answer.status} {answer.title}",
            cure="give the API's address, not the gateway's (RIVER_API_PORT, 8001 as it comes)",
        )
    return broken(PUBLISH, f"{answer.status}: {_message(answer)}", cure="see docs/publishing.md")


def _message(answer: Answer) -> str:
    try:
        message = json.loads(answer.body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return answer.title
    return str(message)


def _warning(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body).get("warning", ""))
    except (ValueError, AttributeError):
        return ""


def _undelivered(visit: Visit) -> Finding:
    if not visit.api_works:
        return broken(
            DELIVERY,
            f"an event of this client did not come back within {visit.timeout_s:g} s",
            cure="look at the gateway's log: is its broker away?",
        )
    return broken(
        DELIVERY,
        f"the API took an event, and it did not arrive within {visit.timeout_s:g} s",
        cure="gateways and API have different brokers: give both the same RIVER_BROKER (memory:// "
        "is for one process)",
    )
