"""`river webhooks`: how they do, what could not be delivered, sending it again, sending at all."""

import os
import time
from datetime import UTC, datetime
from urllib.parse import quote

import click
import msgspec

from riverd.api.endpoints.webhooks import DEAD_DEFAULT, DEAD_MAX, REPLAY_MAX
from riverd.api.responses import DeadWebhookEvents, Replayed, WebhookList, WebhookState
from riverd.commands.api_client import call
from riverd.commands.asking import asks, show
from riverd.commands.cli import ServerCommand, with_settings
from riverd.commands.targets import FindTarget
from riverd.commands.terminal_text import table
from riverd.errors import SettingsError
from riverd.service.secret_settings import APPS, BROKER_PASSWORD, WEBHOOKS, with_secrets
from riverd.service.settings import MEMORY, Settings


@click.group(short_help="Look at webhooks, replay what failed, send a test.")
def webhooks() -> None:
    """Look at webhooks, replay what could not be delivered, send a test; or only send."""


@webhooks.command("list")
@asks
def list_webhooks(*, target: FindTarget, as_json: bool) -> None:
    """List the webhooks, with what waits for each and how its requests went."""
    found = show(call(target(), "GET /webhooks"), WebhookList, as_json=as_json)
    if found is not None:
        heads = ("WEBHOOK", "URL", "WAITING", "GIVEN UP", "LAST DELIVERED", "STATE")
        rows = [
            (
                one.webhook,
                one.url,
                one.waiting,
                one.dead,
                "never" if one.delivered_at_ms is None else _time(one.delivered_at_ms),
                _state_of(one),
            )
            for one in found.webhooks
        ]
        click.echo(table(heads, rows, empty="this publish API has no webhooks"))


@webhooks.command()
@click.argument("webhook")
@click.option(
    "--limit", type=click.IntRange(1, DEAD_MAX), help=f"The most. [default: {DEAD_DEFAULT}]"
)
@asks
def dead(*, target: FindTarget, webhook: str, limit: int | None, as_json: bool) -> None:
    """Show the events that could not be delivered to WEBHOOK, the oldest first."""
    request = f"GET /webhooks/{quote(webhook, safe='')}/dead"
    found = show(
        call(target(), request, query={"limit": limit}), DeadWebhookEvents, as_json=as_json
    )
    if found is not None:
        rows = [
            (one.id, one.type, one.channel or one.user or "", _time(one.time_ms), one.error)
            for one in found.dead
        ]
        click.echo(table(("ID", "TYPE", "ABOUT", "WRITTEN", "ERROR"), rows, empty="nothing"))


@webhooks.command()
@click.argument("webhook")
@click.option("--id", "ids", multiple=True, help="Only this event; again for more.")
@click.option(
    "--limit",
    type=click.IntRange(1, REPLAY_MAX),
    default=1_000,
    show_default=True,
    help="The most, the oldest first.",
)
@asks
def replay(
    *, target: FindTarget, webhook: str, ids: tuple[str, ...], limit: int, as_json: bool
) -> None:
    """Send WEBHOOK again what could not be delivered, each event with its old id."""
    wanted = {"webhook": webhook, "ids": ids or None, "limit": limit}
    answer = call(target(), "POST /webhooks/replay", body=msgspec.json.encode(wanted))
    found = show(answer, Replayed, as_json=as_json)
    if found is not None:
        click.echo(f"events that are sent again: {found.events}")


@webhooks.command("test")
@click.argument("webhook")
@asks
def send_test(*, target: FindTarget, webhook: str, as_json: bool) -> None:
    """Send WEBHOOK an event that only says that it works."""
    body = msgspec.json.encode({"webhook": webhook})
    found = show(call(target(), "POST /webhooks/test", body=body), Replayed, as_json=as_json)
    if found is not None:
        click.echo(f"it is on its way: see `river webhooks list` for what {found.webhook} answers")


@webhooks.command("run", cls=ServerCommand)
@with_settings()
def run_sender(chosen: Settings) -> None:
    """Send webhooks, and do nothing else: beside a publish API that runs as a function."""
    from riverd.service import composition as app  # noqa: PLC0415  the others start without it
    from riverd.service import webhook_sending  # noqa: PLC0415  the others start without it

    chosen = with_secrets(chosen, time.time(), WEBHOOKS, APPS, BROKER_PASSWORD)
    if chosen.broker == MEMORY:
        raise SettingsError("RIVER_BROKER: a broker in memory has no events of other processes")
    app.configure_logs(chosen, os.environ)
    app.run(webhook_sending.serve_webhooks(chosen))


def _state_of(webhook: WebhookState) -> str:
    if webhook.attempts:
        return f"failed {webhook.attempts} times: {webhook.error or ''}"
    return "delivers" if webhook.delivered_at_ms is not None else "nothing sent yet"


def _time(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
