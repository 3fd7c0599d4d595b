"""`river doctor`: what is wrong between a client and River, and what to do about it."""

import json
import os
import sys
import time
from functools import partial

import click
import msgspec
from rich.console import Console
from rich.status import Status as RichStatus
from rich.text import Text

from riverd.commands import dev_file as devfile
from riverd.commands.doctor.address import Address, AddressError, parse
from riverd.commands.doctor.between import walk_inwards
from riverd.commands.doctor.finding import Finding, Status, WalkOutcome, outcome_of
from riverd.commands.doctor.visit import VisitOptions
from riverd.errors import SettingsError
from riverd.service.environment import load
from riverd.service.secret_settings import API_KEYS, TOKEN_SECRETS, SecretSetting

IDLE_S_MAX = 3_600.0
TIMEOUT_S_MAX = 60.0
_MARKS = {
    Status.OK: ("ok", "green"),
    Status.WARNING: ("warning", "yellow"),
    Status.BROKEN: ("broken", "bold red"),
    Status.SKIPPED: ("-", "dim"),
    Status.NOT_CHECKED: ("?", "yellow"),
}
_EXIT_CODES = {WalkOutcome.FINE: 0, WalkOutcome.BROKEN: 1, WalkOutcome.NOT_CHECKED: 3}
_NAME_COLUMNS, _MARK_COLUMNS = 10, 8


@click.command(short_help="Name what is broken between here and a gateway.")
@click.argument("url", required=False)
@click.option(
    "--direct",
    multiple=True,
    metavar="URL",
    help="The same gateway past a proxy: names the one that breaks. Several: the outermost first.",
)
@click.option("--api-url", help="Where the publish API is. [RIVER_API_URL]")
@click.option(
    "--token",
    envvar="RIVER_TOKEN",
    help="Try this token. [RIVER_TOKEN; default: one signed with RIVER_SECRETS]",
)
@click.option("--origin", help="Try as a page of this origin: https://app.example.com.")
@click.option("--channel", help="Use this channel. [default: one of its own]")
@click.option(
    "--idle",
    "idle_s",
    type=click.FloatRange(0, IDLE_S_MAX),
    default=5.0,
    show_default=True,
    help="How many seconds of silence to hold: 90 shows every proxy's timeout.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, TIMEOUT_S_MAX),
    default=5.0,
    show_default=True,
    help="How many seconds to wait for each answer.",
)
@click.option("--ca-file", help="Also trust the authorities in this file (PEM).")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
def doctor(
    *, url: str | None, direct: tuple[str, ...], as_json: bool, **given: str | float | None
) -> None:
    """Walk the way from here to the gateway at URL and name the hop that is broken, and its cure.

    URL is what clients use: wss://rt.example.com (default: that of river dev). RIVER_SECRETS and
    RIVER_API_KEYS are tried where they are set, or what RIVER_SECRETS_FROM and RIVER_API_KEYS_FROM
    name. Exits with 0 if all is fine, 1 if something is broken, 3 if something was not checked.
    """
    inside = tuple(_address(one) for one in direct)
    options = msgspec.structs.replace(_options(url, given), direct=inside)
    findings = _as_json(options) if as_json else _as_list(options)
    sys.exit(_EXIT_CODES[outcome_of(findings)])


def _options(url: str | None, given: dict[str, str | float | None]) -> VisitOptions:
    kept = devfile.read()
    if url is None and kept is None:
        raise click.UsageError("which URL? There is no .river/dev.json here to take it from")
    text = url or (kept.url if kept is not None else "")
    address = _address(text)
    # The keys of `river dev` are for what it serves, not for others.
    own = kept if kept is not None and parse(kept.url) == address else None
    values = {name: value for name, value in given.items() if value is not None}
    api_url = values.pop("api_url", None) or _setting("RIVER_API_URL") or (own and own.api_url)
    if api_url is not None and not str(api_url).startswith(("http://", "https://")):
        raise click.UsageError(f"--api-url: {api_url} does not begin with http:// or https://")
    return VisitOptions(
        address=address,
        api_url=None if api_url is None else str(api_url),
        secret=_first("RIVER_SECRETS") or _sourced(TOKEN_SECRETS) or (own.secret if own else None),
        api_key=_first("RIVER_API_KEYS") or _sourced(API_KEYS) or (own.api_key if own else None),
        issuer=_setting("RIVER_JWT_ISSUER"),
        audience=_setting("RIVER_JWT_AUDIENCE"),
        **values,  # type: ignore[arg-type]
    )


def _address(text: str) -> Address:
    try:
        return parse(text)
    except AddressError as error:
        raise click.UsageError(str(error)) from None


def _setting(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _first(name: str) -> str | None:
    """The first of a list, which is the one that signs, or is used."""
    return next((part.strip() for part in (_setting(name) or "").split(",") if part.strip()), None)


def _sourced(setting: SecretSetting[tuple[str, ...]]) -> str | None:
    """The newest of those that the source of a setting holds, None if it has no source.

    Raises:
        click.UsageError: it cannot be read.
    """
    uri = _setting(setting.source_variable)
    if uri is None:
        return None
    try:
        chosen = setting.loaded(load({setting.source_variable: uri}), time.time())
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    return setting.value(chosen)[0]


def _as_json(options: VisitOptions) -> list[Finding]:
    findings = list(walk_inwards(options))
    report = {
        "url": options.address.url,
        "ok": outcome_of(findings) is WalkOutcome.FINE,
        "outcome": outcome_of(findings).value,
        "findings": [
            {
                "check": one.check,
                "status": one.status.value,
                "message": one.message,
                "cure": one.cure,
                "ms": None if one.ms is None else round(one.ms, 1),
            }
            for one in findings
        ],
    }
    click.echo(json.dumps(report, indent=1))
    return findings


def _as_list(options: VisitOptions) -> list[Finding]:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{options.address.url}\n", style="bold"))
    findings: list[Finding] = []
    with console.status("") as status:
        begin = partial(_show, status=status, options=options)
        for finding in walk_inwards(options, begin=begin):
            findings.append(finding)
            console.print(shown(finding))
    console.print(summary(findings))
    return findings


def _show(check: str, *, status: RichStatus, options: VisitOptions) -> None:
    status.update(_doing(check, options))


def _doing(check: str, options: VisitOptions) -> str:
    return f"idle: {options.idle_s:g} s of silence" if check.startswith("idle") else check


def shown(finding: Finding) -> Text:
    """A finding: a line, and one with the cure."""
    mark, style = _MARKS[finding.status]
    text = Text("  ")
    text.append(f"{mark:<{_MARK_COLUMNS}}", style=style)
    text.append(f"{finding.check:<{_NAME_COLUMNS}}", style="bold")
    text.append(finding.message, style="dim" if finding.status is Status.SKIPPED else "")
    if finding.ms is not None:
        text.append(f"  {finding.ms:.1f} ms", style="dim")
    if finding.cure:
        text.append(
            f"\n  {'':<{_MARK_COLUMNS}}{'':<{_NAME_COLUMNS}}-> {finding.cure}", style="cyan"
        )
    return text


def summary(findings: list[Finding]) -> Text:
    """What it comes to."""
    counts = {
        status: sum(one.status is status for one in findings)
        for status in (Status.BROKEN, Status.WARNING)
    }
    if counts[Status.BROKEN]:
        first = next(one for one in findings if one.status is Status.BROKEN)
        return Text(
            f"\n{counts[Status.BROKEN]} broken; begin with {first.check}.", style="bold red"
        )
    if outcome_of(findings) is WalkOutcome.NOT_CHECKED:
        names = [one.check for one in findings if one.status is Status.NOT_CHECKED]
        return Text(
            f"\nNothing broken, but {len(names)} not checked: {', '.join(names)}.", style="yellow"
        )
    if counts[Status.WARNING]:
        return Text(f"\nIt works; {counts[Status.WARNING]} to look at.", style="yellow")
    return Text("\nAll fine.", style="bold green")
