"""What is remembered of sessions and subscriptions while they live: how each began."""

import msgspec

from riverd.model.log import Position


class SessionStart(msgspec.Struct, gc=False):
    """Times are unix seconds; 0 is not yet. `client` is what it says it is."""

    at: float
    address: str | None
    client: str
    blocked_since: float = 0
    drained_at: float = 0


class SubscriptionStart(msgspec.Struct, frozen=True, gc=False):
    """It was sent what comes after `after` in `epoch`. `at` is in unix seconds.

    Args:
        had: the client's own position, if it had one.
        lost: why it could not go on there, if so.
    """

    at: float
    epoch: str
    after: int
    had: Position | None = None
    lost: str | None = None
