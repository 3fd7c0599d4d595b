"""What a request for a stream asks for (contract, "HTTP streaming")."""

import math
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

import msgspec

from riverd.channels import check_channel
from riverd.errors import ErrorCode, RiverError
from riverd.gateway.streams.refusals import unknown_field
from riverd.http.request import Request
from riverd.model import Position
from riverd.protocols.sse.cursor import StreamChannels, position_text
from riverd.protocols.sse.records import Cursor

CHANNELS_MAX = 50
WAIT_S_MAX = 25.0
LAST_EVENT_ID = "last-event-id"
_FIELDS = ("channel", "shape", "mode", "wait_s", LAST_EVENT_ID, "token")
_ALIASES = {"last_event_id": LAST_EVENT_ID, "lasteventid": LAST_EVENT_ID}
_FIELDS_MAX = 100


class StreamRequest(msgspec.Struct, frozen=True):
    """Channels, where the client stands in each, and how it wants to be answered."""

    names: tuple[str, ...]
    channels: StreamChannels
    positions: tuple[Position | None, ...]
    named_events: bool = False
    poll: bool = False
    wait_s: float = WAIT_S_MAX

    @property
    def start(self) -> Cursor:
        """The cursor with which the client comes."""
        return tuple(position_text(position) for position in self.positions)


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
            raise unknown_field(name, _FIELDS)
        found.setdefault(field, []).append(value)
    return found


def stream_request(
    request: Request,
    query: Mapping[str, list[str]],
    *,
    channels_max: int,
    join: Iterable[str] = (),
) -> StreamRequest:
    """The stream that is asked for; `join` are the channels that its token has it subscribed to.

    Raises:
        RiverError: what is asked is not possible, and will not be.
    """
    # A plus sign that was not encoded is read as a space, which no name has.
    given = [name.replace(" ", "+") for name in query.get("channel", ())]
    names = tuple(dict.fromkeys([*map(check_channel, given), *join]))
    most = min(CHANNELS_MAX, channels_max)
    if not 1 <= len(names) <= most:
        raise RiverError(ErrorCode.INVALID_FIELD, f"channel: name 1 to {most} of them")
    channels = StreamChannels.of(names)
    # A browser that connects again adds the header to the query that the page had written.
    cursor = request.headers.get(LAST_EVENT_ID) or _one(query, LAST_EVENT_ID, default="")
    positions = channels.positions(cursor) if cursor else [None] * len(names)
    poll = _choice(query, "mode", "stream", "poll") == "poll"
    named = _choice(query, "shape", "object", "event") == "event"
    if poll and named:
        raise RiverError(ErrorCode.INVALID_FIELD, "shape: a poll is answered with objects")
    return StreamRequest(names, channels, tuple(positions), named, poll, _wait_s(query))


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
