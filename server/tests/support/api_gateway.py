"""What API Gateway's HTTP API does with a request before and after a function (payload 2.0).

Learned from AWS's documentation and from what others have caught of it: header names in lower case
and repeated ones joined, the path decoded once and cut at a question mark that was encoded in it,
the query as it came, bodies that are no text as base64.
"""

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import unquote

Json = dict[str, Any]
Invoke = Callable[[Json, object], Mapping[str, Any]]

TEXTS = ("application/json", "application/javascript", "application/xml")


def event_for(
    method: str,
    target: str,
    body: bytes = b"",
    *,
    headers: Mapping[str, str] | None = None,
    stage: str = "$default",
    authorizer: Json | None = None,
) -> Json:
    """The event for one request, as it is handed to the function."""
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    raw_path, _, query = target.partition("?")
    path = unquote(raw_path).partition("?")[0]
    path = path if stage == "$default" else f"/{stage}{path}"
    context: Json = {
        "accountId": "123456789012",
        "apiId": "r3pmxmplak",
        "domainName": "r3pmxmplak.execute-api.eu-central-1.amazonaws.com",
        "domainPrefix": "r3pmxmplak",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.7",
            "userAgent": sent.get("user-agent", ""),
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default",
        "stage": stage,
        "time": "10/Mar/2026:05:16:23 +0000",
        "timeEpoch": int(time.time() * 1000),
    }
    if authorizer is not None:
        context["authorizer"] = authorizer
    event: Json = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            **sent,
            "host": context["domainName"],
            "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if body:
        text = _as_text(body, sent.get("content-type", ""))
        event["isBase64Encoded"] = text is None
        event["body"] = base64.b64encode(body).decode() if text is None else text
    return event


def body_of(result: Mapping[str, Any]) -> bytes:
    """The body that the caller gets."""
    text: str = result["body"]
    return base64.b64decode(text) if result["isBase64Encoded"] else text.encode()


def _as_text(body: bytes, content_type: str) -> str | None:
    kind = content_type.partition(";")[0].strip().lower()
    if not kind.startswith("text/") and kind not in TEXTS:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


class _Server(ThreadingHTTPServer):
    """One at a time, as one sandbox is invoked."""

    daemon_threads = True
    invoke: Invoke
    turn: threading.Lock


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Each answer in one packet: otherwise the next waits for the other side's word.
    wbufsize = -1
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        server = cast("_Server", self.server)
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        names = dict.fromkeys(name.lower() for name in self.headers)
        headers = {name: ",".join(self.headers.get_all(name) or ()) for name in names}
        # As it came: `path` has two slashes made one.
        target = self.requestline.split(" ")[1]
        event = event_for(self.command, target, body, headers=headers)
        with server.turn:
            result = server.invoke(event, None)
        given = body_of(result)
        self.send_response_only(result["statusCode"])
        for name, value in result["headers"].items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(given)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(given)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _handle  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quietly."""


@contextmanager
def behind_api_gateway(invoke: Invoke, listening: socket.socket) -> Iterator[None]:
    """Serve a function on a socket that listens."""
    server = _Server(listening.getsockname(), _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.invoke, server.turn = invoke, threading.Lock()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
