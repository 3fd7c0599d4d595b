"""Which conversations of protocol/cases a subscriber cannot hold: it never says such a thing."""

import json
from typing import cast

from protocol_runner import Case, Json, repeated

_NO_OBJECT = object()


def obstacle(case: Case) -> str | None:
    """Why a case is not for this client; None if it is."""
    if not any("connect" in step for step in case.steps):
        return "it is about the publish API alone"
    if "RIVER_MAX_UNAUTHENTICATED" in case.settings:
        return "the client always sends a token"
    talks: dict[str, _Talk] = {}
    for step in case.steps:
        name = str(step.get("connect") or step.get("on") or "")
        if "connect" in step:
            talks[name] = _Talk()
        found = _in_connect(step) or (talks[name].obstacle(step) if name in talks else None)
        if found:
            return found
    return None


def said(step: Json) -> object:
    """The message of a step: an object, None if it has none, something else if it is no object."""
    if "send_binary" in step:
        return _NO_OBJECT
    if "send_text" not in step:
        return step.get("send")
    text = repeated(cast("str | list[object]", step["send_text"]))
    try:
        message = json.loads(text)
        # What is nested too deeply can be read, but not be said.
        json.dumps(message)
    except (ValueError, RecursionError):
        return _NO_OBJECT
    return message if isinstance(message, dict) and text == text.strip() else _NO_OBJECT


def _in_connect(step: Json) -> str | None:
    if "header" in step or "subprotocol" in step:
        return "the client sends its token in a message"
    if "stop" in step:
        return "the client leaves a server that says goodbye before that closes"
    return None


class _Talk:
    """What was said on one connection of a case."""

    def __init__(self) -> None:
        self._authenticated = False
        self._channels: dict[str, object] = {}

    def obstacle(self, step: Json) -> str | None:
        self._authenticated |= "auth" in step
        match step:
            case {"expect_close": 4408}:
                return "the client always sends a token"
            case {"expect": {"type": "error", "id": refused}}:
                self._channels = {
                    channel: asked for channel, asked in self._channels.items() if asked != refused
                }
        message = said(step)
        if message is None:
            return None
        if not isinstance(message, dict):
            return "the client sends JSON objects only"
        if "user_position" in message:
            return "the client goes on where it stands itself"
        return self._in_message(cast("Json", message))

    def _in_message(self, message: Json) -> str | None:
        match message:
            case {"type": "auth", "token": str()} if self._authenticated:
                return "the client decides when to renew its token"
            case {"type": "auth", "id": _, "token": str()}:
                self._authenticated = True
                return None
            case {"type": "auth", "id": _}:
                return "the client sends texts as tokens"
            case {"type": "ping"}:
                return "the client pings by itself, with the WebSocket's own ping"
            case {"type": "publish" | "history" | "presence"}:
                return "the client publishes and looks through the publish API"
            case {"type": "subscribe" | "unsubscribe", "id": _} if not self._authenticated:
                return "the client authenticates before all else"
            case {"type": "subscribe", "id": asked, "channel": str(channel)}:
                return self._in_subscribe(asked, channel, message)
            case {"type": "unsubscribe", "id": _, "channel": str(channel)}:
                known = self._channels.pop(channel, None) is not None
                return None if known else "the client asks about channels that it is on"
            case {"type": "subscribe" | "unsubscribe", "channel": str()}:
                return "the client gives every question an id"
            case _:
                return "the client sends no such message"

    def _in_subscribe(self, asked: object, channel: str, message: Json) -> str | None:
        if ("epoch" in message) != ("offset" in message):
            return "the client sends positions whole"
        if "epoch" in message and "history" in message:
            return "the client asks for the past or for what it missed, not for both"
        if channel in self._channels:
            return "the client does not ask for a channel that it has"
        self._channels[channel] = asked
        return None
