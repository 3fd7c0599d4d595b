"""Somebody who visits the forum with a browser that runs no scripts, and a clock for the limits."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class Visitor:
    """Somebody with a browser that runs no scripts."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def see(self, path: str) -> str:
        """Open a page that is there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, page: str, action: str, **fields: str) -> TestResponse:
        """Fill in the form of a page; what is hidden in it goes along."""
        hidden = dict(HIDDEN.findall(self.see(page)))
        return self.client.post(action, data=hidden | fields)

    def log_in(self, name: str) -> TestResponse:
        """Come in with a name."""
        return self.send("/login", "/login", name=name)

    def start(self, board: str, title: str, body: str) -> str:
        """Open a thread and return its path."""
        answer = self.send(f"/b/{board}", f"/b/{board}", title=title, body=body)
        assert answer.status_code == 303, answer.text
        return answer.location.partition("#")[0]

    def reply(self, thread: str, body: str) -> TestResponse:
        """Reply to a thread."""
        return self.send(thread, thread, body=body)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now_s
