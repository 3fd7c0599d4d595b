"""`river trace`: what a user, a channel, a session or an address does, live in the terminal."""

import time
from datetime import UTC, datetime

import click
import msgspec

from riverd.api.responses import Traced
from riverd.commands.api_client import call
from riverd.commands.asking import asks, text
from riverd.commands.targets import FindTarget
from riverd.commands.terminal_text import seen
from riverd.model.facts import TraceLine

POLL_S = 0.5
SECONDS_MAX = 3_600


@click.command(short_help="Follow what a user, a channel or a session does.")
@click.option("--user", help="Follow the sessions of this user.")
@click.option("--channel", help="Follow this channel.")
@click.option("--session", help="Follow this session.")
@click.option("--address", help="Follow the sessions of this address.")
@click.option("--payloads", is_flag=True, help="Show the data of events, up to 4 KiB each.")
@click.option(
    "--seconds",
    type=click.IntRange(1, SECONDS_MAX),
    default=300,
    show_default=True,
    help="End after so many.",
)
@asks
def trace(
    *, target: FindTarget, payloads: bool, seconds: int, as_json: bool, **whom: str | None
) -> None:
    """Follow what a user, a channel, a session or an address does, on all nodes.

    It ends by itself. Gateways look four times a second and show at most a hundred lines each time;
    what is not kept (keep: false) and what clients send is not seen.
    """
    if not any(whom.values()):
        raise click.UsageError("name --user, --channel, --session or --address")
    query: dict[str, object] = {**whom, "payloads": "true" if payloads else None}
    ends_at = time.monotonic() + seconds
    try:
        while time.monotonic() < ends_at:
            answer = call(target(), "GET /trace", query=query)
            found = msgspec.json.decode(answer, type=Traced)
            for line in found.lines:
                shown = msgspec.json.encode(line).decode() if as_json else _shown(line)
                click.echo(seen(shown))
            query |= {"id": found.id, "after": found.after or None}
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        return


def _shown(line: TraceLine) -> str:
    at = datetime.fromtimestamp(line.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    parts = [at, f"{line.node:<12}", f"{line.kind:<13}", line.session, line.channel]
    parts += [str(line.offset)] if line.offset >= 0 else []
    parts += [line.event, f"{line.size} B" if line.size else "", line.text]
    if line.data is not msgspec.UNSET:
        parts.append(text(line.data))
    return "  ".join(part for part in parts if part)
