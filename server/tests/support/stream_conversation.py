"""Has a conversation of protocol/cases over HTTP: a stream a subscription, a request a question."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import cast
from urllib.parse import urlencode, urlsplit

import httpx
from protocol_runner import STEP_S_MAX, Case, Conversation, Json

from riverd.channels.names import OWN
from riverd.model.log import Position
from riverd.protocols.sse.cursor import StreamChannels, position_text

ASKED = ("publish", "presence", "history")


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The events of a stream: their fields, without comments."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if fields:
                yield fields
            fields = {}
        elif name == "data" and "data" in fields:
            fields["data"] += f"\n{value}"
        elif name:
            fields[name] = value


def cursor_of(channel: str, epoch: str, offset: int) -> str:
    """The cursor of a stream of one channel, which a stream would have given."""
    position = position_text(Position(epoch, offset))
    return StreamChannels.of((channel,)).cursor([position]).decode()


def end(stream: HTTPConnection) -> None:
    """Leave a stream, whoever reads it."""
    stream.sock.shutdown(socket.SHUT_RDWR)


class StreamConnection:
    """Speaks like a WebSocket, and uses none: for `Conversation`."""

    subprotocol = None

    def __init__(self, url: str, token: str) -> None:
        self._address = urlsplit(url).netloc
        self._headers = {"authorization": f"Bearer {token}"}
        self._client = httpx.Client(
            base_url=url, headers=self._headers, timeout=STEP_S_MAX, trust_env=False
        )
        self._messages: queue.Queue[Json] = queue.Queue()
        self._streams: dict[str, HTTPConnection] = {}
        self._readers: list[threading.Thread] = []

    def send(self, text: str) -> None:
        """Do what the message asks for."""
        message = cast("Json", json.loads(text))
        kind = str(message.pop("type"))
        mark = {"id": message.pop("id")} if "id" in message else {}
        if kind in ASKED:
            answer = self._client.post(f"/client/{kind}", json=message)
            done = {"publish": "published"}.get(kind, kind)
            self._put(answer, done, mark)
        elif kind == "subscribe":
            self._subscribe(message, mark)
        elif kind == "unsubscribe":
            end(self._streams.pop(str(message["channel"])))
            self._messages.put({"type": "unsubscribed", **mark, **message})
        elif kind == "ping":
            # What the server had to send before it answers this is on its way.
            self._client.post("/client/history", json={"channel": "nothing"})
            self._messages.put({"type": "pong", **mark})
        else:
            raise AssertionError(f"{kind}: not over HTTP")

    def recv(self, timeout_s: float) -> str:
        """The next message, whichever stream has brought it."""
        try:
            return json.dumps(self._messages.get(timeout=timeout_s))
        except queue.Empty:
            raise TimeoutError from None

    def close(self) -> None:
        """Leave."""
        for stream in self._streams.values():
            end(stream)
        self._streams.clear()
        for reader in self._readers:
            reader.join(STEP_S_MAX)
        self._client.close()

    def _subscribe(self, message: Json, mark: Json) -> None:
        channel = str(message["channel"])
        headers = dict(self._headers)
        if "epoch" in message:
            offset = cast("int", message["offset"])
            headers["last-event-id"] = cursor_of(channel, str(message["epoch"]), offset)
        stream = HTTPConnection(self._address, timeout=STEP_S_MAX)
        stream.request("GET", f"/events?{urlencode({'channel': channel})}", headers=headers)
        answer = stream.getresponse()
        if answer.status != httpx.codes.OK:
            error = cast("Json", json.loads(answer.read())["error"])
            self._messages.put({"type": "error", **mark, **error})
            stream.close()
            return
        self._streams[channel] = stream
        reader = threading.Thread(target=self._read, args=(stream, answer, mark), daemon=True)
        self._readers.append(reader)
        reader.start()

    def _read(self, stream: HTTPConnection, answer: HTTPResponse, mark: Json) -> None:
        # What ends in the middle was ended here.
        with closing(stream), answer, suppress(HTTPException, OSError):
            self._take(events(line.decode().rstrip("\n") for line in answer), mark)

    def _take(self, found: Iterator[dict[str, str]], mark: Json) -> None:
        is_lost = False
        for event in found:
            if "data" not in event:
                continue
            message = cast("Json", json.loads(event["data"]))
            if message.get("channel") == OWN:
                # No conversation is about it.
                continue
            if is_lost:
                # That a resume was not possible is said twice here: readers of streams know `gap`.
                is_lost = False
                assert message["type"] == "gap", message
                continue
            if message["type"] == "subscribed":
                is_lost = "reason" in message
                message.update(mark)
            self._messages.put(message)

    def _put(self, answer: httpx.Response, kind: str, mark: Json) -> None:
        body = cast("Json", answer.json())
        if answer.is_success:
            self._messages.put({"type": kind, **mark, **body})
        else:
            self._messages.put({"type": "error", **mark, **cast("Json", body["error"])})


class StreamConversation(Conversation):
    """One run of one case, its connections without WebSockets."""

    def _connect(self, name: str, step: Json) -> str | None:
        token = str(self._filled(step["auth"]))
        opened = StreamConnection(self._server.url, token)
        self._open.callback(opened.close)
        self._connections[name] = opened  # type: ignore[assignment]
        return None


def goes_over_http(case: Case) -> bool:
    """Whether all that a case does can be done without a WebSocket."""
    for step in case.steps:
        if "connect" in step and "auth" not in step:
            return False
        if "stop" in step or "send_text" in step or "send_binary" in step or "expect_close" in step:
            return False
        message = step.get("send")
        if isinstance(message, dict):
            asked = cast("Json", message)
            if asked["type"] not in (*ASKED, "subscribe", "unsubscribe", "ping"):
                return False
            if "history" in asked and asked["type"] == "subscribe":
                return False
    return True
