"""The port of a process that serves nothing else: is it alive, is it ready, its metrics."""

from riverd.http.health_pages import HealthPages
from riverd.http.limits import HttpLimits
from riverd.http.listener import HttpListener
from riverd.http.refusal import HttpRefusal
from riverd.http.request import Request
from riverd.http.response import Response
from riverd.service.process import Process

LIMITS = HttpLimits(requests_max=100, connections_max=100)


class HealthPort:
    """See `riverd.http.handler.Handler`."""

    def __init__(self, process: Process) -> None:
        self._pages = HealthPages(process.readiness, process.metrics.render)
        self.failed = process.failed

    def admit(self, request: Request) -> Response:
        """Answer by the head."""
        if request.method not in ("GET", "HEAD"):
            return Response(405, b"GET and HEAD only\n", headers=(("Allow", "GET, HEAD"),))
        page = self._pages.answer(request)
        return page or Response(404, b"there are /healthz, /readyz and /metrics here\n")

    def refuse(self, refusal: HttpRefusal) -> Response:
        """The answer to what was not even a request."""
        return Response(refusal.status, f"{refusal.reason}\n".encode())


def health_listener(process: Process) -> HttpListener:
    """The port, as a listener that waits to be started."""
    return HttpListener(HealthPort(process), LIMITS)
