"""Makes values of what the server sends, over HTTP and over the WebSocket."""

import logging
from collections.abc import Mapping
from typing import cast

from river_realtime.decoding import UNREADABLE
from river_realtime.values import (
    ChannelState,
    Event,
    History,
    Json,
    Member,
    Position,
    Presence,
)

Object = Mapping[str, Json]

LACKS_MEMBERS = (KeyError, TypeError, ValueError, AttributeError)
"""What the functions here raise for objects that are not as the protocol has them."""

log = logging.getLogger("river_realtime")


def position_of(fields: Object) -> Position:
    """A position; of a publication that is not kept, the one that it follows."""
    offset = fields["offset"] if "offset" in fields else fields["after"]
    return Position(str(fields["epoch"]), integer(offset))


def event_of(fields: Object, *, channel: str, epoch: str) -> Event:
    """An event. Its data is UNREADABLE if Python cannot hold it."""
    is_kept = "offset" in fields
    position = Position(epoch, integer(fields["offset"] if is_kept else fields["after"]))
    user = cast("str | None", fields.get("user"))
    return Event(channel, str(fields["event"]), fields["data"], position, user, is_kept)


def member_of(fields: Object) -> Member:
    """A member. What cannot be read of its info is not there."""
    info = fields.get("info")
    return Member(str(fields["user"]), None if info is UNREADABLE else cast("Object | None", info))


def presence_of(channel: str, fields: Object) -> Presence:
    """The members of a channel."""
    members = tuple(member_of(one) for one in cast("list[Object]", fields["members"]))
    return Presence(channel, integer(fields["count"]), members)


def channel_of(fields: Object) -> ChannelState:
    """A channel's state."""
    users = integer(fields["users"]) if "users" in fields else None
    subscribers = integer(fields["subscribers"])
    return ChannelState(str(fields["channel"]), position_of(fields), subscribers, users)


def history_of(fields: Object) -> History:
    """A part of a log. What cannot be read is left out, and logged."""
    channel, position = str(fields["channel"]), position_of(fields)
    entries = cast("list[Object]", fields["publications"])
    events = [event_of(one, channel=channel, epoch=position.epoch) for one in entries]
    for skipped in (one for one in events if not is_readable(one)):
        log_unreadable(skipped)
    return History(channel, position, tuple(filter(is_readable, events)))


def is_readable(event: Event) -> bool:
    """Whether Python can hold the data of an event."""
    return event.data is not UNREADABLE


def log_unreadable(event: Event) -> None:
    """Report an event that is skipped."""
    log.warning(
        "skipped %r at %s: Python cannot read its data (an integer too long, or too deeply nested)",
        event.channel,
        event.position,
    )


def integer(number: Json) -> int:
    """A whole number. Raises TypeError if it is another value."""
    if not isinstance(number, int):
        raise TypeError(f"{number!r} is not a whole number")
    return number
