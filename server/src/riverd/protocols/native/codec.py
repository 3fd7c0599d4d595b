"""River's own messages: one JSON object a text frame (contract, "WebSocket, native dialect")."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from riverd.channels.names import check_channel, check_event, check_session, shown_name
from riverd.errors import DecodeError, ErrorCode, RiverError
from riverd.model import commands, replies
from riverd.model.commands import Command
from riverd.model.log import Member, Position, Publication, Receipt
from riverd.model.payloads import check_data
from riverd.model.replies import Reply, RequestId
from riverd.protocols.native.refusals import (
    ID_LENGTH_MAX,
    INTEGER_ID_MAX,
    INTEGER_ID_MIN,
    echoable,
    refusal,
)
from riverd.websocket import frames

HISTORY_MAX = 1000
PART_BYTES = 32_768
EPOCH_LENGTH_MAX = 64

_encode = msgspec.json.Encoder().encode


class _Request(msgspec.Struct, tag_field="type", kw_only=True, gc=False):
    id: RequestId = None


class _At(msgspec.Struct):
    """A position that a client says."""

    epoch: str
    offset: int


class _Auth(_Request, tag="auth", kw_only=True):
    token: str
    resume_session: str | None = None
    positions: dict[str, _At] | None = None
    user_position: _At | None = None

    def command(self) -> Command:
        said, own = self.positions, self.user_position
        return commands.Authenticate(
            self.id,
            self.token,
            self.resume_session,
            None if said is None else _positions(said),
            None if own is None else _at(own.epoch, own.offset),
        )


class _Subscribe(_Request, tag="subscribe", kw_only=True):
    channel: str
    epoch: str | None = None
    offset: int | None = None
    history: int = 0

    def command(self) -> Command:
        channel, position = check_channel(self.channel), _position(self.epoch, self.offset)
        if not 0 <= self.history <= HISTORY_MAX:
            raise RiverError(ErrorCode.INVALID_FIELD, f"history: 0 to {HISTORY_MAX}")
        return commands.Subscribe(self.id, channel, position, self.history)


class _Unsubscribe(_Request, tag="unsubscribe", kw_only=True):
    channel: str

    def command(self) -> Command:
        return commands.Unsubscribe(self.id, check_channel(self.channel))


class _Publish(_Request, tag="publish", kw_only=True):
    channel: str
    event: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    keep: bool = True
    exclude: str | None = None

    def command(self) -> Command:
        return commands.PublishCommand(
            self.id,
            check_channel(self.channel),
            check_event(self.event),
            check_data(bytes(self.data)),
            self.keep,
            check_session(self.exclude),
        )


class _Presence(_Request, tag="presence", kw_only=True):
    channel: str

    def command(self) -> Command:
        return commands.GetMembers(self.id, check_channel(self.channel))


class _History(_Request, tag="history", kw_only=True):
    channel: str
    epoch: str | None = None
    offset: int | None = None
    limit: int | None = None

    def command(self) -> Command:
        limit = self.limit
        if limit is not None and not 1 <= limit <= HISTORY_MAX:
            raise RiverError(ErrorCode.INVALID_FIELD, f"limit: 1 to {HISTORY_MAX}")
        position = _position(self.epoch, self.offset)
        return commands.GetHistory(self.id, check_channel(self.channel), position, limit)


class _Ping(_Request, tag="ping", kw_only=True):
    def command(self) -> Command:
        return commands.Ping(self.id)


class _Welcome(msgspec.Struct, tag_field="type", tag="welcome"):
    session: str
    resume_session: str | None
    auth_timeout_s: float
    max_message_bytes: int


class _UserPosition(msgspec.Struct, omit_defaults=True):
    epoch: str
    offset: int
    recovered: bool
    reason: str | None = None
    reload_after_ms: int = 0


class _Authenticated(
    msgspec.Struct, tag_field="type", tag="authenticated", kw_only=True, omit_defaults=True
):
    id: RequestId = None
    user: str
    expires_at: float | None
    session: str | None = None
    user_position: _UserPosition | None = None


class _Subscribed(
    msgspec.Struct, tag_field="type", tag="subscribed", kw_only=True, omit_defaults=True
):
    id: RequestId = None
    channel: str
    epoch: str
    offset: int
    recovered: bool
    reason: str | None = None
    presence: dict[str, object] | None = None
    reload_after_ms: int = 0


_AnyRequest = _Auth | _Subscribe | _Unsubscribe | _Publish | _Presence | _History | _Ping
_requests = msgspec.json.Decoder(_AnyRequest)


def decode(payload: bytes) -> Command:
    """The command in a message.

    Raises:
        DecodeError: fatal if the message is no JSON object.
    """
    try:
        request: _AnyRequest = _requests.decode(payload)
    except msgspec.ValidationError as error:
        raise refusal(payload, str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        raise refusal(payload, None) from None
    try:
        mark = request.id
        if mark is not None and (
            len(mark) > ID_LENGTH_MAX
            if isinstance(mark, str)
            else not INTEGER_ID_MIN < mark < INTEGER_ID_MAX
        ):
            raise RiverError(ErrorCode.INVALID_FIELD, f"id: longer than {ID_LENGTH_MAX} characters")
        return request.command()
    except RiverError as error:
        raise DecodeError(error.error, error.message, request_id=echoable(request.id)) from None


def encode(reply: Reply) -> bytes:
    """A reply as a frame."""
    return frames.text(_encode(_MESSAGES[type(reply)](reply)))


def encode_parts(reply: replies.HistoryReply) -> Iterator[bytes]:
    """A history as the frames of one message: so many bytes are encoded at a time, or one entry."""
    # Without the brace that closes it.
    part = bytearray(_encode(_history_head(reply))[:-1] + b',"publications":[')
    is_first = True
    for index, entry in enumerate(reply.tail.publications):
        part += b"," * (index > 0) + _encode(_entry(entry))
        if len(part) >= PART_BYTES:
            yield frames.part_of_text(bytes(part), first=is_first, last=False)
            is_first = False
            part.clear()
    part += b"]}"
    yield frames.part_of_text(bytes(part), first=is_first, last=True)


def _positions(said: Mapping[str, _At]) -> dict[str, Position]:
    return {channel: _at(at.epoch, at.offset) for channel, at in said.items()}


def _position(epoch: str | None, offset: int | None) -> Position | None:
    return None if epoch is None and offset is None else _at(epoch, offset)


def _at(epoch: str | None, offset: int | None) -> Position:
    if epoch is None or offset is None or offset < 0:
        raise RiverError(
            ErrorCode.INVALID_FIELD, "epoch and offset go together, offset is 0 or more"
        )
    if len(epoch) > EPOCH_LENGTH_MAX:
        # It is kept while the broker is away.
        raise RiverError(
            ErrorCode.INVALID_FIELD, f"epoch: longer than {EPOCH_LENGTH_MAX} characters"
        )
    return Position(epoch, offset)


def message_of(reply: Reply) -> dict[str, object] | msgspec.Struct:
    """The object that is sent for a reply. Those of each client are structures: twice as fast."""
    return _MESSAGES[type(reply)](reply)


def _answer(kind: str, request_id: RequestId, **fields: object) -> dict[str, object]:
    if request_id is None:
        return {"type": kind, **fields}
    return {"type": kind, "id": request_id, **fields}


def _position_fields(position: Receipt) -> dict[str, object]:
    if isinstance(position, Position):
        return {"epoch": position.epoch, "offset": position.offset}
    return {"epoch": position.epoch, "after": position.after}


def _welcome(reply: replies.Welcome) -> _Welcome:
    return _Welcome(
        reply.session, reply.resume_session, reply.auth_timeout_s, reply.message_bytes_max
    )


def _authenticated(reply: replies.Authenticated) -> _Authenticated:
    return _Authenticated(
        id=reply.id,
        user=reply.user,
        expires_at=reply.expires_at,
        session=reply.session,
        user_position=None if reply.own is None else _user_position(reply.own),
    )


def _subscribed(reply: replies.Subscribed) -> _Subscribed:
    return _Subscribed(
        id=reply.id,
        channel=shown_name(reply.channel),
        epoch=reply.position.epoch,
        offset=reply.position.offset,
        recovered=reply.recovered,
        reason=reply.reason,
        presence=None if reply.presence is None else _listed(reply.presence),
        reload_after_ms=reply.reload_after_ms,
    )


def _user_position(reply: replies.Subscribed) -> _UserPosition:
    at = reply.position
    return _UserPosition(at.epoch, at.offset, reply.recovered, reply.reason, reply.reload_after_ms)


def _unsubscribed(reply: replies.Unsubscribed) -> dict[str, object]:
    reason = {} if reply.reason is None else {"reason": reply.reason}
    return _answer("unsubscribed", reply.id, channel=reply.channel, **reason)


def _published(reply: replies.Published) -> dict[str, object]:
    return _answer("published", reply.id, **_position_fields(reply.position))


def _members(reply: replies.Members) -> dict[str, object]:
    return _answer("presence", reply.id, channel=reply.channel, **_listed(reply.list))


def _listed(members: replies.MemberList) -> dict[str, object]:
    return {"count": members.count, "members": [_member(member) for member in members.members]}


def _member(member: Member) -> dict[str, object]:
    if member.info is None:
        return {"user": member.user}
    return {"user": member.user, "info": msgspec.Raw(member.info)}


def _history(reply: replies.HistoryReply) -> dict[str, object]:
    message = _history_head(reply)
    message["publications"] = [_entry(entry) for entry in reply.tail.publications]
    return message


def _history_head(reply: replies.HistoryReply) -> dict[str, object]:
    head = _answer("history", reply.id, channel=reply.channel)
    return head | _position_fields(reply.tail.position)


def _entry(publication: Publication) -> dict[str, object]:
    message: dict[str, object] = {
        "offset": publication.offset,
        "event": publication.event,
        "data": msgspec.Raw(publication.data),
    }
    if publication.user is not None:
        message["user"] = publication.user
    return message


def _pong(reply: replies.Pong) -> dict[str, object]:
    return _answer("pong", reply.id)


def _gap(reply: replies.Gap) -> dict[str, object]:
    return {
        "type": "gap",
        "channel": shown_name(reply.channel),
        **_position_fields(reply.position),
        "reload_after_ms": reply.reload_after_ms,
    }


def _bye(reply: replies.Bye) -> dict[str, object]:
    return {"type": "bye", "reason": reply.reason, "retry_after_ms": reply.retry_after_ms}


def _error(reply: replies.ErrorReply) -> dict[str, object]:
    retry = {} if reply.retry_after_ms is None else {"retry_after_ms": reply.retry_after_ms}
    return _answer("error", reply.id, code=reply.code, message=reply.message, **retry)


# There is no such message for `Barrier`, `SubscriberCount` and `WatchedUsers`.
_MESSAGES: Mapping[type[Reply], Callable[[Any], dict[str, object] | msgspec.Struct]] = {
    replies.Welcome: _welcome,
    replies.Authenticated: _authenticated,
    replies.Subscribed: _subscribed,
    replies.Unsubscribed: _unsubscribed,
    replies.Published: _published,
    replies.Members: _members,
    replies.HistoryReply: _history,
    replies.Pong: _pong,
    replies.Gap: _gap,
    replies.Bye: _bye,
    replies.ErrorReply: _error,
}
