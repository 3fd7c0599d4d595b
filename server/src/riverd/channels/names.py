"""The grammar of names, and the names that only River itself can say."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote

from riverd.errors import ErrorCode, RiverError

NAME_LENGTH_MAX = 164
EVENT_LENGTH_MAX = 128
NODE_NAME_LENGTH_MAX = 256
SESSION_LENGTH_MAX = 128
PRIVATE = "private-"
PRESENCE = "presence-"
CONTROL = "#control"
"""The log of orders to all nodes. Neither clients nor back ends can name it."""

INTERNAL = "#"
"""How names begin that no client and no request can say: the grammar refuses them."""
APP = "#app:"
USER = "#user:"
TRACE = "#trace:"
"""The short logs of traces, by their ids."""
OWN = "#user"
"""What clients call the channel of their own user."""
CLIENT_EVENT = "client-"
"""How the names of events begin that clients of Pusher's protocol publish."""
CACHE = ("cache-", "private-cache-", "private-encrypted-cache-", "presence-cache-")
"""How the names of Pusher's cache channels begin."""

# The last five stand in the user ids of identity providers: auth0|1, a+b@c.org, github/17.
_NAME = re.compile(rf"[A-Za-z0-9_\-=@,.;:|+/~!]{{1,{NAME_LENGTH_MAX}}}")


@lru_cache(maxsize=4096)
def check_channel(name: str) -> str:
    """The name itself, if it follows the grammar (contract, "WebSocket").

    Raises:
        RiverError: channel_invalid.
    """
    # fullmatch, because `$` would let a trailing newline pass.
    if _NAME.fullmatch(name) is None:
        raise RiverError(
            ErrorCode.CHANNEL_INVALID,
            f"a channel name is 1 to {NAME_LENGTH_MAX} characters of "
            "A-Z a-z 0-9 _ - = @ , . ; : | + / ~ !",
        )
    return name


@lru_cache(maxsize=4096)
def check_event(name: str) -> str:
    """The name itself, if it is an event's name: 1 to 128 characters.

    Raises:
        RiverError: event_invalid.
    """
    if not 1 <= len(name) <= EVENT_LENGTH_MAX:
        raise RiverError(
            ErrorCode.EVENT_INVALID, f"an event name is 1 to {EVENT_LENGTH_MAX} characters"
        )
    return name


def check_session(session: str | None) -> str | None:
    """What is to be excluded, if it can be a session's id: 1 to 128 characters. It need not exist.

    Raises:
        RiverError: invalid_field.
    """
    if session is not None and not 1 <= len(session) <= SESSION_LENGTH_MAX:
        raise RiverError(
            ErrorCode.INVALID_FIELD, f"exclude: a session, 1 to {SESSION_LENGTH_MAX} characters"
        )
    return session


def check_node(name: str) -> str:
    """The name itself, if a node can be called so: 1 to 256 characters that can be printed.

    Raises:
        RiverError: invalid_field.
    """
    if not 1 <= len(name) <= NODE_NAME_LENGTH_MAX or not name.isprintable():
        raise RiverError(
            ErrorCode.INVALID_FIELD, f"node: 1 to {NODE_NAME_LENGTH_MAX} printable characters"
        )
    return name


def app_channel(app_id: str, name: str) -> str:
    """The internal name of a channel of an app that shares none with the native protocol."""
    return f"{APP}{app_id}:{name}"


def divided(name: str) -> tuple[str | None, str]:
    """The app that a channel belongs to, if it has channels of its own, and its name there."""
    if not name.startswith(APP):
        return None, name
    app_id, _, rest = name[len(APP) :].partition(":")
    return app_id, rest


def user_channel(user: str) -> str:
    """The internal name of a user's own channel: no id can end it."""
    return USER + quote(user, safe="").replace("~", "%7E")


def shown_name(channel: str) -> str:
    """What clients call a channel: the one of their user has a name of its own."""
    return OWN if channel.startswith(USER) else channel


def is_own(channel: str) -> bool:
    """Whether a channel, by its internal name, is some user's own, in whatever app."""
    return divided(channel)[1].startswith(USER)


def user_of(name: str) -> str | None:
    """The user whose own channel it is, if it is one (of the app that it is in)."""
    return unquote(name[len(USER) :]) if name.startswith(USER) else None
