"""A receiver of webhooks, which takes them, or refuses, hangs, redirects, as a test wants."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """What was received, in order; duplicates are left out by the events' ids."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.hangs = threading.Event()
        self.hangs.set()
        """Cleared: requests are not answered until it is set."""
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.events: list[dict[str, Any]] = []
        self.refusals: list[tuple[dict[str, str], bytes]] = []
        self._ids: set[str] = set()
        self._lock = threading.Lock()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Judge one request."""
        self.hangs.wait()
        with self._lock:
            if self.status != 200:
                self.refusals.append((headers, body))
                return self.status
            self.requests.append((headers, body))
            for one in json.loads(body)["events"]:
                if one.get("id") is None or one["id"] not in self._ids:
                    self._ids.add(one.get("id", ""))
                    self.events.append(one)
            return 200

    @property
    def refused(self) -> int:
        """How many requests were not taken."""
        return len(self.refusals)

    def of(self, channel: str) -> list[str]:
        """The types of what was received of a channel, in order."""
        return [one["type"] for one in self.events if one.get("channel") == channel]

    @property
    def types(self) -> list[str]:
        """The types of all that was received, in order."""
        return [one["type"] for one in self.events]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = receiver.take({k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", f"{receiver.url}elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.hangs.set()
        server.shutdown()
        server.server_close()
        thread.join()
