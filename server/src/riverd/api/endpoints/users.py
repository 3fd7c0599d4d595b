"""What is ordered about users: to close their connections, to refuse them, to take them out."""

import math
import secrets
from collections import Counter
from heapq import nsmallest

from riverd.api import requests as bodies
from riverd.api.context import Api, Call
from riverd.api.endpoints.channels import HISTORY_MAX, limit_in
from riverd.api.endpoints.tokens import check_user
from riverd.api.ordering import ask_nodes, carry_out, new_order
from riverd.api.responses import (
    Blocked,
    BlockedUser,
    Blocks,
    Connected,
    Disconnected,
    Removed,
    Unblocked,
    UserList,
    UserState,
)
from riverd.channels.names import check_channel
from riverd.errors import ErrorCode, RiverError
from riverd.model.facts import users_of
from riverd.model.orders import OrderKind, Question, StandingKind, connections_of, is_over

UNTIL_MAX_S = 32_503_680_000.0
"""The year 3000. What is beyond was meant in milliseconds, or for good."""


async def list_users(api: Api, call: Call) -> UserList:
    """The users that are connected, by name, over all nodes that answer in time."""
    limit = limit_in(call.query)
    question = Question(secrets.token_hex(8), call.query.get("prefix", ""), "users", limit=limit)
    answers = await ask_nodes(api, question, read=users_of)
    counts = Counter[str]()
    for one in answers.found.values():
        counts.update(one.users)
    names = sorted(counts)
    more = len(names) > limit or any(one.more for one in answers.found.values())
    return UserList({name: counts[name] for name in names[:limit]}, more, answers.unanswered)


async def user_state(api: Api, call: Call) -> UserState:
    """The user's connections, over all nodes that answer in time; the oldest of them."""
    limit = limit_in(call.query)
    user = check_user(call.path["user"])
    answers = await ask_nodes(api, Question(secrets.token_hex(8), user), read=connections_of)
    described = [(node, one) for node, some in answers.found.items() for one in some]
    described.sort(key=lambda found: (found[1].since, found[1].session))
    connections = [
        Connected(
            one.session,
            answers.names.get(node, ""),
            one.since,
            one.channels,
            one.client,
            one.channels_more,
        )
        for node, one in described[:limit]
    ]
    unlisted = sum(one.more for _, one in described) + len(described) - len(connections)
    return UserState(user, connections, answers.unanswered, unlisted)


async def disconnect(api: Api, call: Call) -> Disconnected:
    """Close the user's connections on every node; with `revoke` its tokens are refused too."""
    user = check_user(call.path["user"])
    wanted = bodies.decoded(bodies.wanted_disconnect, call.body or bodies.NO_BODY)
    if wanted.revoke:
        before = api.clock() + api.leeway_s
        # A token may be used for the leeway beyond its age, by a clock that is late by as much.
        ends_at = before + api.token_max_age_s + 2 * api.leeway_s
        order = new_order(api, OrderKind.REVOKE, user=user, before=before, ends_at=ends_at)
    else:
        order = new_order(api, OrderKind.DISCONNECT, user=user)
    outcome = await carry_out(api, order)
    return Disconnected(user, outcome.reached, outcome.unanswered)


async def block(api: Api, call: Call) -> Blocked:
    """Refuse the user everywhere until then, and close its connections."""
    user = check_user(call.path["user"])
    until = bodies.decoded(bodies.wanted_block, call.body or bodies.NO_BODY).until
    if until is not None:
        _check_until(until, api.clock())
    outcome = await carry_out(api, new_order(api, OrderKind.BLOCK, user=user, ends_at=until))
    return Blocked(user, until, outcome.reached, outcome.unanswered)


def _check_until(until: float, now: float) -> None:
    if not (math.isfinite(until) and until > now):
        raise RiverError(ErrorCode.INVALID_FIELD, "until: a time to come, in unix seconds, or null")
    if until > UNTIL_MAX_S:
        meant = until / 1_000
        guess = f": did you mean {meant:.0f}?" if now < meant <= UNTIL_MAX_S else ""
        raise RiverError(
            ErrorCode.INVALID_FIELD,
            f"until: beyond the year 3000; it is in seconds, null is for good{guess}",
        )


async def unblock(api: Api, call: Call) -> Unblocked:
    """Refuse the user no more; one that is not blocked stays so."""
    user = check_user(call.path["user"])
    bodies.decoded(bodies.no_fields, call.body or bodies.NO_BODY)
    await carry_out(api, new_order(api, OrderKind.UNBLOCK, user=user))
    return Unblocked(user)


async def blocks(api: Api, call: Call) -> Blocks:
    """The users who are blocked, by name: the first ones, or those after a name.

    Never more than two pages of them are held.
    """
    now, after, limit = api.clock(), call.query.get("after", ""), limit_in(call.query, HISTORY_MAX)
    first: dict[str, float | None] = {}
    async for some in api.broker.control.standings([StandingKind.BLOCKED]):
        first.update(
            (one.user, one.ends_at)
            for one in some
            if one.user > after and not one.lifted and not is_over(one, now)
        )
        first = {user: first[user] for user in nsmallest(limit + 1, first)}
    page = [BlockedUser(user, until) for user, until in first.items()]
    return Blocks(page[:limit], more=len(page) > limit)


async def remove(api: Api, call: Call) -> Removed:
    """End the user's subscriptions to a channel on every node."""
    user, channel = check_user(call.path["user"]), check_channel(call.path["channel"])
    bodies.decoded(bodies.no_fields, call.body or bodies.NO_BODY)
    order = new_order(api, OrderKind.REMOVE, user=user, channel=channel)
    outcome = await carry_out(api, order)
    return Removed(user, channel, outcome.reached, outcome.unanswered)
