"""The requests of webhooks: River's own form, and Pusher's. Each time they are signed anew."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from riverd.auth.webhooks import WebhookEndpoint, WebhookForm, sign, sign_for_pusher
from riverd.broker.webhooks import OccupiedNow, QueuedEvent
from riverd.channels import divided, user_of
from riverd.protocols.pusher.payload import shown
from riverd.webhook_events import RESET, WebhookKind

PUSHER_NAMES: Mapping[str, str] = {
    WebhookKind.MEMBER_JOINED: "member_added",
    WebhookKind.MEMBER_LEFT: "member_removed",
}


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
    """One event in River's form; see docs/webhooks.md."""

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
) -> WebhookRequest | None:
    """The request that has these events; None if there is nothing to say in this form."""
    if endpoint.form is WebhookForm.PUSHER:
        return _pusher_request(endpoint, events, truth=truth, now_ms=now_ms)
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


class _PusherEvent(msgspec.Struct, omit_defaults=True):
    name: str
    channel: str
    user_id: str | None = None
    event: str | None = None
    data: msgspec.Raw | None = None
    socket_id: str | None = None
    subscription_count: int | None = None


class _PusherBody(msgspec.Struct):
    time_ms: int
    events: list[_PusherEvent]


def _pusher_request(
    endpoint: WebhookEndpoint, events: Sequence[QueuedEvent], *, truth: TruthNow, now_ms: int
) -> WebhookRequest | None:
    found = [made for one in events for made in _pusher_events(one, truth)]
    if not found:
        return None
    body = msgspec.json.encode(_PusherBody(now_ms, found))
    signature = sign_for_pusher(endpoint.secrets[0], body)
    return WebhookRequest({"X-Pusher-Key": endpoint.key, "X-Pusher-Signature": signature}, body)


def _pusher_events(queued: QueuedEvent, truth: TruthNow) -> Iterator[_PusherEvent]:
    """The events that its protocol has. It knows no reset: what is true now is said in events."""
    channel = divided(queued.channel)[1]
    if queued.kind == RESET:
        for one in truth.occupied:
            name = divided(one.channel)[1]
            yield _PusherEvent(WebhookKind.CHANNEL_OCCUPIED, name)
            for user in one.members or ():
                yield _PusherEvent("member_added", name, user)
    elif channel:
        yield _PusherEvent(
            PUSHER_NAMES.get(queued.kind, queued.kind),
            channel,
            queued.user,
            queued.event,
            None if queued.data is None else msgspec.Raw(shown(queued.data)),
            queued.session,
            queued.count,
        )
