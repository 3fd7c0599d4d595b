"""Runs the conversations of protocol/cases against a server (see the README there)."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import httpx
import jwt
from protocol_patterns import Variables, difference, filled
from protocol_server import API_KEY, SECRETS, Server
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

CASES = Path(__file__).parents[3] / "protocol" / "cases"
STEP_S_MAX = 30.0

Json = dict[str, object]

_KEYS = {
    "first": SECRETS[0],
    "older": SECRETS[1],
    "stranger": "a-secret-that-the-server-does-not-know",
}
_QUIET = "quiet"


class Case:
    """One conversation, as its file has it."""

    def __init__(self, content: Json) -> None:
        self.name = cast("str", content["name"])
        self.settings = cast("dict[str, str]", content.get("settings", {}))
        self.tokens = cast("dict[str, Json]", content.get("tokens", {}))
        self.steps = cast("list[Json]", content["steps"])

    @property
    def stops_its_server(self) -> bool:
        """Whether the server cannot be used after it."""
        return any("stop" in step for step in self.steps)


def all_cases() -> Iterator[tuple[str, Case]]:
    """Every case, with the name of its file."""
    for path in sorted(CASES.glob("*.json")):
        for content in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            yield path.stem, Case(content)


class Conversation:
    """One run of one case."""

    def __init__(self, case: Case, server: Server) -> None:
        self._case = case
        self._server = server
        self._connections: dict[str, ClientConnection] = {}
        self._open = ExitStack()
        # Servers are shared: each run has channels that no other run has.
        self._variables: Variables = {"case": secrets.token_hex(4)}
        for name, token in case.tokens.items():
            self._variables[name] = signed(token, self._variables)

    def run(self) -> None:
        """Take all steps; an AssertionError says which one failed."""
        with self._open:
            for number, step in enumerate(self._case.steps, 1):
                problem = self._take(step)
                assert problem is None, f"step {number} {json.dumps(step)}: {problem}"

    def _take(self, step: Json) -> str | None:
        match step:
            case {"connect": str(name)}:
                return self._connect(name, step)
            case {"on": str(name)}:
                return self._speak(self._connections[name], step)
            case {"request": str(line)}:
                return self._request(line, step)
            case {"stop": True}:
                self._server.signal_stop()
                return None
            case _:
                return "there is no such step"

    def _connect(self, name: str, step: Json) -> str | None:
        headers: dict[str, str] = {}
        offered: list[Subprotocol] | None = None
        if "header" in step:
            headers["Authorization"] = f"Bearer {self._filled(step['header'])}"
        if "subprotocol" in step:
            bearer = f"bearer.{self._filled(step['subprotocol'])}"
            offered = [Subprotocol("river.v1"), Subprotocol(bearer)]
        connecting = connect(
            f"{self._server.url.replace('http', 'ws', 1)}/ws",
            additional_headers=headers,
            subprotocols=offered,
            compression=None,
            proxy=None,
            open_timeout=STEP_S_MAX,
            close_timeout=STEP_S_MAX,
        )
        opened = self._connections[name] = self._open.enter_context(connecting)
        if opened.subprotocol != (offered[0] if offered else None):
            return f"the server chose the subprotocol {opened.subprotocol}"
        return self._enter(opened, step["auth"]) if "auth" in step else None

    def _enter(self, connection: ClientConnection, token: object) -> str | None:
        """The words that most conversations begin with."""
        welcome: Json = {
            "type": "welcome",
            "session": "$_",
            "resume_session": "$_",
            "auth_timeout_s": "$_",
            "max_message_bytes": "$_",
        }
        authenticated: Json = {
            "type": "authenticated",
            "id": "auth",
            "user": "$_",
            "expires_at": "$_",
            "user_position": "$_",
        }
        connection.send(json.dumps({"type": "auth", "id": "auth", "token": self._filled(token)}))
        return self._expect(connection, welcome) or self._expect(connection, authenticated)

    def _speak(self, connection: ClientConnection, step: Json) -> str | None:
        match step:
            case {"send": dict(message)}:
                connection.send(json.dumps(self._filled(message)))
            case {"send_text": str() | list() as text}:
                connection.send(str(self._filled(repeated(cast("str | list[object]", text)))))
            case {"send_binary": str(digits)}:
                connection.send(bytes.fromhex(digits))
            case {"expect": dict(pattern)}:
                return self._expect(connection, cast("Json", pattern))
            case {"expect_close": int(code)}:
                return closed_with(connection, code)
            case {"quiet": True}:
                connection.send(json.dumps({"type": "ping", "id": _QUIET}))
                return self._expect(connection, {"type": "pong", "id": _QUIET})
            case {"close": True}:
                connection.close()
            case _:
                return "there is no such step"
        return None

    def _expect(self, connection: ClientConnection, pattern: Json) -> str | None:
        try:
            text = connection.recv(STEP_S_MAX)
        except ConnectionClosed as error:
            return f"closed instead: {error}"
        except TimeoutError:
            return f"nothing came in {STEP_S_MAX:g} s"
        found = difference(pattern, json.loads(text), self._variables)
        return None if found is None else f"{found}, in {text!r}"

    def _request(self, line: str, step: Json) -> str | None:
        method, _, path = str(self._filled(line)).partition(" ")
        key = step.get("key", API_KEY)
        answer = httpx.request(
            method,
            self._server.api_url + path,
            headers={} if key is None else {"x-api-key": str(key)},
            json=self._filled(step["json"]) if "json" in step else None,
            timeout=STEP_S_MAX,
        )
        if answer.status_code != step.get("status", 200):
            return f"the answer is {answer.status_code} {answer.text}"
        if "expect" not in step:
            return None
        return difference(step["expect"], answer.json(), self._variables)

    def _filled(self, value: object) -> object:
        return filled(value, self._variables)


def closed_with(connection: ClientConnection, code: int) -> str | None:
    """What came instead of this close code."""
    try:
        return f"a message instead: {connection.recv(STEP_S_MAX)!r}"
    except ConnectionClosed as error:
        received = None if error.rcvd is None else error.rcvd.code
        return None if received == code else f"closed with {received}"


def repeated(text: str | list[object]) -> str:
    """A text, or pieces of it with how often each of them stands there."""
    if isinstance(text, str):
        return text
    return "".join(piece * count for piece, count in cast("list[tuple[str, int]]", text))


def signed(token: Mapping[str, object], variables: Variables) -> str:
    """The token that a case describes."""
    claims = cast("Json", filled(token["claims"], variables))
    sign = cast("str", token.get("sign", "first"))
    if sign == "none":
        return jwt.encode(claims, "", algorithm="none")
    return jwt.encode(claims, _KEYS[sign], algorithm="HS256")
