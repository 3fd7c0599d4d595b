"""What the gateway's port answers to plain HTTP: health, metrics, the browser client."""

from collections.abc import Callable
from typing import Protocol

from riverd.gateway.client_files import ClientFiles
from riverd.http.request import Request
from riverd.http.response import Response

METRICS = "text/plain; version=0.0.4; charset=utf-8"


class HealthReport(Protocol):
    """Whether this process can serve."""

    def unready(self) -> str | None:
        """Why it cannot, or None."""
        ...


class Pages:
    """Answers to GET requests that are no WebSocket."""

    def __init__(
        self,
        *,
        health: HealthReport,
        metrics: Callable[[], bytes],
        client: ClientFiles,
    ) -> None:
        self._health = health
        self._metrics = metrics
        self._client = client

    def answer(self, request: Request) -> Response:
        """The answer to a request for anything but /ws."""
        if request.path == "/healthz":
            return Response(200, b"alive\n")
        if request.path == "/readyz":
            reason = self._health.unready()
            if reason is None:
                return Response(200, b"ready\n")
            return Response(503, f"{reason}\n".encode(), headers=(("Retry-After", "1"),))
        if request.path == "/metrics":
            return Response(200, self._metrics(), METRICS)
        file = self._client.answer(request)
        if file is not None:
            return file
        return Response(404, b"there is nothing here; the WebSocket is at /ws\n")
