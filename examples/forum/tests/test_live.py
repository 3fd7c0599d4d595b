"""What River is told, and what happens when it is not there."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from forum_visitor import Clock, Visitor

from forum.app import create_app
from forum.settings import ForumSettings, RiverPlace


@dataclass
class Listener:
    """A publish API that writes down what it is told and answers as it is asked to."""

    status: int = 200
    keys: list[str | None] = field(default_factory=list[str | None])
    messages: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    url: str = ""


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.keys.append(self.headers["x-api-key"])
            length = int(self.headers["content-length"])
            heard.messages.append(json.loads(self.rfile.read(length)) | {"path": self.path})
            answer = b'{"epoch":"e","offset":1}' if heard.status == HTTPStatus.OK else b""
            self.send_response(heard.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ana(settings: ForumSettings, clock: Clock, listener: Listener) -> Visitor:
    """Return Ana on a forum that has a River."""
    river = RiverPlace(url="http://r:8000", api_url=listener.url, api_key="key-1", secret="s" * 32)
    ana = Visitor(create_app(replace(settings, river=river), clock_s=clock).test_client())
    ana.log_in("Ana")
    return ana


def test_river_is_told_the_whole_post_once_under_the_posts_id(
    ana: Visitor, listener: Listener
) -> None:
    location = ana.reply("/b/dogs/8", "Hold a <b>sausage</b>.").location
    (message,) = listener.messages
    data = message["data"]
    assert isinstance(data, dict)
    assert listener.keys == ["key-1"]
    assert (message["path"], message["channel"], message["event"]) == (
        "/publish",
        "board-dogs",
        "post",
    )
    assert location == f"/b/dogs/8#post-{message['id']}"
    assert data["id"] == message["id"]
    assert (data["author"], data["body"]) == ("Ana", "Hold a <b>sausage</b>.")
    assert (data["thread"], data["title"]) == (8, "Puppy will not walk past the bakery")
    assert data["replies"] == 3


def test_a_form_sent_twice_is_told_under_the_same_id(ana: Visitor, listener: Listener) -> None:
    for _ in range(2):
        ana.send("/b/dogs/8", "/b/dogs/8", id="00aa00aa00aa00aa", body="Once.")
    assert [message["id"] for message in listener.messages] == ["00aa00aa00aa00aa"] * 2


def test_a_refused_form_is_not_told(ana: Visitor, listener: Listener) -> None:
    ana.reply("/b/dogs/8", "")
    assert listener.messages == []


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_river_that_refuses_costs_no_post(
    ana: Visitor, listener: Listener, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    listener.status = status
    assert ana.reply("/b/dogs/8", "Still here.").status_code == 303
    assert "Still here." in ana.see("/b/dogs/8")
    assert "was not announced" in caplog.text


def test_a_river_that_is_away_costs_no_post(
    settings: ForumSettings, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    river = RiverPlace(url="http://r", api_url="http://127.0.0.1:1", api_key="k", secret="s" * 32)
    ana = Visitor(create_app(replace(settings, river=river), clock_s=clock).test_client())
    ana.log_in("Ana")
    assert ana.reply("/b/dogs/8", "Still here.").status_code == 303
    assert "Still here." in ana.see("/b/dogs/8")
    assert "was not announced" in caplog.text
    assert "s" * 32 not in caplog.text
