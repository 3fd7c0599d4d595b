"""What can be asked of a channel with `info`: its users, its subscribers, its last event."""

from collections.abc import Collection

import msgspec

from riverd.api.pusher.call import AppCall
from riverd.channels.rules import CACHE_TTL_S
from riverd.errors import ErrorCode, RiverError
from riverd.model.log import Occupancy
from riverd.protocols.pusher import names
from riverd.protocols.pusher.names import Kind
from riverd.protocols.pusher.payload import shown

USER_COUNT = "user_count"
SUBSCRIPTION_COUNT = "subscription_count"
CACHED = "cache"
KNOWN = (USER_COUNT, SUBSCRIPTION_COUNT, CACHED)

_decode_text = msgspec.json.Decoder(str).decode


def wanted_attributes(info: str | None) -> tuple[str, ...]:
    """The attributes in a list of them.

    Raises:
        RiverError: invalid_field.
    """
    wanted = tuple(one.strip() for one in (info or "").split(",") if one.strip())
    for one in wanted:
        if one not in KNOWN:
            raise RiverError(ErrorCode.INVALID_FIELD, f"info: one of {', '.join(KNOWN)}")
    return wanted


async def attributes_of(
    call: AppCall, name: str, *, attributes: Collection[str]
) -> dict[str, object]:
    """Those of a channel, which may have just had an event: only those that it can have."""
    channel = names.internal(call.app, name)
    occupancy = await call.api.broker.occupancy(channel)
    found = counts_in(name, occupancy, attributes=attributes)
    if CACHED in attributes and names.is_cache(name):
        found[CACHED] = await _cached(call, channel)
    return found


def counts_in(name: str, occupancy: Occupancy, *, attributes: Collection[str]) -> dict[str, object]:
    """The counts among the attributes; users only where a channel has them."""
    found: dict[str, object] = {}
    if USER_COUNT in attributes and names.kind_of(name) is Kind.PRESENCE:
        found[USER_COUNT] = occupancy.users or 0
    if SUBSCRIPTION_COUNT in attributes:
        found[SUBSCRIPTION_COUNT] = occupancy.subscribers
    return found


async def _cached(call: AppCall, channel: str) -> object:
    tail = await call.api.broker.read(channel)
    for publication in reversed(tail.publications):
        if publication.is_of_back_end:
            return {"data": _decode_text(shown(publication.data)), "ttl": int(CACHE_TTL_S)}
    return None
