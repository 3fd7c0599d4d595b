"""What the gateway's port answers to plain HTTP: health, metrics, the browser client."""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from riverd.gateway.client_files import ClientFiles
from riverd.http.health_pages import HealthPages, HealthReport
from riverd.http.request import Request
from riverd.http.response import Response

HTML = "text/html; charset=utf-8"


def front_page() -> Response:
    """What a person finds who opens the gateway's address: no script, nothing of another host."""
    page = Path(__file__).with_name("front_page.html").read_bytes()
    style = re.search(rb"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None, "the page has a style"
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'"
    policy += "; form-action 'none'; frame-ancestors 'none'"
    headers = (
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-cache"),
    )
    return Response(200, page, HTML, headers)


class Pages:
    """Answers to GET requests that are no WebSocket."""

    def __init__(
        self,
        *,
        health: HealthReport,
        metrics: Callable[[], bytes],
        client: ClientFiles,
    ) -> None:
        self._health_pages = HealthPages(health, metrics)
        self._client = client
        self._front_page = front_page()

    def answer(self, request: Request) -> Response:
        """The answer to a request for anything but /ws."""
        page = self._health_pages.answer(request)
        if page is not None:
            return page
        # A WebSocket client without the path needs an error that names it.
        if request.path == "/" and "upgrade" not in request.headers:
            return self._front_page
        file = self._client.answer(request)
        if file is not None:
            return file
        return Response(404, b"there is nothing here; the WebSocket is at /ws\n")
