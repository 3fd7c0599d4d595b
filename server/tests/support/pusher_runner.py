"""Runs the conversations of protocol/pusher/cases against a server (see the README there)."""

import hashlib
import hmac
import json
import secrets
import string
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx
import jwt
from protocol_patterns import Variables, difference, filled
from protocol_runner import closed_with, repeated
from protocol_server import API_KEY, SECRETS, Server
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

CASES = Path(__file__).parents[3] / "protocol" / "pusher" / "cases"
STEP_S_MAX = 30.0
QUERY = "protocol=7&client=js&version=8.6.0&flash=false"

Json = dict[str, Any]

APPS: tuple[Json, ...] = (
    {
        "id": "1",
        "key": "native-key",
        "secret": "native-secret-of-the-cases",
        "native": True,
        "public": "open",
        "client_events": True,
    },
    {
        "id": "2",
        "key": "other-key",
        "secret": "other-secret-of-the-cases",
        "client_events": True,
        "max_members": 2,
        "max_connections": 50,
        "previous": [{"key": "older-key", "secret": "older-secret-of-the-cases"}],
    },
    {"id": "3", "key": "plain-key", "secret": "plain-secret-of-the-cases"},
    {"id": "4", "key": "disabled-key", "secret": "disabled-secret-of-cases", "enabled": False},
    {
        "id": "6",
        "key": "counting-key",
        "secret": "counting-secret-of-cases",
        "subscription_counts": True,
    },
    {"id": "5", "key": "closed-key", "secret": "closed-secret-of-the-cases", "max_connections": 1},
)
SETTINGS = {"RIVER_APPS": json.dumps(APPS), "RIVER_PUSHER_API_ON_GATEWAY": "true"}
SIGNING = {app["key"]: app["secret"] for app in APPS} | {"older-key": "older-secret-of-the-cases"}
KEY_OF = {app["id"]: app["key"] for app in APPS}


def signature(key: str, text: str) -> str:
    """What an app's back end gives a client."""
    return f"{key}:{hmac.new(SIGNING[key].encode(), text.encode(), 'sha256').hexdigest()}"


def signed_query(method: str, path: str, body: bytes, changes: Mapping[str, str]) -> str:
    """The query of a request of an app's back end; `changes` are made before it is signed."""
    query = {
        "auth_key": KEY_OF.get(path.split("/")[2], "native-key"),
        "auth_timestamp": str(int(time.time())),
        "auth_version": "1.0",
        **({"body_md5": hashlib.md5(body, usedforsecurity=False).hexdigest()} if body else {}),
        **changes,
    }
    text = "&".join(f"{name.lower()}={query[name]}" for name in sorted(query, key=str.lower))
    secret = SIGNING.get(query["auth_key"], "no secret")
    to_sign = f"{method}\n{path}\n{text}"
    made = hmac.new(secret.encode(), to_sign.encode(), "sha256").hexdigest()
    return urlencode({**query, "auth_signature": made}, quote_via=quote)


def all_pusher_cases() -> Iterator[tuple[str, Json]]:
    """Every case, with the name of its file."""
    for path in sorted(CASES.glob("*.json")):
        for content in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            yield path.stem, content


def base36(number: int) -> str:
    """As `toString(36)` in a page."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = f"{string.digits}{string.ascii_lowercase}"[rest] + digits
    return digits


class PusherConversation:
    """One run of one case; with several servers, each connection is made to the next one."""

    def __init__(self, case: Json, server: Server, *others: Server) -> None:
        self._case = case
        self._server = server
        self._gateways = (server, *others)
        self._connections: dict[str, ClientConnection] = {}
        self._keys: dict[str, str] = {}
        self._pages: dict[str, str] = {}
        self._open = ExitStack()
        self._variables: Variables = {"case": secrets.token_hex(4)}

    def run(self) -> None:
        """Take all steps; an AssertionError says which one failed."""
        with self._open:
            for number, step in enumerate(self._case["steps"], 1):
                problem = self._take(step)
                assert problem is None, f"step {number} {json.dumps(step)}: {problem}"

    def _take(self, step: Json) -> str | None:
        match step:
            case {"connect": str(name)}:
                return self._connect(name, step)
            case {"on": str(name)}:
                return self._speak(name, self._connections[name], step)
            case {"request": str(line)}:
                return self._request(line, step)
            case {"kill": int(number)}:
                self._gateways[number].kill()
                return None
            case {"stop": True}:
                self._server.signal_stop()
                return None
            case _:
                return "there is no such step"

    def _connect(self, name: str, step: Json) -> str | None:
        key = step.get("key", "native-key")
        page = self._page(step["page"], step.get("age_s", 0)) if "page" in step else ""
        path = step.get("path", f"{page}/app/{key}?{step.get('query', QUERY)}")
        gateway = self._gateways[len(self._connections) % len(self._gateways)]
        url = f"{gateway.url.replace('http', 'ws', 1)}{path}"
        connecting = connect(url, compression=None, proxy=None, open_timeout=STEP_S_MAX)
        opened = self._connections[name] = self._open.enter_context(connecting)
        self._keys[name] = key
        if path == "/ws":
            claims = {"sub": name, "river": {"subscribe": ["*"], "publish": ["*"]}}
            token = jwt.encode(claims, SECRETS[0], algorithm="HS256")
            opened.send(json.dumps({"type": "auth", "token": token}))
            return _received(opened, 2)
        if step.get("greeted", True):
            pattern: Json = {
                "event": "pusher:connection_established",
                "data": {"socket_id": f"${name}", "activity_timeout": "$_"},
            }
            return self._expect(opened, pattern)
        return None

    def _page(self, name: str, age_s: int) -> str:
        """What a page puts before its path, on each of its connections."""
        if name not in self._pages:
            began = base36(int((time.time() - age_s) * 1000))
            self._pages[name] = f"/t/{began}-{name}-{uuid.uuid4()}"
        return self._pages[name]

    def _speak(  # noqa: C901  one case a step
        self, name: str, connection: ClientConnection, step: Json
    ) -> str | None:
        match step:
            case {"send": dict(message)}:
                _send(connection, json.dumps(self._filled(message)))
            case {"send_text": str() | list() as text}:
                _send(connection, str(self._filled(repeated(cast("str | list[object]", text)))))
            case {"send_binary": str(digits)}:
                _send(connection, bytes.fromhex(digits))
            case {"subscribe": str(channel)}:
                connection.send(json.dumps(self._subscription(name, channel, step)))
            case {"sign_in": str(user_data)}:
                text = f"{self._variables[name]}::user::{user_data}"
                auth = step.get("auth", signature(self._keys[name], text))
                data = {"auth": auth, "user_data": user_data}
                connection.send(json.dumps({"event": "pusher:signin", "data": data}))
            case {"expect": dict(pattern)}:
                return self._expect(connection, cast("Json", pattern))
            case {"expect_among": dict(pattern)}:
                return self._expect_among(connection, cast("Json", pattern))
            case {"expect_close": int(code)}:
                return closed_with(connection, code)
            case {"expect_end": int(code)}:
                return _ended_with(connection, code)
            case {"quiet": True}:
                connection.send('{"event":"pusher:ping","data":{}}')
                return self._expect(connection, {"event": "pusher:pong", "data": {}})
            case {"close": True}:
                connection.close()
            case _:
                return "there is no such step"
        return None

    def _subscription(self, name: str, channel: str, step: Json) -> Json:
        channel = str(self._filled(channel))
        data: Json = {"channel": channel, "auth": ""}
        socket_id = self._variables[step.get("socket_of", name)]
        text = f"{socket_id}:{step.get('signed_channel', channel)}"
        if "channel_data" in step:
            data["channel_data"] = self._filled(step["channel_data"])
            text += f":{data['channel_data']}"
        if channel.startswith(("private-", "presence-")):
            data["auth"] = signature(step.get("signing_key", self._keys[name]), text)
        return {"event": "pusher:subscribe", "data": {**data, **step.get("other", {})}}

    def _expect(self, connection: ClientConnection, pattern: Json) -> str | None:
        try:
            text = connection.recv(STEP_S_MAX)
        except ConnectionClosed as error:
            return f"closed instead: {error}"
        except TimeoutError:
            return f"nothing came in {STEP_S_MAX:g} s"
        message = json.loads(text)
        data = message.get("data")
        # Patterns are written for what is in the text; where the text itself counts, they are one.
        if isinstance(data, str) and not isinstance(pattern.get("data"), str):
            message["data"] = json.loads(data)
        found = difference(pattern, message, self._variables)
        return None if found is None else f"{found}, in {text!r}"

    def _expect_among(self, connection: ClientConnection, pattern: Json) -> str | None:
        """Skip what is not as the pattern; a connection that has nothing more to say fails."""
        while (problem := self._expect(connection, pattern)) is not None:
            if ", in " not in problem:
                return problem
        return None

    def _request(self, line: str, step: Json) -> str | None:
        method, _, path = str(self._filled(line)).partition(" ")
        body = json.dumps(self._filled(step["json"])).encode() if "json" in step else b""
        body = step["body"].encode() if "body" in step else body
        headers = {"content-type": "application/json"}
        if path.startswith("/apps") or path.endswith("/terminate_connections"):
            changes = {
                name: str(self._filled(text)) for name, text in step.get("query", {}).items()
            }
            query = signed_query(method, path, body, changes) + step.get("behind", "")
            path = f"{path}?{query}"
        else:
            headers["x-api-key"] = API_KEY
        base = self._server.url if step.get("gateway") else self._server.api_url
        sent = step["sent"].encode() if "sent" in step else body
        answer = httpx.request(
            method, base + path, content=sent, headers=headers, timeout=STEP_S_MAX
        )
        if answer.status_code != step.get("status", 200):
            return f"the answer is {answer.status_code} {answer.text}"
        if "text" in step and step["text"] not in answer.text:
            return f"the answer says {answer.text}"
        if "expect" not in step:
            return None
        # Names of channels are fields in answers: they may have variables in them too.
        wanted = json.dumps(step["expect"]).replace("${case}", str(self._variables["case"]))
        return difference(json.loads(wanted), answer.json(), self._variables)

    def _filled(self, value: object) -> object:
        return filled(value, self._variables)


def _received(connection: ClientConnection, count: int) -> str | None:
    for _ in range(count):
        connection.recv(STEP_S_MAX)
    return None


def _send(connection: ClientConnection, payload: str | bytes) -> None:
    # It may have been closed meanwhile, which a later step finds out.
    with suppress(ConnectionClosed):
        connection.send(payload)


def _ended_with(connection: ClientConnection, code: int) -> str | None:
    """What came instead of this close code, behind any messages."""
    while (problem := closed_with(connection, code)) is not None:
        if not problem.startswith("a message"):
            return problem
    return None
