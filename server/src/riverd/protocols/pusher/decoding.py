"""What clients of Pusher's protocol say: one JSON object a text frame, `event` names what it is."""

from collections.abc import Callable, Mapping

import msgspec

from riverd.auth.apps import App
from riverd.channels.names import CLIENT_EVENT
from riverd.errors import DecodeError, ErrorCode, RiverError
from riverd.model import commands
from riverd.model.commands import Command, Proof
from riverd.model.replies import RequestId
from riverd.protocols.pusher import names
from riverd.protocols.pusher.names import Kind
from riverd.protocols.pusher.payload import stored, text_of

SUBSCRIBING = "subscribe "
SIGNING_IN = "sign-in "
"""Pusher's messages have no ids: these and a name or text are what answers to them go by."""
NAME_SHOWN_MAX = 200
EVENT_LENGTH_MAX = 200

_NOTHING = msgspec.Raw(b"null")


class _Message(msgspec.Struct):
    event: str
    data: msgspec.Raw = _NOTHING
    channel: str | None = None


class _Subscription(msgspec.Struct):
    channel: str
    auth: str | None = None
    channel_data: str | None = None


class _User(msgspec.Struct):
    auth: str
    user_data: str


_message = msgspec.json.Decoder(_Message).decode
_subscription = msgspec.json.Decoder(_Subscription).decode
_user = msgspec.json.Decoder(_User).decode


def decode(payload: bytes, app: App) -> Command | None:
    """The command in a message; None if it asks for nothing.

    Raises:
        DecodeError: never a fatal one, as unmodified servers go on too.
    """
    try:
        message = _message(payload)
        reader = _READERS.get(message.event)
        if reader is not None:
            return reader(message, app)
    except RecursionError:
        raise DecodeError(ErrorCode.TOO_DEEP, "nested too deeply") from None
    except msgspec.ValidationError as error:
        raise DecodeError(ErrorCode.INVALID_FIELD, str(error)) from None
    except msgspec.DecodeError:
        raise DecodeError(ErrorCode.NOT_JSON, "a message is one JSON object") from None
    if message.event.startswith(CLIENT_EVENT):
        return _client_event(message, app)
    shown = message.event[:NAME_SHOWN_MAX]
    raise DecodeError(ErrorCode.UNKNOWN_TYPE, f"there is no event {shown} for clients to send")


def _ping(_message: _Message, _app: App) -> Command:
    return commands.Ping(None)


def _pong(_message: _Message, _app: App) -> Command:
    return commands.Reached()


def _subscribe(message: _Message, app: App) -> Command:
    wanted = _subscription(message.data)
    name, request_id = wanted.channel, SUBSCRIBING + wanted.channel[:NAME_SHOWN_MAX]
    channel = _internal(app, name, request_id=request_id)
    proof = None
    if names.kind_of(name) not in (Kind.PUBLIC, Kind.USER):
        proof = Proof(wanted.auth or "", wanted.channel_data)
    return commands.Subscribe(request_id, channel, proof=proof, wants_last=names.is_cache(name))


def _unsubscribe(message: _Message, app: App) -> Command:
    wanted = _subscription(message.data)
    return commands.Unsubscribe(None, _internal(app, wanted.channel, request_id=None))


def _sign_in(message: _Message, _app: App) -> Command:
    wanted = _user(message.data)
    return commands.SignIn(SIGNING_IN + wanted.user_data, wanted.auth, wanted.user_data)


def _client_event(message: _Message, app: App) -> Command:
    if message.channel is None:
        raise DecodeError(ErrorCode.INVALID_FIELD, "a client event names its channel")
    channel = _internal(app, message.channel, request_id=None)
    text = text_of(bytes(message.data))
    if len(text.encode()) > app.max_event_bytes:
        raise DecodeError(
            ErrorCode.TOO_LARGE, f"the event's data is larger than {app.max_event_bytes} bytes"
        )
    if len(message.event) > EVENT_LENGTH_MAX:
        raise DecodeError(ErrorCode.EVENT_INVALID, f"more than {EVENT_LENGTH_MAX} characters")
    return commands.PublishCommand(None, channel, message.event, stored(text))


def _internal(app: App, name: str, *, request_id: RequestId) -> str:
    try:
        return names.internal(app, name)
    except RiverError as error:
        raise DecodeError(error.error, error.message, request_id=request_id) from None


_READERS: Mapping[str, Callable[[_Message, App], Command | None]] = {
    "pusher:ping": _ping,
    "pusher:pong": _pong,
    "pusher:subscribe": _subscribe,
    "pusher:unsubscribe": _unsubscribe,
    "pusher:signin": _sign_in,
}
