"""What is scraped of a gateway."""

from riverd.channels import INTERNAL
from riverd.core.hub import Hub
from riverd.gateway.gateway import Gateway
from riverd.node.node import Node
from riverd.service.metrics import LabelledReading, Reading


def gateway_readings(
    gateway: Gateway, *, node: Node, hub: Hub
) -> tuple[Reading | LabelledReading, ...]:
    """Its connections, what they were sent, and how they ended."""
    return (
        Reading("river_connections", "Open WebSockets.", lambda: len(gateway.connections)),
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
            lambda: _named_channels(hub),
        ),
        Reading(
            "river_deliveries", "Events handed to clients.", lambda: hub.deliveries, counter=True
        ),
        Reading("river_gaps", "Gaps reported to clients.", lambda: hub.gaps, counter=True),
        Reading(
            "river_broker_reads",
            "Reads of channels' logs from the broker.",
            lambda: node.attachments.reads,
            counter=True,
        ),
        Reading(
            "river_refused",
            "WebSockets asked to come again later.",
            lambda: gateway.refused,
            counter=True,
        ),
        LabelledReading(
            "river_refused_by_limit",
            "WebSockets asked to come again later, by the limit that had no room.",
            "limit",
            lambda: gateway.refused_by_limit,
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
            lambda: gateway.closed_by_code,
        ),
        LabelledReading(
            "river_closed_by_client",
            "WebSockets that their client closed, by close code.",
            "code",
            lambda: gateway.closed_by_clients,
        ),
    )


def _named_channels(hub: Hub) -> int:
    """But for users' own, which nobody asked for."""
    return sum(not name.startswith(INTERNAL) for name in hub.channels)
