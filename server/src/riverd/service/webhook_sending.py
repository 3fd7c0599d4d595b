"""Has a process send webhooks: the publish API, `river webhooks run` and `river dev` do."""

import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Sequence

import structlog

from riverd import __version__
from riverd.auth.webhooks import WebhookEndpoint, check_networks
from riverd.errors import SettingsError
from riverd.service.environment import webhook_networks_of
from riverd.service.health_port import health_listener
from riverd.service.metrics import LabelledReading
from riverd.service.process import Process
from riverd.service.settings import Settings
from riverd.service.sockets import address_of, bound_socket
from riverd.webhooks.dispatcher import Dispatcher
from riverd.webhooks.posting import Poster
from riverd.webhooks.sender import SenderSurroundings, WebhookTally

REQUESTS_END_S = 3

log = structlog.get_logger()


class WebhookSending:
    """The webhooks of a process: they are sent from `begin` to `close`."""

    def __init__(self, process: Process) -> None:
        tally = WebhookTally()
        networks = webhook_networks_of(process.settings)
        # Here and not where apps are read: gateways have the apps too, and send nothing.
        check_networks("RIVER_APPS", process.credentials.apps.webhook_endpoints(), allowed=networks)
        self._poster = Poster(networks)
        self._dispatcher = Dispatcher(
            process.brokers.new().webhook_queues,
            f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}",
            endpoints=process.credentials.webhook_endpoints,
            post=self._poster.post,
            surroundings=SenderSurroundings(tally, random.random, time.time, _buried, _overflowed),
            failed=process.failed,
        )
        process.metrics.add(*_readings(tally, process.credentials.webhook_endpoints))
        process.start_later(self._dispatcher.run)

    async def close(self) -> None:
        """Leave the webhooks to other processes at once."""
        await self._dispatcher.close()
        await self._poster.close()


async def serve_webhooks(settings: Settings) -> None:
    """Send webhooks until a signal, and say on the API's port how that goes.

    Raises:
        SettingsError: there are none, or the port is taken.
    """
    process = Process(settings)
    found = process.credentials.webhook_endpoints()
    if not found:
        raise SettingsError("there are no webhooks: set RIVER_WEBHOOKS, or `webhooks` of an app")
    sending = WebhookSending(process)
    listener = health_listener(process)
    sock = bound_socket(settings.api_host, settings.api_port, variable="RIVER_API_PORT")
    process.begin()
    await listener.start(sock)
    url = f"http://{address_of(sock)}"
    log.info("webhooks_ready", url=url, webhooks=len(found), version=__version__)
    await process.stopping.wait()
    await listener.end(REQUESTS_END_S)
    await sending.close()
    await process.end()
    log.info("webhooks_stopped")


def _buried(endpoint: WebhookEndpoint, events: int) -> None:
    log.error(
        "webhook_given_up",
        webhook=endpoint.id,
        events=events,
        text="they are kept for a week: see GET /webhooks, and POST /webhooks/replay",
    )


def _overflowed(endpoint: WebhookEndpoint) -> None:
    log.error(
        "webhook_overflow",
        webhook=endpoint.id,
        text="more waited than RIVER_WEBHOOK_MAX_BYTES: a reset stands for it",
    )


def _readings(
    tally: WebhookTally, endpoints: Callable[[], Sequence[WebhookEndpoint]]
) -> tuple[LabelledReading, ...]:
    def reading(name: str, text: str, *, counts: dict[str, float]) -> LabelledReading:
        # From 0 on: the first that is given up is an increase too.
        return LabelledReading(
            f"river_webhook_{name}",
            text,
            "webhook",
            lambda: dict.fromkeys([one.id for one in endpoints()], 0.0) | counts,
        )

    return (
        reading("delivered", "Webhook events that receivers took.", counts=tally.delivered),
        reading("failures", "Webhook requests that receivers did not take.", counts=tally.failures),
        reading("given_up", "Webhook events that were given up.", counts=tally.buried),
        reading("overflows", "How often more waited than may wait.", counts=tally.overflows),
    )
