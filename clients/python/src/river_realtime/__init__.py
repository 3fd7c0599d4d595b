"""River from Python: publish from a back end, subscribe from a service or a script."""

from river_realtime.async_river import AsyncRiver
from river_realtime.errors import RiverError, UnreachableError, UsageError
from river_realtime.river import River
from river_realtime.subscriber import Subscriber
from river_realtime.tokens import sign_token
from river_realtime.values import (
    ChannelState,
    Event,
    Gap,
    History,
    Joined,
    Left,
    Member,
    Position,
    Presence,
)
from river_realtime.webhooks import WebhookError, verify_webhook

__all__ = [
    "AsyncRiver",
    "ChannelState",
    "Event",
    "Gap",
    "History",
    "Joined",
    "Left",
    "Member",
    "Position",
    "Presence",
    "River",
    "RiverError",
    "Subscriber",
    "UnreachableError",
    "UsageError",
    "WebhookError",
    "sign_token",
    "verify_webhook",
]
