"""The publish API as what answers an HTTP port."""

from riverd.api.admission import Admitted, admit
from riverd.api.console_files import ConsoleFiles
from riverd.api.context import Api
from riverd.api.live import LiveAnswers
from riverd.api.pusher.admission import AdmittedAppRequest
from riverd.http.json_errors import refused
from riverd.http.limits import HttpLimits
from riverd.http.refusal import HttpRefusal
from riverd.http.request import Request
from riverd.http.response import Answer, Response


class ApiHandler:
    """Answers requests of back ends. See `riverd.http.handler.Handler`."""

    def __init__(self, api: Api, live: LiveAnswers) -> None:
        self._api = api
        self._live = live
        self._console = ConsoleFiles()

    def admit(self, request: Request) -> Answer | Admitted | AdmittedAppRequest:
        """Judge a request by its head."""
        of_console = self._console.answer(request) or self._live.answer(request)
        if of_console is not None:
            return of_console
        return admit(self._api, request)

    def refuse(self, refusal: HttpRefusal) -> Response:
        """The answer to what was not even a request."""
        return refused(refusal)

    def failed(self, error: BaseException) -> None:
        """Log an error that nobody expected."""
        self._api.failed(error)


def limits_of(api: Api) -> HttpLimits:
    """What requests to this API may cost."""
    return HttpLimits(
        body_s=api.body_s_max, answer_s=api.answer_s_max, requests_max=api.requests_max
    )
