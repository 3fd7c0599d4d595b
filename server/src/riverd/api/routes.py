"""The table of routes: what can be asked, and what for. Requests and OpenAPI both follow it."""

from functools import lru_cache

import msgspec

from riverd.api import requests as bodies
from riverd.api import responses as answers
from riverd.api.context import Api, Call
from riverd.api.endpoints import (
    channels,
    explain,
    health,
    nodes,
    publish,
    tokens,
    trace,
    users,
    webhooks,
)
from riverd.api.openapi import document
from riverd.api.route import Parameter, Route
from riverd.http.response import JSON, Response
from riverd.model.log import After, Position


async def openapi(api: Api, _call: Call) -> Response:
    """This very API, described."""
    return Response(200, _description(api.version), JSON)


@lru_cache(maxsize=1)
def _description(version: str) -> bytes:
    return msgspec.json.encode(document(ROUTES, version))


_PREFIX = Parameter("prefix", "string", "How the names begin.")
_LIMIT = Parameter("limit", "integer", f"The most that are given, up to {channels.HISTORY_MAX}.")
_AFTER = (
    Parameter("epoch", "string", "With `offset`: publications after this position."),
    Parameter("offset", "integer", "With `epoch`: publications after this position."),
    Parameter(
        "limit",
        "integer",
        f"The most that are given: {channels.HISTORY_DEFAULT} unless told, up to "
        f"{channels.HISTORY_MAX}. Without a position the last ones.",
    ),
)

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/publish",
        publish.publish,
        "Publish an event",
        gives=(Position, After, answers.Results),
        takes=bodies.Publish,
        publishes=True,
        fails=(504,),
    ),
    Route(
        "POST",
        "/publish/batch",
        publish.publish_batch,
        f"Publish up to {bodies.BATCH_MAX} events",
        gives=(answers.Results,),
        takes=bodies.Batch,
        publishes=True,
        fails=(504,),
        large=True,
    ),
    Route(
        "GET",
        "/channels",
        channels.list_channels,
        "List the channels that anybody hears",
        gives=(answers.ChannelList,),
        query=(_PREFIX, _LIMIT),
        lists=True,
    ),
    Route(
        "GET",
        "/channels/{channel}",
        channels.channel_state,
        "One channel's counts and position",
        gives=(answers.ChannelState,),
    ),
    Route(
        "GET",
        "/channels/{channel}/history",
        channels.history,
        "Publications after a position, or the last ones",
        gives=(answers.History,),
        query=_AFTER,
        fails=(410,),
    ),
    Route(
        "GET",
        "/channels/{channel}/presence",
        channels.presence,
        "The members of a presence channel",
        gives=(answers.Presence,),
    ),
    Route(
        "GET",
        "/channels/{channel}/publications/{offset}/users/{user}",
        explain.explain,
        "Why a user did not get a publication, or that it did",
        gives=(answers.Explanation,),
        query=(
            Parameter("epoch", "string", "Of the log, if it is not the one of now."),
            Parameter("app", "string", "The id of the Pusher app whose channel it is."),
            Parameter("session", "string", "Ask about one connection; the user is `-` then."),
        ),
        fails=(404,),
    ),
    Route(
        "GET",
        "/channels/{channel}/rule",
        channels.channel_policy,
        "What holds for a channel, and which rule decides",
        gives=(answers.ShownPolicy,),
    ),
    Route(
        "GET",
        "/users",
        users.list_users,
        "List the users that are connected",
        gives=(answers.UserList,),
        query=(_PREFIX, _LIMIT),
    ),
    Route(
        "GET",
        "/users/{user}",
        users.user_state,
        "A user's connections on all nodes",
        gives=(answers.UserState,),
        query=(_LIMIT,),
    ),
    Route(
        "POST",
        "/users/{user}/publish",
        publish.publish_to_user,
        "Publish an event to all connections of a user",
        gives=(Position, After),
        takes=bodies.UserPublish,
        publishes=True,
        fails=(504,),
    ),
    Route(
        "POST",
        "/users/{user}/disconnect",
        users.disconnect,
        "Close a user's connections on every node, or log it out everywhere",
        gives=(answers.Disconnected,),
        takes=bodies.WantedDisconnect,
        body_optional=True,
        fails=(504,),
        orders=True,
    ),
    Route(
        "POST",
        "/users/{user}/block",
        users.block,
        "Refuse a user everywhere",
        gives=(answers.Blocked,),
        takes=bodies.WantedBlock,
        body_optional=True,
        fails=(504,),
        orders=True,
    ),
    Route(
        "DELETE",
        "/users/{user}/block",
        users.unblock,
        "Refuse a user no more",
        gives=(answers.Unblocked,),
        takes=bodies.NoFields,
        body_optional=True,
        fails=(504,),
        orders=True,
    ),
    Route(
        "POST",
        "/users/{user}/channels/{channel}/remove",
        users.remove,
        "Take a user out of a channel on every node",
        gives=(answers.Removed,),
        takes=bodies.NoFields,
        body_optional=True,
        fails=(504,),
        orders=True,
    ),
    Route(
        "GET",
        "/blocks",
        users.blocks,
        "List blocked users",
        gives=(answers.Blocks,),
        query=(
            Parameter("after", "string", "Only users whose names come after this one."),
            Parameter("limit", "integer", f"The most that are given: {channels.HISTORY_MAX}."),
        ),
    ),
    Route(
        "GET",
        "/trace",
        trace.trace,
        "Follow what a user, a channel, a session or an address does",
        gives=(answers.Traced,),
        query=(
            Parameter("user", "string", "Whose sessions are followed."),
            Parameter("channel", "string", "The channel that is followed."),
            Parameter("session", "string", "The session that is followed."),
            Parameter("address", "string", "The address whose sessions are followed."),
            Parameter("payloads", "boolean", "Whether data of events is shown, up to 4 KiB each."),
            Parameter("id", "string", "Of the trace, as the first answer gave it."),
            Parameter("after", "string", "As the last answer gave it."),
        ),
    ),
    Route(
        "GET",
        "/nodes",
        nodes.list_nodes,
        "How all gateway processes are",
        gives=(answers.NodeList,),
    ),
    Route(
        "GET",
        "/access",
        health.access,
        "What the key may do",
        gives=(answers.Access,),
        shows_access=True,
    ),
    Route(
        "POST",
        "/nodes/{node}/drain",
        nodes.drain,
        "Have a gateway move its clients elsewhere",
        gives=(answers.Drained,),
        takes=bodies.NoFields,
        body_optional=True,
        fails=(404, 504),
        orders=True,
    ),
    Route(
        "POST",
        "/tokens",
        tokens.make_token,
        "Make a token",
        gives=(answers.Token,),
        takes=bodies.WantedToken,
        fails=(404,),
    ),
    Route(
        "GET",
        "/webhooks",
        webhooks.list_webhooks,
        "List webhooks, with what waits and how requests went",
        gives=(answers.WebhookList,),
    ),
    Route(
        "GET",
        "/webhooks/{webhook}/dead",
        webhooks.dead,
        "What a webhook could not deliver",
        gives=(answers.DeadWebhookEvents,),
        query=(
            Parameter(
                "limit",
                "integer",
                f"The most that are given: {webhooks.DEAD_DEFAULT} unless told, up to "
                f"{webhooks.DEAD_MAX}.",
            ),
        ),
        fails=(404,),
    ),
    Route(
        "POST",
        "/webhooks/replay",
        webhooks.replay,
        f"Send up to {webhooks.REPLAY_MAX:,} events again that a webhook could not deliver",
        gives=(answers.Replayed,),
        takes=bodies.WantedReplay,
        fails=(404,),
    ),
    Route(
        "POST",
        "/webhooks/test",
        webhooks.test,
        "Send a webhook an event that only says that it works",
        gives=(answers.Replayed,),
        takes=bodies.WantedTest,
        fails=(404,),
    ),
    Route("GET", "/healthz", health.alive, "Is it alive?", gives=(answers.Health,), keyless=True),
    Route(
        "GET",
        "/readyz",
        health.ready,
        "Can the broker be reached?",
        gives=(answers.Health,),
        fails=(503,),
        keyless=True,
    ),
    Route("GET", "/metrics", health.metrics, "Metrics for Prometheus", keyless=True),
    Route("GET", "/openapi.json", openapi, "This document", keyless=True),
)
