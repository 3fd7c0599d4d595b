"""What a request for a stream asks for (contract, "HTTP streaming")."""

import math
from collections.abc import Iterable, Mapping
from enum import Enum
from urllib.parse import parse_qsl

import msgspec

from riverd.channels.names import check_channel
from riverd.errors import ErrorCode, RiverError
from riverd.http.request import Request
from riverd.http.unknown_field import unknown_field
from riverd.protocols.sse.cursor import HISTORY_MAX, Start, StreamChannels, session_in, start_text
from riverd.protocols.sse.records import Cursor

CHANNELS_MAX = 50
WAIT_S_MAX = 25.0
LAST_EVENT_ID = "last-event-id"
_FIELDS = ("channel", "shape", "mode", "wait_s", "history", LAST_EVENT_ID, "token", "client")
_ALIASES = {"last_event_id": LAST_EVENT_ID, "lasteventid": LAST_EVENT_ID}
_FIELDS_MAX = 100


class EventShape(Enum):
    """How messages are written; see `riverd.protocols.sse.shapes`."""

    OBJECT = "object"
    EVENT = "event"
    NATIVE = "native"


class StreamRequest(msgspec.Struct, frozen=True):
    """Channels, where the client begins in each, and how it wants to be answered.

    Attributes:
        asked: How many of the names stand in the request; the others are the token's.
        resume_session: The secret of the session that it continues.
    """

    names: tuple[str, ...]
    channels: StreamChannels
    starts: tuple[Start, ...]
    asked: int
    resume_session: str | None = None
    shape: EventShape = EventShape.OBJECT
    poll: bool = False
    wait_s: float = WAIT_S_MAX

    @property
    def start(self) -> Cursor:
        """The cursor with which the client comes."""
        return tuple(map(start_text, self.starts))


def query_of(request: Request) -> dict[str, list[str]]:
    """The fields of a query; names in lower case.

    Raises:
        RiverError: invalid_field, for one that is not known.
    """
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            request.query, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX
        )
    except ValueError as error:
        raise RiverError(ErrorCode.INVALID_FIELD, f"the query is wrong: {error}") from None
    for name, value in pairs:
        field = _ALIASES.get(name.lower(), name.lower())
        if field not in _FIELDS:
            raise RiverError(ErrorCode.INVALID_FIELD, unknown_field(name, _FIELDS))
        found.setdefault(field, []).append(value)
    return found


def stream_request(
    request: Request,
    query: Mapping[str, list[str]],
    *,
    channels_max: int,
    join: Iterable[str] = (),
    own: str | None = None,
) -> StreamRequest:
    """The stream that is asked for.

    Its token has it subscribed to the channels in `join`, and to `own`, that of its user.

    Raises:
        RiverError: what is asked is not possible, and will not be.
    """
    shape, poll = shape_of(query), is_poll(query)
    if poll and shape is EventShape.EVENT:
        raise RiverError(ErrorCode.INVALID_FIELD, "shape: a poll is answered with objects")
    # A plus sign that was not encoded is read as a space, which no name has.
    given = [check_channel(name.replace(" ", "+")) for name in query.get("channel", ())]
    names = tuple(dict.fromkeys([*given, *join]))
    asked = len(dict.fromkeys(given))
    if own is None or names:
        _check_count(asked, len(names), shape=shape, channels_max=channels_max)
    channels = StreamChannels.of(names, has_own=own is not None)
    names = names if own is None else (*names, own)
    cursor = cursor_in(request, query)
    history = _history(query)
    starts = channels.starts(cursor) if cursor else [history] * len(channels.names)
    secret = session_in(cursor)
    return StreamRequest(names, channels, tuple(starts), asked, secret, shape, poll, _wait_s(query))


def shape_of(query: Mapping[str, list[str]]) -> EventShape:
    """The shape that is asked for. Raises RiverError for one that there is not."""
    return EventShape(_choice(query, "shape", *(shape.value for shape in EventShape)))


def is_poll(query: Mapping[str, list[str]]) -> bool:
    """Whether one answer is asked for. Raises RiverError for a mode that there is not."""
    return _choice(query, "mode", "stream", "poll") == "poll"


def cursor_in(request: Request, query: Mapping[str, list[str]]) -> str:
    """The cursor of a request, or "". Raises RiverError for several."""
    # A browser that connects again adds the header to the query that the page had written.
    return request.headers.get(LAST_EVENT_ID) or _one(query, LAST_EVENT_ID, default="")


def _check_count(asked: int, count: int, *, shape: EventShape, channels_max: int) -> None:
    most = min(CHANNELS_MAX, channels_max)
    # A client library connects before it has subscribed to anything, and its cursor is its own.
    if shape is EventShape.NATIVE:
        is_right = asked <= most and count <= channels_max
    else:
        is_right = 1 <= count <= most
    if not is_right:
        raise RiverError(ErrorCode.INVALID_FIELD, f"channel: name 1 to {most} of them")


def _one(query: Mapping[str, list[str]], name: str, *, default: str) -> str:
    values = query.get(name, [default])
    if len(values) > 1:
        raise RiverError(ErrorCode.INVALID_FIELD, f"{name}: write it once")
    return values[0]


def _choice(query: Mapping[str, list[str]], name: str, *choices: str) -> str:
    value = _one(query, name, default=choices[0])
    if value not in choices:
        raise RiverError(ErrorCode.INVALID_FIELD, f"{name}: write {' or '.join(choices)}")
    return value


def _wait_s(query: Mapping[str, list[str]]) -> float:
    text = _one(query, "wait_s", default=str(WAIT_S_MAX))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= WAIT_S_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"wait_s: 0 to {WAIT_S_MAX:g} seconds")
    return seconds


def _history(query: Mapping[str, list[str]]) -> int:
    text = _one(query, "history", default="0")
    if not text.isascii() or not text.isdecimal() or int(text[:5]) > HISTORY_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"history: 0 to {HISTORY_MAX} events")
    return int(text)
