"""`GET /console/live`: answers that go on, as Server-Sent Events."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

import pytest
from api_server import KEY, Served, head, new_channel, over_a_socket, serving

from riverd.api import live
from riverd.auth.api_keys import Keys

pytestmark = over_a_socket


class Page:
    """What reads one stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self.status = int(stream.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        self._stream = stream

    def chunk(self) -> bytes:
        """The next part of the body; nothing at its end."""
        size = int(self._stream.readline(), 16)
        return self._stream.read(size + 2)[:-2]

    def round(self) -> list[Any]:
        """What changed until the next round was over."""
        found: list[Any] = []
        while (text := self.chunk()) != b":\n\n":
            assert text.startswith(b"data: "), text
            assert text.count(b"\n") == 2, text
            found.append(json.loads(text[6:]))
        return found


@contextmanager
def page(
    served: Served, *asks: str, key: str = KEY, every_ms: int = live.EVERY_MS_MIN
) -> Iterator[Page]:
    query = urlencode([("every_ms", every_ms), *(("ask", one) for one in asks)])
    sent = head(f"GET /console/live?{query}").replace(KEY.encode(), key.encode())
    with closing(served.connect()) as connection, connection.makefile("rb") as stream:
        connection.sendall(sent)
        yield Page(stream)
        connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def shown() -> Iterator[Served]:
    with serving(read_keys=Keys(["a-reading-key"])) as served:
        yield served


def test_what_changes_is_sent_and_what_does_not_is_not(shown: Served) -> None:
    channel = new_channel()
    asks = (f"channels/-/history?{urlencode({'channel': channel})}", "access")
    with page(shown, *asks) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        first = stream.round()
        assert [one[:2] for one in first] == [[0, 200], [1, 200]]
        assert first[0][2]["publications"] == []
        assert stream.round() == []
        shown.publish(channel=channel, event="post", data=1)
        changed: list[Any] = []
        while not changed:
            changed = stream.round()
        assert [one[0] for one in changed] == [0]
        assert [one["event"] for one in changed[0][2]["publications"]] == ["post"]


def test_line_breaks_of_publishers_end_no_message(shown: Served) -> None:
    channel = new_channel()
    body = f'{{"channel":"{channel}","event":"post","data":{{\n\r\n"a":\n1}}}}'
    assert shown.ask("POST", "/publish", body.encode()).status == 200
    with page(shown, f"channels/{channel}/history") as stream:
        [[number, status, history]] = stream.round()
        assert (number, status) == (0, 200)
        assert history["publications"][0]["data"] == {"a": 1}


def test_answers_that_fail_are_shown_beside_those_that_do_not(shown: Served) -> None:
    with page(shown, "channels/no%20name", "nowhere", "access", key="a-reading-key") as stream:
        found = stream.round()
        assert [one[1] for one in found] == [400, 404, 200]
        assert found[1][2]["error"]["code"] == "not_found"
        assert found[2][2] == {"writes": False}


def test_trace_goes_on_where_it_was(shown: Served) -> None:
    with page(shown, "trace?user=ann") as stream:
        [[_, status, found]] = stream.round()
        assert status == 200
        assert found["lines"] == []
        # The same trace, so nothing is new.
        assert stream.round() == []


def test_without_a_key_there_is_no_stream(shown: Served) -> None:
    for asks in (("access",), ("nowhere", "nodes")):
        with page(shown, *asks, key="none") as stream:
            assert stream.status == 401


@pytest.mark.parametrize(
    "query",
    [
        "",
        "every_ms=2000",
        "ask=",
        "ask=nodes&every_ms=-1",
        "ask=nodes&every_ms=%D9%A1",
        "ask=nodes&every_ms=1000000",
        "ask=nodes&every=1",
        "ask=%FF",
        "&".join(["ask=nodes"] * 20),
    ],
)
def test_what_is_no_question_is_refused(shown: Served, query: str) -> None:
    answer = shown.get(f"/console/live?{query}")
    assert answer.status == 400
    assert answer.code == "invalid_field"


def test_it_takes_get_alone(shown: Served) -> None:
    answer = shown.post("/console/live?ask=nodes", {})
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


def test_stream_within_a_stream_is_not_there(shown: Served) -> None:
    with page(shown, f"console/live?ask={quote('nodes')}") as stream:
        assert stream.round()[0][1] == 404


def test_there_are_only_so_many_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS_MAX", 1)
    with serving() as served:
        with page(served, "access") as stream:
            stream.round()
            with page(served, "access") as other:
                assert other.status == 503
        # Its place is free once its client is found to be gone.
        while True:
            with page(served, "access") as another:
                if another.status == 200:
                    break


def test_streams_end_when_the_api_stops() -> None:
    with serving() as served:
        connection = served.connect()
        stream = connection.makefile("rb")
        connection.sendall(head("GET /console/live?every_ms=60000&ask=access"))
        reading = Page(stream)
        reading.round()
    assert reading.chunk() == b""
    stream.close()
    connection.close()
