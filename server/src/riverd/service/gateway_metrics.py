"""What is scraped of a gateway."""

import time
from collections.abc import Callable

from riverd.core.hub import Hub
from riverd.gateway.connection_limiter import Full
from riverd.gateway.gateway import Gateway
from riverd.node.node import Node
from riverd.protocols.interface import ClientProtocol
from riverd.protocols.pusher.protocol import PusherProtocol
from riverd.service.metrics import LabelledReading, Reading

# From 0 on: the first one is an increase too.
_LIMITS = [one.value for one in Full]
_FAULT = "1011"


def gateway_readings(
    gateway: Gateway, *, node: Node, hub: Hub
) -> tuple[Reading | LabelledReading, ...]:
    """Its connections, what they were sent, and how they ended."""
    return (
        Reading("river_connections", "Open WebSockets.", lambda: len(gateway.connections)),
        _connections(
            "river_connections_by_protocol",
            "protocol",
            gateway=gateway,
            label_of=lambda one: one.name,
        ),
        _connections("river_connections_by_app", "app", gateway=gateway, label_of=_app_of),
        Reading("river_users", "Users with a connection.", lambda: len(node.users.sessions)),
        Reading(
            "river_unauthenticated",
            "Open WebSockets that have not sent a token.",
            lambda: len(gateway.limiter.strangers),
        ),
        Reading(
            "river_guests",
            "Open WebSockets that listen without a token.",
            lambda: len(gateway.limiter.guests),
        ),
        Reading(
            "river_channels",
            "Channels with a subscriber on this node.",
            lambda: named_channels(hub),
        ),
        Reading(
            "river_deliveries", "Events handed to clients.", lambda: hub.deliveries, counter=True
        ),
        Reading("river_gaps", "Gaps reported to clients.", lambda: hub.gaps, counter=True),
        *_delays(gateway, node=node, hub=hub),
        Reading(
            "river_orders_in_force",
            "Users that are logged out everywhere or blocked.",
            lambda: len(node.control.revocations),
        ),
        Reading(
            "river_session_history_bytes",
            "What is remembered of sessions, to explain what they were sent.",
            lambda: 0 if node.history is None else node.history.bytes,
        ),
        Reading(
            "river_broker_reads",
            "Reads of channels' logs from the broker.",
            lambda: node.attachments.reads,
            counter=True,
        ),
        *_ends(gateway),
    )


def _ends(gateway: Gateway) -> tuple[Reading | LabelledReading, ...]:
    return (
        Reading(
            "river_refused",
            "WebSockets asked to come again later.",
            lambda: gateway.tally.refused,
            counter=True,
        ),
        LabelledReading(
            "river_refused_by_limit",
            "WebSockets asked to come again later, by the limit that had no room.",
            "limit",
            lambda: dict.fromkeys(_LIMITS, 0.0) | gateway.tally.refused_by_limit,
        ),
        Reading(
            "river_closing",
            "Sockets of WebSockets in their close handshake.",
            lambda: len(gateway.limiter.closing),
        ),
        LabelledReading(
            "river_closed",
            "WebSockets that River closed, by close code, or lost (1006).",
            "code",
            lambda: {_FAULT: 0.0} | gateway.tally.closed_by_code,
        ),
        LabelledReading(
            "river_closed_by_client",
            "WebSockets that their client closed, by close code.",
            "code",
            lambda: gateway.tally.closed_by_clients,
        ),
    )


def _delays(gateway: Gateway, *, node: Node, hub: Hub) -> tuple[Reading, ...]:
    flushes = node.flushes
    return (
        Reading(
            "river_flushes",
            "Times that what was new was sent.",
            lambda: flushes.count,
            counter=True,
        ),
        Reading(
            "river_flush_seconds",
            "How long what was new waited to be written, and was written: without the broker.",
            lambda: flushes.seconds,
            counter=True,
        ),
        Reading(
            "river_loop_delay_seconds",
            "By how much the event loop was late last.",
            lambda: max(0.0, gateway.lag_s),
        ),
        Reading(
            "river_reload_delay_seconds",
            "How long the last client that was sent a gap is to wait before it reloads.",
            lambda: hub.reload_delays.last_s(time.monotonic()),
        ),
    )


def _connections(
    name: str, label: str, *, gateway: Gateway, label_of: Callable[[ClientProtocol], str | None]
) -> LabelledReading:
    def read() -> dict[str, float]:
        counts: dict[str, float] = {}
        for protocol, count in gateway.speaking.items():
            value = label_of(protocol)
            if value is not None:
                counts[value] = counts.get(value, 0) + count
        return counts

    return LabelledReading(name, f"Open WebSockets, by {label}.", label, read, counter=False)


def _app_of(protocol: ClientProtocol) -> str | None:
    return protocol.app.id if isinstance(protocol, PusherProtocol) else None


def named_channels(hub: Hub) -> int:
    """But for users' own, which nobody asked for."""
    return len(hub.channels) - hub.internal
