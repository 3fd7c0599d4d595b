"""What the gateway's port answers to plain HTTP: health, metrics, the browser client."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from riverd.http.request import Request
from riverd.http.response import Response

SCRIPT = "text/javascript; charset=utf-8"
METRICS = "text/plain; version=0.0.4; charset=utf-8"
# Pages of any origin import the client as a module.
ANYONE = ("Access-Control-Allow-Origin", "*")
NO_SNIFFING = ("X-Content-Type-Options", "nosniff")


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
        client: Mapping[str, bytes],
    ) -> None:
        self._health = health
        self._metrics = metrics
        self._client = {f"/client/{name}": body for name, body in client.items()}
        self._tags = {path: _tag(body) for path, body in self._client.items()}

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
        if request.path in self._client:
            return self._script(request)
        return Response(404, b"there is nothing here; the WebSocket is at /ws\n")

    def _script(self, request: Request) -> Response:
        tag = self._tags[request.path]
        headers = (ANYONE, NO_SNIFFING, ("Cache-Control", "no-cache"), ("ETag", tag))
        if request.headers.get("if-none-match") == tag:
            return Response(304, headers=headers)
        return Response(200, self._client[request.path], SCRIPT, headers)


def _tag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:32]}"'


def scripts(folder: Path) -> dict[str, bytes]:
    """The browser client's modules, by their path below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.js"))
        if path.is_file()
    }
