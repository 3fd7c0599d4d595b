"""The requests of webhooks. Each time they are signed anew."""

from collections.abc import Mapping, Sequence

import msgspec

from riverd.auth.webhooks import WebhookEndpoint, sign
from riverd.broker.webhooks import OccupiedNow, QueuedEvent
from riverd.channels import divided, user_of
from riverd.webhook_events import RESET


class WebhookRequest(msgspec.Struct, frozen=True):
    """What is sent: a POST with this body."""

    headers: Mapping[str, str]
    body: bytes


class TruthNow(msgspec.Struct, frozen=True):
    """What is occupied at the moment of a reset; whether that is all."""

    occupied: Sequence[OccupiedNow] = ()
    complete: bool = True


class _ChannelNow(msgspec.Struct, omit_defaults=True):
    channel: str
    subscribers: int
    members: Sequence[str] | None = None


class _StateNow(msgspec.Struct):
    channels: list[_ChannelNow]
    users: list[str]
    complete: bool


class _RiverEvent(msgspec.Struct, omit_defaults=True):
    """One event; see docs/webhooks.md."""

    id: str
    type: str
    time_ms: int
    channel: str | None = None
    user: str | None = None
    info: msgspec.Raw | None = None
    event: str | None = None
    data: msgspec.Raw | None = None
    session: str | None = None
    subscribers: int | None = None
    reason: str | None = None
    state: _StateNow | None = None


class _RiverBody(msgspec.Struct):
    events: list[_RiverEvent]


def request_for(
    endpoint: WebhookEndpoint, events: Sequence[QueuedEvent], *, truth: TruthNow, now_ms: int
) -> WebhookRequest:
    """The request that has these events."""
    body = msgspec.json.encode(_RiverBody([_event(one, truth) for one in events]))
    # The same events have the same id: of one that was lost, and of one that was doubled.
    message_id = f"{events[0].id}-{len(events)}"
    timestamp = now_ms // 1000
    signatures = [
        sign(secret, message_id, timestamp=timestamp, body=body) for secret in endpoint.secrets
    ]
    return WebhookRequest(
        {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        },
        body,
    )


def _event(queued: QueuedEvent, truth: TruthNow) -> _RiverEvent:
    inner = divided(queued.channel)[1]
    of_user = user_of(inner)
    return _RiverEvent(
        queued.id,
        queued.kind,
        queued.at_ms,
        None if of_user is not None else inner or None,
        queued.user if of_user is None else of_user,
        None if queued.info is None else msgspec.Raw(queued.info),
        queued.event,
        None if queued.data is None else msgspec.Raw(queued.data),
        queued.session,
        queued.count,
        queued.reason,
        _state(truth) if queued.kind == RESET else None,
    )


def _state(truth: TruthNow) -> _StateNow:
    named = [(divided(one.channel)[1], one) for one in truth.occupied]
    return _StateNow(
        [
            _ChannelNow(name, one.subscribers, one.members)
            for name, one in named
            if user_of(name) is None
        ],
        [user for name, _ in named if (user := user_of(name)) is not None],
        truth.complete,
    )
