"""The requests of webhooks: River's own form, and Pusher's. Each time they are signed anew."""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from riverd.auth.webhooks import (
    PUSHER_NAMES,
    PusherEvent,
    WebhookEndpoint,
    WebhookForm,
    sign,
    sign_for_pusher,
)
from riverd.broker.webhooks import OccupiedNow, QueuedEvent
from riverd.channels.names import PRESENCE, divided, user_of
from riverd.model.webhook_events import MEMBERS, RESET, RETURNS, TEST, WebhookKind
from riverd.protocols.pusher.payload import shown
from riverd.webhooks.outbox import Untold

_SOCKET_ID = re.compile(r"[0-9]+\.[0-9]+")


class WebhookRequest(msgspec.Struct, frozen=True):
    """What is sent: a POST with this body."""

    headers: Mapping[str, str]
    body: bytes


class TruthNow(msgspec.Struct, frozen=True):
    """What is occupied at the moment of a reset; whether that is all."""

    occupied: Sequence[OccupiedNow] = ()
    complete: bool = True


def with_leaving(
    occupied: Sequence[OccupiedNow], leaves: Sequence[QueuedEvent]
) -> list[OccupiedNow]:
    """What is occupied, and those about whom there is a leave."""
    found = {one.channel: one for one in occupied}
    for leave in leaves:
        name = leave.channel
        known = found.get(name, OccupiedNow(name, 0))
        if leave.kind == WebhookKind.MEMBER_LEFT and leave.user is not None:
            members = sorted({*(known.members or ()), leave.user})
            found[name] = replace(known, members=members)
        else:
            found[name] = replace(known, subscribers=max(known.subscribers, 1))
    return [found[name] for name in sorted(found)]


def untold_by(form: WebhookForm, truth: TruthNow) -> Untold | None:
    """What a reset cannot say in a form: in Pusher's that somebody is gone."""
    if form is not WebhookForm.PUSHER:
        return None
    occupied = {one.channel: frozenset(one.members or ()) for one in truth.occupied}
    subscribed = {one.channel for one in truth.occupied if one.subscribers}

    def is_untold(event: QueuedEvent) -> bool:
        if event.kind == WebhookKind.MEMBER_LEFT:
            return event.user not in occupied.get(event.channel, ())
        is_last_count = event.kind == WebhookKind.SUBSCRIPTION_COUNT and not event.count
        return (event.kind in RETURNS or is_last_count) and event.channel not in subscribed

    return is_untold


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
    """The request that has these events; None if its form has nothing to say of them."""
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
    """One event in Pusher's form, and an `id`: by it a receiver leaves out what comes twice."""

    id: str
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
    wanted = endpoint.interest.events
    found = [made for one in events for made in _pusher_events(one, truth, wanted=wanted)]
    # A test is a request without events: its signature can be verified, and nothing happened.
    if not found and all(one.kind != TEST for one in events):
        return None
    body = msgspec.json.encode(_PusherBody(now_ms, found))
    signature = sign_for_pusher(endpoint.secrets[0], body)
    return WebhookRequest({"X-Pusher-Key": endpoint.key, "X-Pusher-Signature": signature}, body)


def _pusher_events(
    queued: QueuedEvent, truth: TruthNow, *, wanted: Sequence[WebhookKind]
) -> Iterator[_PusherEvent]:
    channel = divided(queued.channel)[1]
    if queued.kind == RESET:
        yield from _events_now(queued.id, truth, wanted=wanted)
        return
    has_members = channel.startswith(PRESENCE)
    if not channel or (has_members and queued.kind == WebhookKind.SUBSCRIPTION_COUNT):
        return
    yield _PusherEvent(
        queued.id,
        PUSHER_NAMES.get(queued.kind, queued.kind),
        channel,
        queued.user if has_members or queued.kind in MEMBERS else None,
        queued.event,
        None if queued.data is None else msgspec.Raw(shown(queued.data)),
        _socket_of(queued.session),
        queued.count,
    )


def _events_now(
    reset: str, truth: TruthNow, *, wanted: Sequence[WebhookKind]
) -> Iterator[_PusherEvent]:
    """What is true at a reset, which Pusher does not have: the same fact has the same id again."""
    for one in truth.occupied:
        channel = divided(one.channel)[1]
        name = sha256(channel.encode()).hexdigest()[:16]
        if one.subscribers and WebhookKind.CHANNEL_OCCUPIED in wanted:
            yield _PusherEvent(f"{reset}-{name}", PusherEvent.CHANNEL_OCCUPIED, channel)
        if WebhookKind.SUBSCRIPTION_COUNT in wanted and not channel.startswith(PRESENCE):
            counted = f"{reset}-{name}-{one.subscribers}"
            yield _PusherEvent(
                counted,
                PusherEvent.SUBSCRIPTION_COUNT,
                channel,
                subscription_count=one.subscribers,
            )
        if WebhookKind.MEMBER_JOINED in wanted:
            for user in one.members or ():
                joined = sha256(f"{channel} {user}".encode()).hexdigest()[:16]
                yield _PusherEvent(f"{reset}-{joined}", PusherEvent.MEMBER_ADDED, channel, user)


def _socket_of(session: str | None) -> str | None:
    """The session as a socket's id; that of a client of River's own protocol is none."""
    is_socket = session is not None and _SOCKET_ID.fullmatch(session) is not None
    return session if is_socket else None
