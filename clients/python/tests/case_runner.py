"""Holds all conversations of protocol/cases through the subscriber, and tells what came of each."""

import asyncio
import json
import secrets
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import httpx
from case_obstacles import obstacle, said
from case_relay import Relay
from protocol_patterns import Variables, difference, filled
from protocol_runner import STEP_S_MAX, Case, Json, all_cases, signed
from protocol_server import API_KEY, Server, Servers

CLIENT = "river-realtime (Python)"
_WELCOME = {
    "type": "welcome",
    "session": "$_",
    "resume_session": "$_",
    "auth_timeout_s": "$_",
    "max_message_bytes": "$_",
}
_AUTHENTICATED = {
    "type": "authenticated",
    "id": 0,
    "user": "$_",
    "expires_at": "$_",
    "user_position": "$_",
}
_FINAL = (4400, 4401, 4403)
_CURED_BY_TIME = ("token_not_yet_valid",)
_PUSHED = ("event", "joined", "left", "gap")


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    file: str
    name: str
    result: str
    why: str = ""


class Conversation:
    """One run of one case."""

    def __init__(self, case: Case, server: Server) -> None:
        self._case = case
        self._server = server
        self._relays: dict[str, Relay] = {}
        self._open = AsyncExitStack()
        # The subscriber's own id for each id of the case.
        self._ids: dict[tuple[str, object], object] = {}
        self._variables: Variables = {"case": secrets.token_hex(4)}
        for name, token in case.tokens.items():
            self._variables[name] = signed(token, self._variables)

    async def run(self) -> None:
        """Take all steps; an AssertionError says which one failed."""
        async with self._open:
            for number, step in enumerate(self._case.steps, 1):
                try:
                    await self._take(number, step)
                except (AssertionError, TimeoutError) as error:
                    problem = f"step {number} {json.dumps(step)}: {error!r}"
                    raise AssertionError(problem) from error

    async def _take(self, number: int, step: Json) -> None:
        if "connect" in step:
            return await self._connect(number, step)
        if "request" in step:
            return await self._request(step)
        name = str(step["on"])
        relay = self._relays[name]
        match step:
            case {"expect": dict(pattern)}:
                return await self._expect(name, cast("Json", pattern))
            case {"expect_close": int(code)}:
                return await self._expect_close(relay, code)
            case {"quiet": _}:
                return await relay.quiet()
            case {"close": _}:
                return await relay.close()
            case _:
                return await self._say(name, cast("Json", said(step)))

    async def _connect(self, number: int, step: Json) -> None:
        name = str(step["connect"])
        later = (
            cast("Json", one["send"])["token"]
            for one in self._case.steps[number:]
            if one.get("on") == name and cast("Json", one.get("send", {})).get("type") == "auth"
        )
        token = step.get("auth") or next(later, "nobody asks for it")
        relay = Relay(self._server.url, str(filled(token, self._variables)))
        self._relays[name] = await self._open.enter_async_context(relay)
        if "auth" in step:
            await self._expect(name, _WELCOME)
            await self._expect(name, _AUTHENTICATED)
            assert (await relay.next_of(relay.sent))["type"] == "auth"

    async def _say(self, name: str, message: Json) -> None:
        relay = self._relays[name]
        wanted = cast("Json", filled(message, self._variables))
        if wanted["type"] != "auth":
            await relay.say(wanted)
        spoken = await relay.next_of(relay.sent)
        self._ids[name, wanted["id"]] = spoken["id"]
        assert spoken == wanted | {"id": spoken["id"]}, spoken

    async def _expect(self, name: str, pattern: Json) -> None:
        relay = self._relays[name]
        message = await relay.next_of(relay.received)
        own = {}
        if "id" in pattern:
            own = {"id": self._ids.get((name, pattern["id"]), pattern["id"])}
        found = difference(pattern | own, message, self._variables)
        assert found is None, f"{found} in {message}"
        for news in news_in(message):
            await relay.until(lambda: bool(relay.told))
            told = relay.told.popleft()
            assert told == news, f"told {told}"

    async def _expect_close(self, relay: Relay, code: int) -> None:
        await relay.until(lambda: relay.closed_with is not None)
        assert relay.closed_with == code, relay.closed_with
        is_final = code in _FINAL and relay.last_error not in _CURED_BY_TIME
        if is_final:
            await relay.until(lambda: bool(relay.told))
            assert "error" in cast("Json", relay.told.popleft())
        assert (relay.subscriber.state == "closed") == is_final

    async def _request(self, step: Json) -> None:
        method, _, path = str(filled(step["request"], self._variables)).partition(" ")
        key = step.get("key", API_KEY)
        async with httpx.AsyncClient(timeout=STEP_S_MAX) as client:
            answer = await client.request(
                method,
                self._server.api_url + path,
                headers={} if key is None else {"x-api-key": str(key)},
                json=filled(step["json"], self._variables) if "json" in step else None,
            )
        assert answer.status_code == step.get("status", 200), answer.text
        if "expect" in step:
            found = difference(step["expect"], answer.json(), self._variables)
            assert found is None, found


def news_in(message: Json) -> list[object]:
    """What the program has to be told of a message of the server."""
    match message:
        case {"type": str(kind)} if kind in _PUSHED:
            return [message]
        case {"type": "subscribed", "channel": channel, "epoch": epoch, "offset": offset}:
            place = {"channel": channel, "epoch": epoch, "offset": offset}
            gap = [{"type": "gap", **place}] if "reason" in message else []
            return gap + ([{"presence": message["presence"]}] if "presence" in message else [])
        case {"type": "error", "id": int(number), "code": code} if number:
            return [{"error": code}]
        case _:
            return []


async def run_all(folder: Path) -> list[Outcome]:
    """What became of each case, in the order of the files."""
    servers = Servers(folder)
    try:
        return [await _outcome(file, case, servers) for file, case in all_cases()]
    finally:
        servers.stop()


async def _outcome(file: str, case: Case, servers: Servers) -> Outcome:
    why = obstacle(case)
    if why:
        return Outcome(file, case.name, "not applicable", why)
    try:
        await Conversation(case, servers.with_settings(case.settings)).run()
    except AssertionError as error:
        return Outcome(file, case.name, "failed", str(error))
    return Outcome(file, case.name, "passed")


def table(outcomes: list[Outcome]) -> dict[str, object]:
    """What the documentation is made of."""
    cases: dict[str, dict[str, str]] = {}
    for one in outcomes:
        told = f"{one.result}: {one.why}" if one.why else one.result
        cases.setdefault(one.file, {})[one.name] = told
    return {"client": CLIENT, "cases": cases}


def main() -> None:
    """Print the table as JSON."""
    with TemporaryDirectory() as folder:
        outcomes = asyncio.run(run_all(Path(folder)))
    sys.stdout.write(json.dumps(table(outcomes), indent=2) + "\n")


if __name__ == "__main__":
    main()
