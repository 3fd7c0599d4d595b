"""`river verify`: what is asked for, checked; then the steps, and the report."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
import msgspec

from riverd import __version__
from riverd.commands import dev_file
from riverd.commands.api_client import CallFailedError
from riverd.commands.subscribe import websocket_url
from riverd.commands.targets import FindTarget, with_target
from riverd.commands.terminal_text import seen
from riverd.commands.verify import steps
from riverd.commands.verify.proof import PromiseCheck, PromiseVerdict, not_checked
from riverd.commands.verify.report import (
    SENTENCES,
    VerifyReport,
    as_json,
    as_page,
    figure_of,
    verify_report,
)
from riverd.commands.verify.scene import Scene

CLIENTS_MAX, RATE_MAX, SECONDS_MAX = 500, 500, 600
EXIT_CODES = {PromiseVerdict.KEPT: 0, PromiseVerdict.BROKEN: 1, PromiseVerdict.NOT_CHECKED: 3}
_MARKS = {PromiseVerdict.KEPT: ("kept", "green"), PromiseVerdict.BROKEN: ("broken", "red")}
_NOT_CHECKED = ("?", "yellow")
DETAILS_MAX = 10


class VerifyOptions(msgspec.Struct, frozen=True):
    """What is tried, and how much of it."""

    clients: int
    rate: float
    seconds: float
    drain: str | None
    only: tuple[str, ...]


StepFunction = Callable[[], Awaitable[list[PromiseCheck]]]
STEPS = ("delivery", "quiet", "history", "presence", "refusals", "drain")


@click.command(short_help="Try River's promises on a deployment of yours.")
@click.argument("gateway", metavar="URL", required=False)
@with_target
@click.option(
    "--clients",
    type=click.IntRange(2, CLIENTS_MAX),
    default=20,
    show_default=True,
    help="How many subscribers.",
)
@click.option(
    "--rate",
    type=click.FloatRange(1, RATE_MAX),
    default=20.0,
    show_default=True,
    help="Publications a second.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, SECONDS_MAX),
    default=6.0,
    show_default=True,
    help="How long to publish.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(STEPS),
    help="Try this alone; again for more. [default: all; drain only with --drain]",
)
@click.option("--drain", metavar="NODE", help="Also stop this gateway, under load. It ends.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False), help="Write the report there."
)
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False),
    help="Write the report there, as a page.",
)
def verify(
    *,
    target: FindTarget,
    gateway: str | None,
    json_file: str | None,
    html_file: str | None,
    **given: float | str | tuple[str, ...] | None,
) -> NoReturn:
    """Try River's promises on a deployment of yours: nothing lost, doubled or reordered.

    URL is the gateway's, such as wss://rt.example.com (default: that of river dev); --url, --key or
    --profile say where its publish API is. It uses channels and users of its own, and little load.
    Exits with 0 if every promise was kept, 1 if one was broken, 3 if one was not checked.
    """
    options = msgspec.convert(given, VerifyOptions)
    if "drain" in options.only and options.drain is None:
        raise click.UsageError("--only drain: which gateway? Give --drain NODE")
    kept = dev_file.read()
    if gateway is None and kept is None:
        raise click.UsageError("which URL? There is no .river/dev.json here to take it from")
    url = websocket_url(gateway or (kept.url if kept is not None else ""))
    report = asyncio.run(_report(Scene(url, target()), options))
    if json_file is not None:
        Path(json_file).write_bytes(as_json(report))
    if html_file is not None:
        Path(html_file).write_text(as_page(report), encoding="utf-8")
    click.echo(f"\n{SENTENCES[report.outcome]}")
    sys.exit(EXIT_CODES[report.outcome])


async def _report(scene: Scene, options: VerifyOptions) -> VerifyReport:
    begun, at = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    click.secho(f"{scene.gateway}\n", bold=True)
    proofs: list[PromiseCheck] = []
    try:
        async for proof in _proofs(scene, options):
            proofs.append(proof)
            _show(proof)
    finally:
        scene.close()
    seconds = time.monotonic() - begun
    return verify_report(proofs, url=scene.gateway, at=at, version=__version__, seconds=seconds)


async def _proofs(scene: Scene, options: VerifyOptions) -> AsyncIterator[PromiseCheck]:
    """What each step has shown; a step that cannot be done does not end the others."""
    for name, step in _steps(scene, options).items():
        try:
            shown = await step()
        except (steps.StepFailedError, CallFailedError) as error:
            shown = [not_checked(name, str(error))]
        for one in shown:
            yield one


def _steps(scene: Scene, options: VerifyOptions) -> dict[str, StepFunction]:
    """Those that are wanted, in their order."""
    load = steps.VerifyLoad(options.clients, options.rate, options.seconds)
    known: dict[str, StepFunction] = {
        "delivery": partial(steps.deliver, scene, load),
        "quiet": partial(steps.quiet, scene),
        "history": partial(steps.history_kept, scene),
        "presence": partial(steps.members, scene),
        "refusals": partial(steps.refusals, scene),
    }
    if options.drain is not None:
        known["drain"] = partial(steps.drain, scene, load, node=options.drain)
    return {name: step for name, step in known.items() if name in (options.only or known)}


def _show(proof: PromiseCheck) -> None:
    mark, color = _MARKS.get(proof.verdict, _NOT_CHECKED)
    figure = figure_of(proof)
    click.echo(
        f"{click.style(mark.ljust(7), fg=color)} {proof.promise}: {seen(proof.seen)}"
        f"{f', {figure}' if figure else ''}"
    )
    for one in proof.details[:DETAILS_MAX]:
        click.echo(f"        {seen(one)}")
    if len(proof.details) > DETAILS_MAX:
        click.echo(f"        and {len(proof.details) - DETAILS_MAX} more")
