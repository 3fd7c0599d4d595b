"""The publish API's endpoints, each as the request that asks it."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypedDict, Unpack, cast
from urllib.parse import quote

from river_realtime.errors import RiverError, UsageError
from river_realtime.parsing import Object, channel_of, history_of, position_of, presence_of
from river_realtime.request import QueryNotReadError, Request, error_of
from river_realtime.tokens import Grants, check_grants, claims_of
from river_realtime.values import ChannelState, History, Json, Position, Presence

Message = Mapping[str, object]

_IN_QUERY = "-"
_DOTS = (".", "..")
_NOT_IN_PATHS = ("", *_DOTS, _IN_QUERY)
# Accepted, not documented.
_OLD_NAMES = {"key": "id"}


class PublishOptions(TypedDict, total=False):
    """What a publication may have besides channel, event and data.

    `id` is the idempotency key. `keep=False` publishes to those who are connected now, and to no
    history. `exclude` is the session that does not get it.
    """

    id: str | None
    keep: bool
    exclude: str | None


def publish(
    channels: str | Sequence[str], event: str, *, data: object, **options: Unpack[PublishOptions]
) -> Request[Position | list[Position]]:
    """One event to one channel or several. Without an id one is made: repeating is harmless."""
    body = _with_id({**_target(channels), "event": event, "data": data, **_checked(options)})
    return Request("POST", "/publish", _published, body)


def publish_batch(messages: Sequence[Message]) -> Request[list[Position | RiverError]]:
    """Many events at once. Each message has channel, event, data, and perhaps an id."""
    if not all(isinstance(one, Mapping) and "channels" not in one for one in messages):  # pyright: ignore[reportUnnecessaryIsInstance]
        reason = "a message of a batch is a mapping with one channel: write one for each channel"
        raise UsageError("option_invalid", reason)
    with_ids = [_with_id(one) for one in messages]
    return Request("POST", "/publish/batch", _results, {"messages": with_ids})


def channels(prefix: str) -> Request[dict[str, int]]:
    """How many subscribers each channel has that has any."""
    return Request("GET", "/channels", _counts, query={"prefix": prefix} if prefix else {})


def channel(name: str) -> Request[ChannelState]:
    """Where a channel's log stands, and how many subscribe."""
    path, names = _path("/channels/{channel}", channel=name)
    return Request("GET", path, channel_of, query=names)


def history(channel: str, *, after: Position | None, limit: int) -> Request[History]:
    """Publications after a position, or the last ones."""
    query: dict[str, str | int] = {"limit": limit}
    if after is not None:
        query |= {"epoch": after.epoch, "offset": after.offset}
    path, names = _path("/channels/{channel}/history", channel=channel)
    return Request("GET", path, history_of, query=names | query)


def presence(channel: str) -> Request[Presence]:
    """All members of a presence channel."""
    path, names = _path("/channels/{channel}/presence", channel=channel)
    return Request("GET", path, partial(presence_of, channel), query=names)


def disconnect(user: str) -> Request[None]:
    """Close all connections of a user."""
    template, parse = "/users/{user}/disconnect", partial(_check_user, user)
    path, names = _path(template, user=user)
    # River 0.1.0 knows this path, but no names in queries.
    by_path = Request("POST", template.format(user=_quoted(user)), parse, {})
    return Request("POST", path, parse, {}, names, by_path if names else None)


def revoke(user: str) -> Request[None]:
    """Refuse every token of a user that was issued so far, and close all connections."""
    path, names = _path("/users/{user}/disconnect", user=user)
    return Request("POST", path, partial(_check_user, user), {"revoke": True}, names)


def block(user: str, until: datetime | float | None) -> Request[None]:
    """Refuse a user until a time, None is for good, and close all connections."""
    until_s = until.timestamp() if isinstance(until, datetime) else until
    path, names = _path("/users/{user}/block", user=user)
    return Request("POST", path, partial(_check_user, user), {"until": until_s}, names)


def unblock(user: str) -> Request[None]:
    """Accept a user again."""
    path, names = _path("/users/{user}/block", user=user)
    return Request("DELETE", path, partial(_check_user, user), query=names)


def remove(user: str, channel: str) -> Request[None]:
    """End a user's subscriptions to a channel."""
    path, names = _path("/users/{user}/channels/{channel}/remove", user=user, channel=channel)
    return Request("POST", path, partial(_check_user, user), {}, names)


def user(name: str) -> Request[Mapping[str, Json]]:
    """A user's connections."""
    path, names = _path("/users/{user}", user=name)
    return Request("GET", path, dict, query=names)


def publish_to_user(
    user: str, event: str, *, data: object, **options: Unpack[PublishOptions]
) -> Request[Position]:
    """One event to every connection of a user."""
    path, names = _path("/users/{user}/publish", user=user)
    body = _with_id({"event": event, "data": data, **_checked(options)})
    return Request("POST", path, position_of, body, names)


def token(user: str, *, ttl_s: int, grants: Grants) -> Request[str]:
    """A token, signed by the server."""
    check_grants(user, grants)
    return Request("POST", "/tokens", _token, {"user": user, "ttl_s": ttl_s, **claims_of(grants)})


def new_id() -> str:
    """An idempotency key that nobody else makes."""
    return secrets.token_urlsafe(16)


def _path(template: str, **names: str) -> tuple[str, dict[str, str | int]]:
    """A path with names in it, and the query that it needs.

    Names that proxies change on the way, however they are encoded, stand in the query.
    """
    if wrong := [name for name in names.values() if not isinstance(name, str)]:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(
            "option_invalid", f"users and channels have texts as names, not {wrong[0]!r}"
        )
    if any("/" in name or name in _NOT_IN_PATHS for name in names.values()):
        return template.format(**dict.fromkeys(names, _IN_QUERY)), dict(names)
    return template.format(**{key: _quoted(name) for key, name in names.items()}), {}


def _quoted(name: str) -> str:
    """A name as a part of a path; dots would be resolved before it is sent."""
    return "%2E" * len(name) if name in _DOTS else quote(name, safe="")


def _target(channels: object) -> dict[str, object]:
    if isinstance(channels, str):
        return {"channel": channels}
    if isinstance(channels, Iterable):
        return {"channels": list(cast("Iterable[object]", channels))}
    raise UsageError("option_invalid", f"channel: a name, or several, not {channels!r}")


def _with_id(message: Mapping[str, object]) -> dict[str, object]:
    """A message as it is sent. The id is made here, so that all attempts have the same."""
    renamed = {_OLD_NAMES.get(name, name): value for name, value in message.items()}
    return {**renamed, "id": new_id() if renamed.get("id") is None else renamed["id"]}


def _checked(options: PublishOptions) -> dict[str, object]:
    """The options that say something."""
    known = {*PublishOptions.__annotations__, *_OLD_NAMES}
    if unknown := options.keys() - known:
        raise TypeError(f"publish() takes no {min(unknown)!r}")
    given = {name: value for name, value in options.items() if value is not None}
    if given.get("keep") is True:
        del given["keep"]
    return given


def _published(fields: Object) -> Position | list[Position]:
    if "results" not in fields:
        return position_of(fields)
    results = _results(fields)
    for one in results:
        if isinstance(one, RiverError):
            raise one
    return cast("list[Position]", results)


def _results(fields: Object) -> list[Position | RiverError]:
    return [
        error_of(one) if "error" in one else position_of(one)
        for one in cast("list[Object]", fields["results"])
    ]


def _counts(fields: Object) -> dict[str, int]:
    found = cast("Mapping[str, Mapping[str, int]]", fields["channels"])
    return {name: counts["subscribers"] for name, counts in found.items()}


def _token(fields: Object) -> str:
    return str(fields["token"])


def _check_user(user: str, fields: Object) -> None:
    """Raise QueryNotReadError if the server acted on another user."""
    if fields.get("user", user) != user:
        reason = f"this server is too old to be asked about the user {user!r}: update it"
        raise QueryNotReadError("unsupported", reason)
