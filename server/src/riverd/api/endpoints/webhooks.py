"""What is asked about webhooks: how each does, what it could not deliver, to send that again."""

import msgspec

from riverd.api import requests as bodies
from riverd.api.context import Api, Call
from riverd.api.responses import DeadWebhookEvent, DeadWebhookEvents, Replayed, WebhookList
from riverd.api.responses import WebhookState as State
from riverd.auth.webhooks import WebhookEndpoint
from riverd.broker.webhooks import DeadEvent
from riverd.channels.names import divided, user_of
from riverd.errors import ErrorCode, RiverError

DEAD_DEFAULT = 100
DEAD_MAX = 1_000
REPLAY_MAX = 10_000


class _Report(msgspec.Struct):
    """What a sender notes of its webhook."""

    delivered_at_ms: int | None = None
    failed_at_ms: int | None = None
    error: str | None = None
    attempts: int = 0


_report = msgspec.json.Decoder(_Report).decode


async def list_webhooks(api: Api, _call: Call) -> WebhookList:
    """All webhooks, each with what waits for it and how its requests went lately."""
    notes = await api.broker.webhook_queues.notes()
    return WebhookList(
        [await _state(api, one, report=_report(notes.get(one.id, b"{}"))) for one in api.webhooks()]
    )


async def dead(api: Api, call: Call) -> DeadWebhookEvents:
    """What a webhook could not deliver, the oldest first."""
    webhook = _known(api, call.path["webhook"])
    limit = _limit(call.query.get("limit"))
    found = await api.broker.webhook_queues.dead(webhook, limit)
    return DeadWebhookEvents(webhook, [_dead_event(one) for one in found])


async def replay(api: Api, call: Call) -> Replayed:
    """Send dead events again: those of these ids, or the oldest."""
    wanted = bodies.decoded(bodies.wanted_replay, call.body)
    webhook = _known(api, wanted.webhook)
    if not 1 <= wanted.limit <= REPLAY_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"limit: 1 to {REPLAY_MAX}")
    replayed = await api.broker.webhook_queues.replay(webhook, wanted.ids, limit=wanted.limit)
    return Replayed(webhook, replayed)


async def test(api: Api, call: Call) -> Replayed:
    """Send an event that only says that the webhook works."""
    webhook = _known(api, bodies.decoded(bodies.wanted_test, call.body).webhook)
    await api.broker.webhook_queues.test(webhook)
    return Replayed(webhook, 1)


async def _state(api: Api, endpoint: WebhookEndpoint, *, report: _Report) -> State:
    state = await api.broker.webhook_queues.state(endpoint.id)
    return State(
        webhook=endpoint.id,
        url=endpoint.shown_url,
        form=endpoint.form.value,
        events=endpoint.event_names,
        channels=endpoint.interest.channels,
        app=endpoint.app,
        waiting=state.waiting,
        waiting_bytes=state.waiting_bytes,
        oldest_at_ms=state.oldest_at_ms,
        dead=state.dead,
        overflows=state.overflows,
        delivered_at_ms=report.delivered_at_ms,
        failed_at_ms=report.failed_at_ms,
        error=report.error,
        attempts=report.attempts,
    )


def _dead_event(one: DeadEvent) -> DeadWebhookEvent:
    event = one.event
    channel = divided(event.channel)[1]
    user = user_of(channel)
    return DeadWebhookEvent(
        event.id,
        event.kind,
        event.at_ms,
        one.dead_at_ms,
        one.error,
        None if user is not None else channel or None,
        user or event.user,
    )


def _known(api: Api, webhook: str) -> str:
    if not any(one.id == webhook for one in api.webhooks()):
        raise RiverError(ErrorCode.NOT_FOUND, f"no webhook is called {webhook}")
    return webhook


def _limit(text: str | None) -> int:
    if text is None:
        return DEAD_DEFAULT
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= DEAD_MAX):
        raise RiverError(ErrorCode.INVALID_FIELD, f"limit: 1 to {DEAD_MAX}")
    return int(text)
