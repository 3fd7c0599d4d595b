"""What clients of Pusher's protocol are sent. `data` is a text that holds JSON, but in errors."""

from collections.abc import Callable, Mapping

import msgspec

from riverd.errors import ErrorCode
from riverd.model import replies
from riverd.model.log import Change, Ephemeral, Member, Publication
from riverd.model.replies import MemberList, Reply
from riverd.protocols.interface import TurnedAway
from riverd.protocols.pusher.close_codes import PusherCode
from riverd.protocols.pusher.decoding import SIGNING_IN, SUBSCRIBING
from riverd.protocols.pusher.names import Kind, is_cache, kind_of, public, user_in
from riverd.protocols.pusher.payload import shown
from riverd.websocket import frames

PING = frames.text(b'{"event":"pusher:ping","data":"{}"}')
PONG = frames.text(b'{"event":"pusher:pong","data":"{}"}')

OF_PROTOCOL = ("pusher:", "pusher_internal:")
"""How events of the server begin. A user that publishes one in River's own protocol would
otherwise add members to a page's list, or end its subscription."""

_NOTHING = msgspec.Raw(b"null")
_STATUS = {code.code: code.status for code in ErrorCode}
_KIND_OF_ERROR: Mapping[str, str] = {
    ErrorCode.FORBIDDEN.code: "AuthError",
    ErrorCode.UNAUTHENTICATED.code: "AuthError",
    ErrorCode.TOO_MANY_CHANNELS.code: "LimitReached",
    ErrorCode.TOO_MANY_MEMBERS.code: "LimitReached",
    ErrorCode.TOO_FAST.code: "LimitReached",
}
_CODE_OF_ERROR: Mapping[str, int] = {
    ErrorCode.TOO_FAST.code: PusherCode.TOO_MANY_EVENTS,
    ErrorCode.TOO_MANY_WATCHED.code: PusherCode.WATCHLIST_TOO_LONG,
}
_UNAUTHORIZED = (ErrorCode.FORBIDDEN.code, ErrorCode.UNAUTHENTICATED.code)

_encode = msgspec.json.Encoder().encode


def encode(reply: Reply, *, activity_timeout_s: int) -> bytes:  # noqa: C901  one case a kind
    """A reply as frames; `b""` where the protocol has no message for it."""
    match reply:
        case replies.Welcome():
            data = {"socket_id": reply.session, "activity_timeout": activity_timeout_s}
            return _event("pusher:connection_established", data)
        case replies.Pong():
            return PONG
        case replies.Barrier():
            return PING
        case replies.Subscribed():
            return _subscribed(reply)
        case replies.Members():
            return _members(reply)
        case replies.Authenticated():
            return _signed_in(reply)
        case replies.Unsubscribed():
            return _ended(reply)
        case replies.Gap():
            data = {"reload_after_ms": reply.reload_after_ms}
            return _event("river:gap", data, channel=public(reply.channel))
        case replies.SubscriberCount():
            data = {"subscription_count": reply.count}
            return _event("pusher_internal:subscription_count", data, channel=public(reply.channel))
        case replies.WatchedUsers():
            return _watched(reply)
        case replies.ErrorReply():
            return _error_reply(reply)
        case _:
            return b""


def publications(channel: str) -> Callable[[Publication], bytes]:
    """What makes events of a channel's publications."""
    return _events(channel)


def ephemerals(channel: str) -> Callable[[Ephemeral], bytes]:
    """What makes events of what no log keeps."""
    return _events(channel)


def _events(channel: str) -> Callable[[Publication | Ephemeral], bytes]:
    name = public(channel)
    rest = b',"channel":%b,"data":' % _encode(name)
    names_user = kind_of(name) is Kind.PRESENCE

    def frame(publication: Publication | Ephemeral) -> bytes:
        if publication.user is not None and publication.event.startswith(OF_PROTOCOL):
            return b""
        head = b'{"event":%b%b%b' % (_encode(publication.event), rest, shown(publication.data))
        if names_user and publication.user is not None:
            return frames.text(b'%b,"user_id":%b}' % (head, _encode(publication.user)))
        return frames.text(head + b"}")

    return frame


def changes(channel: str) -> Callable[[Change], bytes]:
    """What makes events of joins and leaves, in channels that have members for Pusher's clients."""
    name = public(channel)
    if kind_of(name) is not Kind.PRESENCE:
        return _no_change

    def frame(change: Change) -> bytes:
        member = change.member
        if not change.joined:
            return _event("pusher_internal:member_removed", {"user_id": member.user}, channel=name)
        data = {"user_id": member.user, "user_info": _info(member)}
        return _event("pusher_internal:member_added", data, channel=name)

    return frame


def turned_away(code: int, message: str) -> TurnedAway:
    """An error as the first message, and a close code: clients act on the one that comes first."""
    return TurnedAway(_error(code, message), code, message)


def _no_change(_change: Change) -> bytes:
    return b""


def _subscribed(reply: replies.Subscribed) -> bytes:
    name = public(reply.channel)
    data = {} if reply.presence is None else _presence(reply.presence)
    if kind_of(name) is not Kind.PRESENCE:
        data = {}
    succeeded = _event("pusher_internal:subscription_succeeded", data, channel=name)
    if not is_cache(name):
        return succeeded
    if reply.last is None:
        return succeeded + frames.text(_encode({"event": "pusher:cache_miss", "channel": name}))
    if reply.recovered:
        # The page had it, or gets it with what it missed.
        return succeeded
    return succeeded + publications(reply.channel)(reply.last)


def _members(reply: replies.Members) -> bytes:
    """A list that replaces: clients take it as that of a subscription that succeeded again."""
    name = public(reply.channel)
    if kind_of(name) is not Kind.PRESENCE:
        return b""
    data = _presence(reply.list)
    return _event("pusher_internal:subscription_succeeded", data, channel=name)


def _presence(members: MemberList) -> dict[str, object]:
    listed = members.members
    return {
        "presence": {
            "count": members.count,
            "ids": [member.user for member in listed],
            "hash": {member.user: _info(member) for member in listed},
        }
    }


def _signed_in(reply: replies.Authenticated) -> bytes:
    # The answer has the text that was signed, which is what the request went by.
    text = str(reply.id).removeprefix(SIGNING_IN)
    return _event("pusher:signin_success", {"user_data": text})


def _watched(reply: replies.WatchedUsers) -> bytes:
    changed = (("online", reply.online), ("offline", reply.offline))
    events = [
        {"name": name, "user_ids": [user_in(user) for user in users]}
        for name, users in changed
        if users
    ]
    return _event("pusher_internal:watchlist_events", {"events": events})


def _ended(reply: replies.Unsubscribed) -> bytes:
    if reply.reason is None:
        return b""
    status = ErrorCode.FORBIDDEN.status
    message = f"the subscription was ended: {reply.reason}"
    data = {"type": "Removed", "error": message, "status": status}
    return _event("pusher:subscription_error", data, channel=public(reply.channel))


def _error_reply(reply: replies.ErrorReply) -> bytes:
    code, message = reply.code, reply.message
    if code == ErrorCode.CANCELLED.code:
        # The client has unsubscribed: it waits for no answer.
        return b""
    if code == ErrorCode.ALREADY_SUBSCRIBED.code:
        channel = str(reply.id).removeprefix(SUBSCRIBING)
        return _error(None, f"Existing subscription to channel {channel}")
    if isinstance(reply.id, str) and reply.id.startswith(SUBSCRIBING):
        status = 401 if code in _UNAUTHORIZED else _STATUS.get(code, 500)
        kind = _KIND_OF_ERROR.get(code, "SubscriptionError")
        data = {"type": kind, "error": message, "status": status}
        channel = reply.id.removeprefix(SUBSCRIBING)
        return _event("pusher:subscription_error", data, channel=channel)
    if isinstance(reply.id, str) and reply.id.startswith(SIGNING_IN):
        return _error(PusherCode.UNAUTHORIZED, message)
    return _error(_CODE_OF_ERROR.get(code), message)


def _error(code: int | None, message: str) -> bytes:
    # Here `data` is an object, as clients of the first hour read it.
    data = {"code": code, "message": message}
    return frames.text(_encode({"event": "pusher:error", "data": data}))


def _event(event: str, data: Mapping[str, object], *, channel: str | None = None) -> bytes:
    message: dict[str, object] = {"event": event}
    if channel is not None:
        message["channel"] = channel
    message["data"] = _encode(data).decode()
    return frames.text(_encode(message))


def _info(member: Member) -> msgspec.Raw:
    return _NOTHING if member.info is None else msgspec.Raw(member.info)
