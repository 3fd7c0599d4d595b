"""Answers that go on: what a page of the console shows, again and again, as Server-Sent Events.

`GET /console/live?every_ms=2000&ask=nodes&ask=channels/-/history?channel=dogs` is asked with a key,
as each `ask` by itself would be. A message is `[number of the ask, status, answer]`, sent where it
differs from the last one; an empty comment ends each round.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

import msgspec

from riverd.api.admission import admit, respond
from riverd.api.context import Api
from riverd.api.responses import Traced
from riverd.errors import ErrorCode, RiverError
from riverd.http.body_writer import BodyWriter
from riverd.http.json_errors import response_to, wrong_method
from riverd.http.request import Request
from riverd.http.response import EVENT_STREAM, JSON, Headers, Response, StreamedResponse
from riverd.protocols.sse.shapes import OBJECTS

PATH = "/console/live"
STREAMS_MAX = 100
ASKS_MAX = 4
EVERY_MS = 2_000
EVERY_MS_MIN, EVERY_MS_MAX = 250, 60_000
HEADERS: Headers = (("cache-control", "no-store"), ("x-accel-buffering", "no"))

_encode = msgspec.json.Encoder().encode
_traced = msgspec.json.Decoder(Traced).decode


class LiveAnswers:
    """The streams of one API, which end when it stops.

    `start` runs background work; `stopping` is set when the API stops.
    """

    def __init__(
        self,
        api: Api,
        *,
        start: Callable[[Coroutine[None, None, None]], None],
        stopping: asyncio.Event,
    ) -> None:
        self._api = api
        self._start = start
        self._stopping = stopping
        self._open = 0

    def answer(self, request: Request) -> Response | StreamedResponse | None:
        """Answer a request by its head; None if it is for another path."""
        if request.path != PATH:
            return None
        if request.method != "GET":
            return wrong_method("GET")
        try:
            requests, every_s = _judge(request)
            if self._open >= STREAMS_MAX:
                raise RiverError(ErrorCode.UNAVAILABLE, f"{STREAMS_MAX} streams are open already")
        except RiverError as error:
            return response_to(error)
        for one in requests:
            refusal = admit(self._api, one)
            if isinstance(refusal, Response) and refusal.status == HTTPStatus.UNAUTHORIZED:
                return refusal

        def start(writer: BodyWriter) -> None:
            self._open += 1
            self._start(self._run(LiveStream(self._api, requests, writer=writer), every_s))

        return StreamedResponse(200, start, EVENT_STREAM, HEADERS)

    async def _run(self, stream: "LiveStream", every_s: float) -> None:
        """Ask until the client is gone, its key is none any more, or the API stops."""
        try:
            while await stream.writer.drain() and await stream.go_on():
                with suppress(TimeoutError):
                    async with asyncio.timeout(every_s):
                        await self._stopping.wait()
                        break
        finally:
            self._open -= 1
            stream.writer.end()


class LiveStream:
    """One stream: what is asked, and what was answered last."""

    def __init__(self, api: Api, requests: list[Request], *, writer: BodyWriter) -> None:
        self.writer = writer
        self._api = api
        self._requests = requests
        self._shown: dict[int, int] = {}
        """Hashes of what was sent last."""

    async def go_on(self) -> bool:
        """Ask, and send what has changed; False if the key may not ask any more."""
        may = True
        for number, request in enumerate(self._requests):
            one = await respond(self._api, request, b"")
            self._requests[number] = _next(request, one)
            body = msgspec.Raw(one.body if one.content_type == JSON else b"null")
            text = _encode([number, one.status, body])
            if self._shown.get(number) != hash(text):
                self._shown[number] = hash(text)
                self.writer.write(OBJECTS.event("", b"", text))
            may = may and one.status != HTTPStatus.UNAUTHORIZED
        self.writer.write(b":\n\n")
        return may


def _judge(request: Request) -> tuple[list[Request], float]:
    """What is to be asked, and how often.

    Raises:
        RiverError: invalid_field.
    """
    try:
        given = parse_qsl(request.query, max_num_fields=ASKS_MAX + 1, errors="strict")
    except ValueError:
        raise _wrong(f"ask: up to {ASKS_MAX} of them, in UTF-8") from None
    asks = [value.partition("?") for name, value in given if name == "ask"]
    if not asks or {name for name, _ in given} - {"ask", "every_ms"}:
        raise _wrong("name what is asked for in `ask`, and how often in `every_ms`")
    every = dict(given).get("every_ms", str(EVERY_MS))
    if not (every.isascii() and every.isdecimal() and len(every) <= len(str(EVERY_MS_MAX))):
        raise _wrong("every_ms: a number of milliseconds")
    every_s = min(max(int(every), EVERY_MS_MIN), EVERY_MS_MAX) / 1000
    replace = msgspec.structs.replace
    return [replace(request, path=f"/{path}", query=query) for path, _, query in asks], every_s


def _next(request: Request, answer: Response) -> Request:
    """What is asked the next time: a trace goes on where it was."""
    if request.path != "/trace" or answer.status != HTTPStatus.OK:
        return request
    found = _traced(answer.body)
    given = dict(parse_qsl(request.query)) | {"id": found.id, "after": found.after}
    return msgspec.structs.replace(request, query=urlencode(given))


def _wrong(message: str) -> RiverError:
    return RiverError(ErrorCode.INVALID_FIELD, message)
