"""From a request of an app's back end to its answer. Errors are plain text, as Pusher's are."""

from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

from riverd.api.context import Api
from riverd.api.pusher import channels, events
from riverd.api.pusher.call import AppCall, AppHandler
from riverd.api.pusher.failed_signatures import FailedSignatures
from riverd.api.pusher.signing import SignedRequest, signed_request
from riverd.errors import BrokerError, ErrorCode, OutcomeUnknownError, RiverError
from riverd.http import refusal as refusals
from riverd.http.refusal import HttpRefusal
from riverd.http.request import Request
from riverd.http.response import JSON, TEXT, Response

BODY_BYTES_MAX = 1_048_576
_BEGINNINGS = ("/apps/", "/users/")
_RETRY = (("retry-after", "1"),)
_RETRIED = (429, 503, 504)

_encode = msgspec.json.Encoder().encode

_LOOKS = (channels.list_channels, channels.channel_state, channels.channel_users)
_HANDLERS: Mapping[tuple[str, ...], Mapping[str, AppHandler]] = {
    ("apps", "{app}", "events"): {"POST": events.trigger},
    ("apps", "{app}", "batch_events"): {"POST": events.trigger_batch},
    ("apps", "{app}", "channels"): {"GET": channels.list_channels},
    ("apps", "{app}", "channels", "{channel}"): {"GET": channels.channel_state},
    ("apps", "{app}", "channels", "{channel}", "users"): {"GET": channels.channel_users},
    ("apps", "{app}", "users", "{user}", "terminate_connections"): {
        "POST": channels.terminate_connections
    },
    # The form of the Python library, which names no app: its key does.
    ("users", "{user}", "terminate_connections"): {"POST": channels.terminate_connections},
}


class AdmittedAppRequest(msgspec.Struct, frozen=True):
    """A request whose signature is right: it may send its body."""

    api: Api
    signed: SignedRequest
    handler: AppHandler
    path: Mapping[str, str]

    @property
    def body_bytes_max(self) -> int:
        """How large the body may be."""
        return BODY_BYTES_MAX

    @property
    def is_limited(self) -> bool:
        """It counts among the requests that may be under way."""
        return True

    @property
    def answer_s_max(self) -> float:
        """How long the answer may take."""
        return (
            self.api.list_s_max if self.handler is channels.list_channels else self.api.answer_s_max
        )

    @property
    def takes_body(self) -> bool:
        """Whatever comes was signed."""
        return True

    async def answer(self, body: bytes) -> Response:
        """The answer. The caller keeps to `answer_s_max`."""
        try:
            self.signed.check_body(body)
            call = AppCall(self.api, self.signed.app, self.path, self.signed.query, body)
            return Response(200, _encode(await self.handler(call)), JSON)
        except RiverError as error:
            return _error(error)
        except Exception as error:  # noqa: BLE001  one request's fault must not become all others'
            self.api.failed(error)
            return _error(RiverError(ErrorCode.INTERNAL, refusals.FAILED.reason))

    def refuse(self, refusal: HttpRefusal) -> Response:
        """The answer, of which the connection found that it goes no further."""
        if refusal is refusals.ANSWER_LATE:
            return _error(self._unanswered())
        return Response(refusal.status, f"{refusal.reason}\n".encode(), TEXT)

    def _unanswered(self) -> RiverError:
        text = "the broker did not answer in time"
        return BrokerError(text) if self.handler in _LOOKS else OutcomeUnknownError(text)


def admit_app_request(
    api: Api, request: Request, *, failures: FailedSignatures | None = None
) -> AdmittedAppRequest | Response | None:
    """Judge a request by its head; None if it is for no app.

    Where anybody may ask, `failures` counts those whose signatures are wrong.
    """
    # Most requests are for none: they are not held against each template.
    if not api.apps.by_id or not request.path.startswith(_BEGINNINGS):
        return None
    found = _found(request.path)
    if found is None:
        return None
    handlers, path = found
    handler = handlers.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        return Response(405, b"method not allowed\n", TEXT, (("allow", ", ".join(handlers)),))
    if failures is not None and failures.is_refused(request):
        return _error(RiverError(ErrorCode.TOO_FAST, "too many wrong signatures: try again later"))
    try:
        signed = signed_request(request, api.apps, app_id=path.get("app"), now=api.clock())
    except RiverError as error:
        if failures is not None:
            failures.count(request)
        return _error(error)
    return AdmittedAppRequest(api, signed, handler, path)


def _found(path: str) -> tuple[Mapping[str, AppHandler], Mapping[str, str]] | None:
    segments = path.split("/")[1:]
    for template, handlers in _HANDLERS.items():
        if len(template) == len(segments) and all(
            wanted.startswith("{") or wanted == segment
            for wanted, segment in zip(template, segments, strict=True)
        ):
            return handlers, {
                wanted[1:-1]: unquote(segment)
                for wanted, segment in zip(template, segments, strict=True)
                if wanted.startswith("{")
            }
    return None


def _error(error: RiverError) -> Response:
    status = error.error.status
    headers = _RETRY if status in _RETRIED else ()
    return Response(status, f"{error.public}\n".encode(), TEXT, headers)
