"""Looking at an app's channels: which are occupied, one of them, its users."""

from riverd.api.ordering import carry_out, new_order
from riverd.api.pusher.attributes import (
    CACHED,
    SUBSCRIPTION_COUNT,
    USER_COUNT,
    attributes_of,
    counts_in,
    wanted_attributes,
)
from riverd.api.pusher.call import AppCall
from riverd.channels.names import APP, INTERNAL, PRESENCE, app_channel, check_channel
from riverd.errors import ErrorCode, RiverError
from riverd.model.orders import OrderKind
from riverd.protocols.pusher import names
from riverd.protocols.pusher.names import Kind
from riverd.scheduling.portions import sorted_portions


async def list_channels(call: AppCall) -> object:
    """The occupied channels of the app."""
    prefix = call.query.get("filter_by_prefix", "")
    attributes = wanted_attributes(call.query.get("info"))
    if prefix:
        check_channel(prefix)
    if USER_COUNT in attributes and not prefix.startswith(PRESENCE):
        raise _invalid(f"user_count needs filter_by_prefix={PRESENCE}")
    if CACHED in attributes:
        raise _invalid("cache can be asked of one channel only")
    app = call.app
    start = prefix if app.native else app_channel(app.id, prefix)
    occupied = await call.api.broker.occupied(start)
    channels: dict[str, object] = {}
    async for some in sorted_portions(list(occupied)):
        for channel in some:
            name = channel if app.native else channel.removeprefix(f"{APP}{app.id}:")
            if not name.startswith(INTERNAL):
                channels[name] = counts_in(name, occupied[channel], attributes=attributes)
    return {"channels": channels}


async def channel_state(call: AppCall) -> object:
    """Whether a channel is occupied, and what else was asked."""
    name = call.path["channel"]
    attributes = wanted_attributes(call.query.get("info"))
    if USER_COUNT in attributes and names.kind_of(name) is not Kind.PRESENCE:
        raise _invalid("user_count can be asked of presence channels only")
    found = await attributes_of(call, name, attributes={*attributes, SUBSCRIPTION_COUNT})
    subscribers = found[SUBSCRIPTION_COUNT]
    if SUBSCRIPTION_COUNT not in attributes:
        del found[SUBSCRIPTION_COUNT]
    return {"occupied": subscribers != 0, **found}


async def channel_users(call: AppCall) -> object:
    """The users of a presence channel."""
    name = call.path["channel"]
    if names.kind_of(name) is not Kind.PRESENCE:
        raise _invalid("users can be asked of presence channels only")
    roster = await call.api.broker.members(names.internal(call.app, name))
    return {"users": [{"id": user} for user in roster.members]}


async def terminate_connections(call: AppCall) -> object:
    """Close all connections of a user that has signed in."""
    user = call.path["user"]
    if not 1 <= len(user) <= names.USER_LENGTH_MAX:
        raise _invalid(f"a user's id has 1 to {names.USER_LENGTH_MAX} characters")
    key = names.user_key(call.app, user)
    await carry_out(call.api, new_order(call.api, OrderKind.DISCONNECT, user=key))
    return {}


def _invalid(message: str) -> RiverError:
    return RiverError(ErrorCode.INVALID_FIELD, message)
