"""The container agent of an ECS task, on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast


class _Agent(ThreadingHTTPServer):
    """What a task's metadata are asked for; `says` is its answer."""

    daemon_threads = True
    says = b""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/v4/the-task/task"
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(cast("_Agent", self.server).says)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quietly."""


@contextmanager
def agent(says: bytes) -> Iterator[str]:
    """A container agent: its address, as a task finds it in its environment."""
    server = _Agent(("127.0.0.1", 0), _Handler)
    server.says = says
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v4/the-task"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
