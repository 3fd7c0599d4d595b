"""What back ends can be notified of, and which webhook asks for what. Nothing secret is here."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from riverd.channels.globs import Globs
from riverd.channels.names import divided, user_of

NAMES_KEPT_MAX = 4_096
RESET = "reset"
"""Says that events may be missing, and what is true now. Every webhook is sent it."""
TEST = "test"
"""Only says that the webhook works."""
OVERFLOW = "overflow"
"""The reason of a reset that stands for all that waited: more than may wait did."""
WEBHOOK_BYTES_MAX = 67_108_864
"""What waits for one webhook, at most, unless a setting says otherwise."""
SETTLE_MS = 3_000
"""How long a leave waits for a return that cancels it."""


class WebhookKind(StrEnum):
    """The kinds of events, as settings and receivers name them."""

    CHANNEL_OCCUPIED = "channel_occupied"
    CHANNEL_VACATED = "channel_vacated"
    MEMBER_JOINED = "member_joined"
    MEMBER_LEFT = "member_left"
    CLIENT_EVENT = "client_event"
    USER_CONNECTED = "user_connected"
    USER_DISCONNECTED = "user_disconnected"
    CACHE_MISS = "cache_miss"
    SUBSCRIPTION_COUNT = "subscription_count"


OF_USERS = frozenset({WebhookKind.USER_CONNECTED, WebhookKind.USER_DISCONNECTED})
OCCUPANCY = frozenset({WebhookKind.CHANNEL_OCCUPIED, WebhookKind.CHANNEL_VACATED, *OF_USERS})
COUNTED = frozenset({*OCCUPANCY, WebhookKind.SUBSCRIPTION_COUNT})
"""What needs to know on which nodes a channel has subscribers."""
MEMBERS = frozenset({WebhookKind.MEMBER_JOINED, WebhookKind.MEMBER_LEFT})

RETURNS: Mapping[str, str] = {
    WebhookKind.CHANNEL_VACATED: WebhookKind.CHANNEL_OCCUPIED,
    WebhookKind.MEMBER_LEFT: WebhookKind.MEMBER_JOINED,
    WebhookKind.USER_DISCONNECTED: WebhookKind.USER_CONNECTED,
}
"""What cancels what."""


class Interest(msgspec.Struct, frozen=True, kw_only=True):
    """What one webhook asks for.

    Attributes:
        webhook: Its id.
        app: The app whose own channels it is about; None for the channels without an app.
        channels: A glob of their names. Events of users have none.
    """

    webhook: str
    app: str | None = None
    events: tuple[WebhookKind, ...]
    channels: str = "*"


def is_covered(interest: Interest, by: Iterable[Interest]) -> bool:
    """Whether one of these asks for all of it."""
    return any(
        (one.webhook, one.app, one.channels) == (interest.webhook, interest.app, interest.channels)
        and {*interest.events} <= {*one.events}
        for one in by
    )


class Wanted(msgspec.Struct, frozen=True):
    """One webhook and the kinds of events that it asks for in one channel."""

    webhook: str
    kinds: frozenset[WebhookKind]


class WebhookInterests:
    """What all webhooks of a deployment ask for; it may change while a process runs."""

    def __init__(self, interests: Iterable[Interest] = ()) -> None:
        self.all: tuple[Interest, ...] = tuple(interests)
        self._globs = [Globs((one.channels,)) for one in self.all]
        self._known: dict[str, tuple[Wanted, ...]] = {}

    def use(self, interests: Iterable[Interest]) -> None:
        """What they ask for from now on."""
        self.all = tuple(interests)
        self._globs = [Globs((one.channels,)) for one in self.all]
        self._known.clear()

    def of(self, name: str, kinds: frozenset[WebhookKind]) -> tuple[Wanted, ...]:
        """Who asks for any of these kinds in a channel, or of a user by its own channel's name."""
        if not self.all:
            return ()
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= NAMES_KEPT_MAX:
                self._known.clear()
            found = self._known[name] = tuple(self._found(name))
        return tuple(one for one in found if one.kinds & kinds)

    def _found(self, name: str) -> Iterable[Wanted]:
        app, inner = divided(name)
        is_user = user_of(inner) is not None
        # For a minute after a change a webhook has two interests: it is sent the events of both.
        found: dict[str, frozenset[WebhookKind]] = {}
        for interest, globs in zip(self.all, self._globs, strict=True):
            if interest.app == app and (is_user or globs.match(inner)):
                kinds = frozenset(one for one in interest.events if (one in OF_USERS) == is_user)
                found[interest.webhook] = kinds | found.get(interest.webhook, frozenset())
        return (Wanted(webhook, kinds) for webhook, kinds in found.items() if kinds)
