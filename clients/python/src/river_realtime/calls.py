"""The HTTP API's calls, without a client: what to ask, what the answer means, whether to repeat."""

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast
from urllib.parse import quote

from river_realtime.errors import RiverError, UnreachableError
from river_realtime.values import Event, History, Json, Member, Position, Presence

T = TypeVar("T")

RETRY_S_FIRST = 0.1
RETRY_S_MAX = 2.0
_DOUBLINGS_MAX = 10
_OK = 200
# What River, or a proxy before it, answers when it may work a moment later.
_PASSING = frozenset({429, 500, 502, 503, 504})
_PASSING_CODES = frozenset({"broker_unavailable", "internal", "unavailable"})
_LACKS_WHAT_RIVER_SAYS = (KeyError, TypeError, ValueError, AttributeError)

Object = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and what makes a value of its answer. Every call may be repeated."""

    method: str
    path: str
    parse: Callable[[Object], T]
    body: Mapping[str, object] | None = None
    query: Mapping[str, str | int] = field(default_factory=dict[str, str | int])

    def answer(self, status: int, content: Json) -> T:
        """The value of an answer.

        Raises:
            RiverError: the status is another than 200.
            UnreachableError: this is not River's answer, but a proxy's perhaps.
        """
        told = cast("Object", content if isinstance(content, dict) else {})
        if status != _OK:
            raise _error(status, told, self.key)
        try:
            return self.parse(told)
        except _LACKS_WHAT_RIVER_SAYS:
            reason = f"not River answers at {self.path}"
            raise UnreachableError(reason, status=status, key=self.key) from None

    @property
    def key(self) -> str | None:
        """The idempotency key, if the call publishes one event."""
        return cast("str | None", (self.body or {}).get("id"))

    def is_to_be_repeated(self, status: int, content: Json) -> bool:
        """Whether the same call may succeed a moment later: wholly, or in a part that failed."""
        if status != _OK:
            return status in _PASSING
        results = content.get("results") if isinstance(content, dict) else None
        listed = results if isinstance(results, list) else []
        return any(_code(one) in _PASSING_CODES for one in listed)


def publish(
    channels: str | Sequence[str], event: str, data: Json, key: str | None
) -> Call[Position | list[Position]]:
    """One event to one channel or several. Without a key one is made: repeating is harmless."""
    body = message(channels, event, data, key)
    if isinstance(channels, str):
        return Call("POST", "/publish", position_of, body)
    return Call("POST", "/publish", _positions, body)


def publish_batch(messages: Sequence[Mapping[str, Json]]) -> Call[list[Position | RiverError]]:
    """Many events at once. Each message has channel, event, data, and perhaps an id."""
    if any("channels" in one for one in messages):
        raise ValueError("a message of a batch has one channel; write one for each")
    keyed = [{"id": new_key(), **one} for one in messages]
    return Call("POST", "/publish/batch", _results, {"messages": keyed})


def message(
    channels: str | Sequence[str], event: str, data: Json, key: str | None
) -> dict[str, object]:
    """A message as the API takes it."""
    where = "channel" if isinstance(channels, str) else "channels"
    place = channels if isinstance(channels, str) else list(channels)
    return {where: place, "event": event, "data": data, "id": new_key() if key is None else key}


def channels(prefix: str) -> Call[dict[str, int]]:
    """How many connections hear each channel that somebody hears."""
    return Call("GET", "/channels", _counts, query={"prefix": prefix} if prefix else {})


def history(channel: str, after: Position | None, limit: int) -> Call[History]:
    """Publications after a position, or the last ones."""
    query: dict[str, str | int] = {"limit": limit}
    if after is not None:
        query |= {"epoch": after.epoch, "offset": after.offset}
    return Call("GET", f"/channels/{_part(channel)}/history", _history, query=query)


def presence(channel: str) -> Call[Presence]:
    """All members of a presence channel."""
    return Call("GET", f"/channels/{_part(channel)}/presence", _presence)


def disconnect(user: str) -> Call[None]:
    """Close all connections of a user."""
    return Call("POST", f"/users/{_part(user)}/disconnect", lambda _: None, {})


def token(user: str, wanted: Mapping[str, object]) -> Call[str]:
    """A token, signed by the server."""
    given = {name: value for name, value in wanted.items() if value is not None}
    return Call("POST", "/tokens", lambda told: str(told["token"]), {"user": user, **given})


def pause_s(attempt: int, retry_after: str | None) -> float:
    """How long to wait before the next attempt: full jitter on top of what the server asked for."""
    limit = min(RETRY_S_MAX, RETRY_S_FIRST * 2 ** min(attempt, _DOUBLINGS_MAX))
    wanted = float(retry_after) if retry_after is not None and retry_after.isdecimal() else 0.0
    return min(wanted, RETRY_S_MAX) + random.uniform(0, limit)  # noqa: S311  jitter


def new_key() -> str:
    """An idempotency key that nobody else makes."""
    return secrets.token_urlsafe(16)


def event_of(channel: str, epoch: str, told: Object) -> Event:
    """An event as the server tells it."""
    position = Position(epoch, _whole(told["offset"]))
    user = cast("str | None", told.get("user"))
    return Event(channel, str(told["event"]), told["data"], position, user)


def member_of(told: Object) -> Member:
    """A member as the server tells it."""
    return Member(str(told["user"]), cast("Object | None", told.get("info")))


def _part(name: str) -> str:
    return quote(name, safe="")


def position_of(told: Object) -> Position:
    """A position as the server tells it."""
    return Position(str(told["epoch"]), _whole(told["offset"]))


def _whole(number: Json) -> int:
    if not isinstance(number, int):
        raise TypeError(f"{number!r} is no whole number")
    return number


def _positions(told: Object) -> list[Position]:
    results = _results(told)
    for one in results:
        if isinstance(one, RiverError):
            raise one
    return cast("list[Position]", results)


def _results(told: Object) -> list[Position | RiverError]:
    return [
        _error(0, one) if "error" in one else position_of(one)
        for one in cast("list[Object]", told["results"])
    ]


def _counts(told: Object) -> dict[str, int]:
    found = cast("Mapping[str, Mapping[str, int]]", told["channels"])
    return {name: counts["subscribers"] for name, counts in found.items()}


def _history(told: Object) -> History:
    channel, position = str(told["channel"]), position_of(told)
    entries = cast("list[Object]", told["publications"])
    events = tuple(event_of(channel, position.epoch, one) for one in entries)
    return History(channel, position, events)


def _presence(told: Object) -> Presence:
    members = tuple(member_of(one) for one in cast("list[Object]", told["members"]))
    return Presence(str(told["channel"]), cast("int", told["count"]), members)


def _error(status: int, told: Object, key: str | None = None) -> RiverError:
    error = told.get("error")
    if not isinstance(error, dict):
        # A proxy answered, and not in River's words.
        return RiverError(f"http_{status}", "no word of why", status=status, key=key)
    words = cast("Mapping[str, str]", error)
    code, message = words.get("code", f"http_{status}"), words.get("message", "no word of why")
    return RiverError(code, message, status=status, key=key)


def _code(result: Json) -> str:
    error = result.get("error") if isinstance(result, dict) else None
    return str(cast("Object", error).get("code")) if isinstance(error, dict) else ""
