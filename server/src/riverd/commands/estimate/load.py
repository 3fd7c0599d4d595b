"""What an installation has to carry, and what follows from it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from riverd.model.log import Publication
from riverd.protocols.native import events

HOURS_A_MONTH = 730.0
DAYS_A_MONTH = HOURS_A_MONTH / 24
PING_S = 25.0
SECONDS_AN_HOUR = 3_600.0
BYTES_A_GB = 1e9

# A record of TLS 1.3 around each write, and a ping (or pong) frame in one.
TLS_BYTES = 22
_PING_BYTES = TLS_BYTES + 6
# The heads of a publish request, and an answer with its heads, as common libraries send them.
PUBLISH_HEAD_BYTES = 350
ANSWER_BYTES = 350
_CHANNEL = "room-1234567890"
_EVENT = "message"


class EstimateError(Exception):
    """A load that cannot be; the message is one line that says why."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """A steady load. What is not known beforehand is an assumption, and stands here with a value.

    Raises:
        EstimateError: a value is out of range.
    """

    connections: Annotated[int, Meta(ge=0, le=5_000_000)] = 0
    """Open at the same time."""
    messages_per_s: Annotated[float, Meta(ge=0, le=100_000)] = 0.0
    """Publications a second in each channel."""
    subscribers_per_channel: Annotated[float, Meta(ge=1, le=5_000_000)] = 100.0
    channels_per_connection: Annotated[float, Meta(ge=0, le=1_000)] = 1.0
    message_bytes: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    """The JSON text of the data, without River's envelope."""
    hours: Annotated[float, Meta(ge=0, le=HOURS_A_MONTH)] = HOURS_A_MONTH
    """How many hours of the month the load is there; the installation is there for all of them."""
    peak: Annotated[float, Meta(ge=1, le=1_000)] = 2.0
    """How many times the average the busiest minute has. Sizes follow it, traffic does not."""
    batch: Annotated[float, Meta(ge=1, le=1_000)] = 1.0
    """Publications in one request of a back end."""
    sessions_a_day: Annotated[float, Meta(ge=0, le=100_000)] = 10.0
    """How often each of the connections is made anew a day."""
    monthly_users: Annotated[int, Meta(ge=0, le=5_000_000_000)] = 0
    """Different users in a month; there are never fewer than connections."""

    def __post_init__(self) -> None:
        """Check the ranges, which msgspec does only for what it decodes."""
        try:
            msgspec.convert(msgspec.structs.asdict(self), _Checked)
        except msgspec.ValidationError as error:
            raise EstimateError(_readable(str(error))) from None

    @property
    def channels(self) -> float:
        """Channels with subscribers."""
        return self.connections * self.channels_per_connection / self.subscribers_per_channel

    @property
    def publications_per_s(self) -> float:
        """In all channels together."""
        return self.channels * self.messages_per_s

    @property
    def deliveries_per_s(self) -> float:
        """To all connections together."""
        return self.publications_per_s * self.subscribers_per_channel

    @property
    def seconds(self) -> float:
        """Of a month, with this load."""
        return self.hours * SECONDS_AN_HOUR

    @property
    def messages_a_day(self) -> float:
        """As hosted services count: publish requests and deliveries, on an average day."""
        rate = self.publications_per_s + self.deliveries_per_s
        return rate * self.seconds / DAYS_A_MONTH

    @property
    def connects_a_month(self) -> float:
        """How often a WebSocket is opened."""
        return self.connections * self.sessions_a_day * DAYS_A_MONTH * self.hours / HOURS_A_MONTH

    @property
    def publish_requests_a_month(self) -> float:
        """Of back ends."""
        return self.publications_per_s / self.batch * self.seconds

    @property
    def users(self) -> int:
        """Different ones in a month."""
        return max(self.monthly_users, self.connections)

    @property
    def delivered_gb(self) -> float:
        """To the clients in a month: events as the native dialect writes them, and pings."""
        events = self.deliveries_per_s * (self.message_bytes + envelope_bytes() + TLS_BYTES)
        pings = self.connections / PING_S * _PING_BYTES
        return (events + pings) * self.seconds / BYTES_A_GB

    @property
    def returned_gb(self) -> float:
        """From the clients in a month: their pongs."""
        return self.connections / PING_S * _PING_BYTES * self.seconds / BYTES_A_GB

    @property
    def published_gb(self) -> float:
        """From the back ends in a month."""
        heads = self.publish_requests_a_month * PUBLISH_HEAD_BYTES
        bodies = self.publications_per_s * self.seconds * (self.message_bytes + envelope_bytes())
        return (heads + bodies) / BYTES_A_GB


class _Checked(Load, frozen=True, kw_only=True):
    def __post_init__(self) -> None:
        """Nothing: it is made by the check itself."""


def envelope_bytes() -> int:
    """What River writes around the data of an event."""
    data = b"null"
    frame = events.publications(_CHANNEL)(Publication(1_000_000, _EVENT, data))
    return len(frame) - len(data)


def _readable(text: str) -> str:
    """`Expected `int` >= 0 - at `$.connections`` as a sentence about the field."""
    what, _, where = text.partition(" - at `$.")
    return f"{where.rstrip('`')}: {what[0].lower()}{what[1:]}"
