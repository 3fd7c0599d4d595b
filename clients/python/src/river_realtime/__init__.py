"""River from Python: publish from a back end, subscribe from a service or a script."""

from river_realtime.errors import RiverError, UnreachableError
from river_realtime.rivers import AsyncRiver, River
from river_realtime.subscriber import Subscriber
from river_realtime.tokens import sign_token
from river_realtime.values import Event, Gap, History, Joined, Left, Member, Position, Presence

__all__ = [
    "AsyncRiver",
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
    "sign_token",
]
