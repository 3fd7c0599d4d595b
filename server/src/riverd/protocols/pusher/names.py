"""Channels as Pusher's clients name them, and as River does."""

from enum import Enum

from riverd.auth.apps import App
from riverd.channels.names import (
    CACHE,
    PRESENCE,
    PRIVATE,
    app_channel,
    check_channel,
    divided,
    user_channel,
    user_of,
)
from riverd.errors import ErrorCode, RiverError

ENCRYPTED = "private-encrypted-"
OF_USER = "#server-to-user-"
USER_LENGTH_MAX = 128


class Kind(Enum):
    """What a channel's name says of it."""

    PUBLIC = "everybody may subscribe"
    PRIVATE = "the back end signs each subscription"
    ENCRYPTED = "private, and its events are opaque"
    PRESENCE = "private, and it has members"
    USER = "what the back end sends to one user"


def kind_of(name: str) -> Kind:
    """The kind of a channel, by the name that clients use."""
    if name.startswith(PRESENCE):
        return Kind.PRESENCE
    if name.startswith(ENCRYPTED):
        return Kind.ENCRYPTED
    if name.startswith(PRIVATE):
        return Kind.PRIVATE
    return Kind.USER if name.startswith(OF_USER) else Kind.PUBLIC


def is_cache(name: str) -> bool:
    """Whether new subscribers get the channel's last event."""
    return name.startswith(CACHE)


def internal(app: App, name: str) -> str:
    """River's name of a channel.

    Raises:
        RiverError: channel_invalid.
    """
    if name.startswith(OF_USER):
        user = name.removeprefix(OF_USER)
        if not 1 <= len(user) <= USER_LENGTH_MAX:
            raise RiverError(
                ErrorCode.CHANNEL_INVALID, f"a user's id has 1 to {USER_LENGTH_MAX} characters"
            )
        inner = user_channel(user)
    else:
        inner = check_channel(name)
    return inner if app.native else app_channel(app.id, inner)


def public(channel: str) -> str:
    """The name that clients use for one of River's."""
    inner = divided(channel)[1]
    user = user_of(inner)
    return inner if user is None else OF_USER + user


def user_key(app: App, user: str) -> str:
    """What River calls a user of the app: one of another app is another user."""
    return user if app.native else app_channel(app.id, user_channel(user))


def user_in(key: str) -> str:
    """What the app calls a user."""
    user = user_of(divided(key)[1])
    return key if user is None else user
