"""Looking at channels: counts, position, history, members."""

from collections.abc import Mapping

from msgspec import UNSET, Raw

from riverd.api.context import Api, Call
from riverd.api.responses import (
    ChannelList,
    ChannelState,
    Counted,
    Entry,
    History,
    Presence,
    Present,
    ShownPolicy,
)
from riverd.channels.names import INTERNAL, check_channel
from riverd.errors import ErrorCode, RiverError
from riverd.model.log import Occupancy, Position
from riverd.scheduling.portions import sorted_portions

HISTORY_DEFAULT = 100
HISTORY_MAX = 1_000
_DIGITS_MAX = 18


async def list_channels(api: Api, call: Call) -> ChannelList:
    """The channels that have subscribers, with their counts."""
    prefix = call.query.get("prefix", "")
    if prefix:
        # A prefix that no name can have is a mistake, and no request for nothing.
        check_channel(prefix)
    most = limit_in(call.query) if "limit" in call.query else None
    occupied = await api.broker.occupied(prefix, limit=None if most is None else most + 1)
    channels: dict[str, Counted] = {}
    async for some in sorted_portions(list(occupied)):
        for name in some:
            if name.startswith(INTERNAL):
                continue
            if len(channels) == most:
                return ChannelList(channels, more=True)
            channels[name] = _counted(api, name, occupancy=occupied[name])
    return ChannelList(channels, more=False)


async def channel_state(api: Api, call: Call) -> ChannelState:
    """One channel's counts and position; a channel without subscribers has zeros.

    Also a channel without publications gets an epoch, and keeps it for two minutes: a page that is
    rendered with this position can resume from it.
    """
    name = check_channel(call.path["channel"])
    counted = _counted(api, name, occupancy=await api.broker.occupancy(name))
    position = (await api.broker.read(name, limit=1, keep=True)).position
    return ChannelState(
        name, counted.subscribers, position.epoch, position.offset, users=counted.users
    )


async def channel_policy(api: Api, call: Call) -> ShownPolicy:
    """What holds for a channel, and which rule decides."""
    name = check_channel(call.path["channel"])
    policy = api.rules.of(name)
    match = None if policy.rule is None else api.rules.rules[policy.rule].match
    access = "guest" if policy.is_for_guests else "grant" if policy.needs_grant else "open"
    return ShownPolicy(
        name,
        match,
        access,
        policy.has_members,
        policy.client_publish,
        policy.history_size,
        policy.history_ttl_s,
        policy.history_bytes,
        policy.last_ttl_s,
    )


async def history(api: Api, call: Call) -> History:
    """Publications after a position, or the last ones."""
    name = check_channel(call.path["channel"])
    limit = limit_in(call.query)
    after = _position(call.query)
    tail = await api.broker.read(name, after=after, limit=limit, keep=after is None)
    entries = [
        Entry(one.offset, one.event, Raw(one.data), UNSET if one.user is None else one.user)
        for one in tail.publications
    ]
    return History(name, tail.position.epoch, tail.position.offset, entries)


async def presence(api: Api, call: Call) -> Presence:
    """All members of a presence channel."""
    name = check_channel(call.path["channel"])
    if not api.rules.has_members(name):
        raise RiverError(ErrorCode.CHANNEL_INVALID, f"{name} has no list of members")
    members = (await api.broker.members(name)).members
    listed = [
        Present(member.user, UNSET if member.info is None else Raw(member.info))
        for member in members.values()
    ]
    return Presence(name, len(listed), listed)


def _counted(api: Api, name: str, *, occupancy: Occupancy) -> Counted:
    if not api.rules.has_members(name):
        return Counted(occupancy.subscribers)
    return Counted(occupancy.subscribers, occupancy.users or 0)


def _position(query: Mapping[str, str]) -> Position | None:
    epoch, offset = query.get("epoch"), _number(query, "offset")
    if epoch is None and offset is None:
        return None
    if epoch is None or offset is None:
        raise RiverError(ErrorCode.INVALID_FIELD, "epoch and offset go together")
    return Position(epoch, offset)


def limit_in(query: Mapping[str, str], default: int = HISTORY_DEFAULT) -> int:
    """How many are wanted at the most; `default` where the query does not say it.

    Raises:
        RiverError: invalid_field.
    """
    limit = _number(query, "limit")
    if limit is None:
        return default
    if not 1 <= limit <= HISTORY_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"limit: 1 to {HISTORY_MAX}")
    return limit


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise RiverError(ErrorCode.INVALID_FIELD, f"{name}: a whole number, 0 or more")
    return int(text)
