"""What is pushed in a channel: events, joins and leaves. Each is encoded once for all."""

from collections.abc import Callable

import msgspec

from riverd.channels.names import shown_name
from riverd.model.log import Change, Ephemeral, Publication
from riverd.websocket import frames

_encode = msgspec.json.Encoder().encode


def publications(channel: str) -> Callable[[Publication], bytes]:
    """What makes `event` frames of a channel's publications."""
    # The grammar of names has no character that JSON would escape.
    head = b'{"type":"event","channel":"%b","event":' % shown_name(channel).encode()

    def frame(publication: Publication) -> bytes:
        return frames.text(event_message(head, publication))

    return frame


def ephemerals(channel: str) -> Callable[[Ephemeral], bytes]:
    """What makes `event` frames of a channel's events that no log keeps: `after`, no `offset`."""

    def frame(event: Ephemeral) -> bytes:
        return frames.text(_encode(ephemeral_message(channel, event)))

    return frame


def ephemeral_message(channel: str, event: Ephemeral) -> dict[str, object]:
    """The object that is sent for an event that no log keeps."""
    message: dict[str, object] = {
        "type": "event",
        "channel": shown_name(channel),
        "event": event.event,
        "data": msgspec.Raw(event.data),
        "after": event.after,
    }
    if event.user is not None:
        message["user"] = event.user
    return message


def changes(channel: str) -> Callable[[Change], bytes]:
    """What makes `joined` and `left` frames of a channel's changes."""

    def frame(change: Change) -> bytes:
        return frames.text(_encode(change_message(channel, change)))

    return frame


def change_message(channel: str, change: Change) -> dict[str, object]:
    """The object that is sent for a join or leave."""
    message: dict[str, object] = {
        "type": "joined" if change.joined else "left",
        "channel": channel,
        "user": change.member.user,
    }
    if change.joined and change.member.info is not None:
        message["info"] = msgspec.Raw(change.member.info)
    return message


def event_message(head: bytes, publication: Publication) -> bytes:
    """The object that is sent for a publication; `head` is all of it up to `"event":`."""
    event, data, offset = _encode(publication.event), publication.data, publication.offset
    if publication.user is None:
        return b'%b%b,"data":%b,"offset":%d}' % (head, event, data, offset)
    user = _encode(publication.user)
    return b'%b%b,"data":%b,"offset":%d,"user":%b}' % (head, event, data, offset, user)
