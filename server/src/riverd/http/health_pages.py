"""What a port says about its process: alive, ready, its metrics."""

from collections.abc import Callable
from typing import Protocol

from riverd.http.request import Request
from riverd.http.response import Response

METRICS = "text/plain; version=0.0.4; charset=utf-8"


class HealthReport(Protocol):
    """Whether this process can serve."""

    def unready(self) -> str | None:
        """Why it cannot, or None."""
        ...


class HealthPages:
    """Answers requests for these pages."""

    def __init__(self, health: HealthReport, metrics: Callable[[], bytes]) -> None:
        self._health = health
        self._metrics = metrics

    def answer(self, request: Request) -> Response | None:
        """The answer, or None if it is for another page."""
        match request.path:
            case "/healthz":
                return Response(200, b"alive\n")
            case "/readyz":
                reason = self._health.unready()
                if reason is None:
                    return Response(200, b"ready\n")
                return Response(503, f"{reason}\n".encode(), headers=(("Retry-After", "1"),))
            case "/metrics":
                return Response(200, self._metrics(), METRICS)
            case _:
                return None
