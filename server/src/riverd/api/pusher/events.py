"""Triggering events: one for several channels, or up to ten."""

import re
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from riverd.api.pusher.attributes import attributes_of, wanted_attributes
from riverd.api.pusher.call import AppCall
from riverd.api.requests import check_text
from riverd.auth.apps import App
from riverd.errors import BrokerError, ErrorCode, OutcomeUnknownError, RiverError
from riverd.model.log import Message
from riverd.protocols.pusher import names
from riverd.protocols.pusher.decoding import EVENT_LENGTH_MAX
from riverd.protocols.pusher.payload import stored, text_of

CHANNELS_MAX = 100
BATCH_MAX = 10


_SOCKET_ID = re.compile(r"\d{1,40}\.\d{1,40}", re.ASCII)


class _Triggered(msgspec.Struct):
    name: str
    data: msgspec.Raw
    channels: list[str] | None = None
    channel: str | None = None
    socket_id: str | None = None
    info: str | None = None


class _Batch(msgspec.Struct):
    batch: list[_Triggered]


_Body = TypeVar("_Body", bound=msgspec.Struct)

_event = msgspec.json.Decoder(_Triggered)
_batch = msgspec.json.Decoder(_Batch)


async def trigger(call: AppCall) -> object:
    """One event, for one channel or several."""
    wanted = _decoded(_event, call.body)
    channels = _channels(wanted)
    attributes = wanted_attributes(wanted.info)
    await _publish(call, [_message(call.app, wanted, channel=name) for name in channels])
    if not attributes:
        return {}
    return {
        "channels": {
            name: await attributes_of(call, name, attributes=attributes) for name in channels
        }
    }


async def trigger_batch(call: AppCall) -> object:
    """Several events, each for one channel."""
    batch = _decoded(_batch, call.body).batch
    if len(batch) > BATCH_MAX:
        raise _invalid(f"Batch too large (> {BATCH_MAX})")
    messages: list[Message] = []
    for wanted in batch:
        if wanted.channel is None:
            raise _invalid("each event of a batch has one channel")
        messages.append(_message(call.app, wanted, channel=wanted.channel))
    attributes = [wanted_attributes(wanted.info) for wanted in batch]
    await _publish(call, messages)
    if not any(attributes):
        return {}
    return {
        "batch": [
            await attributes_of(call, wanted.channel or "", attributes=asked) if asked else {}
            for wanted, asked in zip(batch, attributes, strict=True)
        ]
    }


def _decoded(decoder: "msgspec.json.Decoder[_Body]", body: bytes) -> _Body:
    try:
        return decoder.decode(check_text(body))
    except RecursionError:
        raise _invalid("nested too deeply") from None
    except msgspec.DecodeError as error:
        raise _invalid(f"the body is not as it has to be: {error}") from None


def _channels(wanted: _Triggered) -> Sequence[str]:
    names_given = wanted.channels
    if names_given is None:
        names_given = [] if wanted.channel is None else [wanted.channel]
    if not 1 <= len(names_given) <= CHANNELS_MAX:
        raise _invalid(f"an event is for 1 to {CHANNELS_MAX} channels")
    return list(dict.fromkeys(names_given))


def _message(app: App, wanted: _Triggered, *, channel: str) -> Message:
    if not 1 <= len(wanted.name) <= EVENT_LENGTH_MAX:
        raise _invalid(f"an event's name has 1 to {EVENT_LENGTH_MAX} characters")
    if wanted.socket_id is not None and _SOCKET_ID.fullmatch(wanted.socket_id) is None:
        raise _invalid("invalid socket_id")
    text = text_of(bytes(wanted.data))
    if len(text.encode()) > app.max_event_bytes:
        raise RiverError(
            ErrorCode.TOO_LARGE,
            "The data content of this event exceeds the allowed maximum "
            f"({app.max_event_bytes} bytes)",
        )
    inner = names.internal(app, channel)
    return Message(inner, wanted.name, stored(text), exclude=wanted.socket_id)


async def _publish(call: AppCall, messages: Sequence[Message]) -> None:
    """Publish all.

    Raises:
        RiverError: what became of one that was not accepted.
    """
    outcomes = await call.api.broker.publish_many(messages) if messages else []
    failed = [outcome for outcome in outcomes if isinstance(outcome, RiverError)]
    call.api.counts.published(len(outcomes) - len(failed))
    if not failed:
        return
    for error in failed:
        call.api.counts.refused(error.error.code)
    if len(failed) < len(outcomes) and isinstance(failed[0], BrokerError):
        # Nothing was accepted is not true of all of them.
        raise OutcomeUnknownError("the broker has accepted some of the events only")
    raise failed[0]


def _invalid(message: str) -> RiverError:
    return RiverError(ErrorCode.INVALID_FIELD, message)
