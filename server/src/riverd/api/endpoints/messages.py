"""From a request to publish to the messages that the broker is given."""

import msgspec
from msgspec import UNSET

from riverd.api.requests import CHANNELS_MAX, KEY_LENGTH_MAX, Publish, UserPublish
from riverd.channels.names import check_channel, check_event, check_session, user_channel
from riverd.channels.rules import ChannelRules
from riverd.errors import ErrorCode, RiverError
from riverd.model.claims import Claims
from riverd.model.log import Message
from riverd.model.payloads import UNCHECKED_BYTES_MAX, check_data


def messages_of(
    wanted: Publish, rules: ChannelRules, *, message_bytes_max: int, by: Claims | None
) -> Message | list[Message]:
    """One message, or for a list of channels one for each, in their order.

    With `by` they are a client's, who needs a grant for each channel; else a back end's.

    Raises:
        RiverError: channel_invalid, event_invalid, invalid_field, too_large, forbidden. Nothing
            is to be published then.
    """
    event, data = _checked(wanted, message_bytes_max)
    key, keep, exclude = wanted.id, wanted.keep, wanted.exclude
    if wanted.channel is not None and wanted.channels is None:
        channel = check_channel(wanted.channel)
        message = Message(channel, event, data, key, None, keep, exclude)
        return message if by is None else _named(message, rules, by=by)
    messages = [
        Message(check_channel(name), event, data, key, None, keep, exclude)
        for name in _channels(wanted)
    ]
    return messages if by is None else [_named(message, rules, by=by) for message in messages]


def message_to(user: str, wanted: UserPublish, *, message_bytes_max: int) -> Message:
    """The message to a user.

    Raises:
        RiverError: event_invalid, invalid_field, too_large.
    """
    event, data = _checked(wanted, message_bytes_max)
    return Message(
        user_channel(user), event, data, wanted.id, keep=wanted.keep, exclude=wanted.exclude
    )


def _checked(wanted: Publish | UserPublish, message_bytes_max: int) -> tuple[str, bytes]:
    """The event's name and the data, if all but the channels is right."""
    event, key = wanted.event, wanted.id
    if event is None or wanted.event_name is not None:
        event = _alias(wanted)
    check_event(event)
    if key is not None and not 1 <= len(key) <= KEY_LENGTH_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"id: 1 to {KEY_LENGTH_MAX} characters")
    data = b"null" if wanted.data is UNSET else bytes(wanted.data)
    if len(data) > message_bytes_max:
        raise RiverError(
            ErrorCode.TOO_LARGE, f"data has {len(data)} bytes, {message_bytes_max} are allowed"
        )
    if len(data) > UNCHECKED_BYTES_MAX:
        check_data(data)
    if wanted.exclude is not None:
        check_session(wanted.exclude)
    return event, data


def _named(message: Message, rules: ChannelRules, *, by: Claims) -> Message:
    if not rules.may_publish(by.grants, message.channel):
        raise RiverError(ErrorCode.FORBIDDEN, f"no grant to publish to {message.channel}")
    return msgspec.structs.replace(message, user=by.user)


def _channels(wanted: Publish) -> list[str]:
    if wanted.channels is None:
        raise RiverError(ErrorCode.INVALID_FIELD, "channel is missing")
    if wanted.channel is not None:
        raise RiverError(ErrorCode.INVALID_FIELD, "channel and channels exclude each other")
    if not 1 <= len(wanted.channels) <= CHANNELS_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"channels: 1 to {CHANNELS_MAX} names")
    return wanted.channels


def _alias(wanted: Publish | UserPublish) -> str:
    if wanted.event_name is None:
        raise RiverError(ErrorCode.INVALID_FIELD, "event is missing")
    if wanted.event is not None:
        raise RiverError(ErrorCode.INVALID_FIELD, "event and eventName exclude each other")
    return wanted.event_name
