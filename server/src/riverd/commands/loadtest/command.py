"""`river bench`: what is asked for, checked; then the run and its report."""

import asyncio
import secrets
import signal
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
import msgspec
import uvloop
from rich.console import Console
from rich.markdown import Markdown

from riverd.auth.tokens import SECRET_BYTES_MIN, Signer
from riverd.channels.grants import Grants
from riverd.channels.names import check_channel
from riverd.commands import dev_file as devfile
from riverd.commands.loadtest.client import Endpoint
from riverd.commands.loadtest.display import Display
from riverd.commands.loadtest.options import LoadOptions, with_options
from riverd.commands.loadtest.page import page
from riverd.commands.loadtest.plan import LoadPlan
from riverd.commands.loadtest.publisher import LoadApi, LoadPublisher
from riverd.commands.loadtest.report import Report, json_text, markdown, report
from riverd.commands.loadtest.run import Run
from riverd.commands.loadtest.tally import LoadTally
from riverd.commands.loadtest.target import (
    Target,
    TargetError,
    host_of,
    is_loopback,
    raise_file_limit,
)
from riverd.commands.subscribe import websocket_url
from riverd.errors import RiverError

TOKEN_SPARE_S = 3_600.0
API_PORT = 8001


@click.command(short_help="Put load on a deployment of yours.")
@click.argument("url", required=False)
@with_options
def bench(url: str | None, **given: object) -> NoReturn:
    """Put load on a deployment of yours, and see what it makes of it.

    URL is the gateway's, such as wss://river.example.com; without it, that of river dev. Ends
    with 0 if all went well, with 1 if something was lost, doubled or refused.
    """
    options = msgspec.convert(given, LoadOptions)
    kept = devfile.read()
    try:
        target = Target(websocket_url(url or _needed(kept).url), options.source)
        plan = _plan(options)
        token = _token(options, plan, kept=kept)
        api = _api(options, target, kept=kept)
        raise_file_limit(plan.connections)
    except TargetError as error:
        raise click.UsageError(str(error)) from None
    _confirm(options, target, plan=plan)
    report = uvloop.run(
        _measured(plan, Endpoint(target, _tls(target), token, LoadTally()), api=api)
    )
    _show(report, options)
    sys.exit(0 if report.clean else 1)


async def _measured(plan: LoadPlan, endpoint: Endpoint, *, api: LoadApi | None) -> Report:
    """The run, shown while it goes on; Ctrl-C ends it early, and its report is given all the same.

    Raises:
        TargetError: the target's address is not known.
    """
    await endpoint.target.look_up(plan.connections)
    publisher = None if api is None else LoadPublisher(plan, api, tally=endpoint.tally)
    run = Run(plan, endpoint, publisher=publisher)
    display = Display(run, endpoint.target.url)
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, run.stop)
    with display.shown():
        await run.run(display)
    return report(run, endpoint.target.url)


def _show(report: Report, options: LoadOptions) -> None:
    console = Console()
    text = markdown(report)
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        sys.stdout.write(text)
    if options.json_file is not None:
        Path(options.json_file).write_bytes(json_text(report))
    if options.html_file is not None:
        Path(options.html_file).write_text(page(report), encoding="utf-8")


# What was asked for, checked.


def _plan(options: LoadOptions) -> LoadPlan:
    prefix = f"bench-{secrets.token_hex(3)}-" if options.prefix is None else options.prefix
    try:
        check_channel(f"{prefix}{options.channels - 1}")
    except RiverError as error:
        raise TargetError(f"--prefix {prefix}: {error.message}") from None
    if options.channels_each > options.channels:
        raise TargetError(f"--channels-each is at most --channels, {options.channels}")
    return LoadPlan(
        connections=options.connections,
        channels=options.channels,
        channels_each=options.channels_each,
        rate=options.rate,
        ramp=options.ramp,
        duration_s=options.duration,
        size=options.size,
        prefix=prefix,
    )


def _token(
    options: LoadOptions, plan: LoadPlan, *, kept: devfile.DevFile | None
) -> Callable[[int], str]:
    """What makes a client's token: one user each, or the one that was given for all."""
    if options.token is not None:
        shared = options.token
        return lambda _number: shared
    secret = (options.secret or (kept.secret if kept else "")).partition(",")[0].strip()
    if not secret:
        raise TargetError("clients need tokens: give --secret (or RIVER_SECRETS), or --token")
    if len(secret.encode()) < SECRET_BYTES_MIN:
        raise TargetError(f"--secret is shorter than {SECRET_BYTES_MIN} bytes: River takes none")
    signer = Signer(secret, issuer=options.issuer, audience=options.audience)
    ttl_s = plan.ramp_s + plan.duration_s + TOKEN_SPARE_S
    grants = Grants((f"{plan.prefix}*",))
    now = time.time()
    return lambda number: signer.sign(f"bench-{number}", now=now, ttl_s=ttl_s, grants=grants)


def _api(options: LoadOptions, target: Target, *, kept: devfile.DevFile | None) -> LoadApi | None:
    """Where to publish; None if nothing is to be published."""
    if not options.rate:
        return None
    key = (options.api_key or (kept.api_key if kept else "")).partition(",")[0].strip()
    if not key:
        raise TargetError("publishing needs a key: give --api-key (or RIVER_API_KEYS), or --rate 0")
    url = options.api_url or _api_url(target, kept)
    if not url.startswith(("http://", "https://")) or not host_of(url):
        raise TargetError(f"--api-url {url}: not an http(s) URL")
    tls = ssl.create_default_context() if url.startswith("https:") else None
    return LoadApi(url, key, tls=tls)


def _api_url(target: Target, kept: devfile.DevFile | None) -> str:
    if kept is not None and websocket_url(kept.url) == target.url:
        return kept.api_url
    if is_loopback(target.host):
        return f"http://{target.host}:{API_PORT}"
    raise TargetError("where is the publish API? Give --api-url, or --rate 0 to publish nothing")


def _needed(kept: devfile.DevFile | None) -> devfile.DevFile:
    if kept is None:
        raise TargetError("give the gateway's URL: there is no `river dev` in this folder")
    return kept


def _tls(target: Target) -> ssl.SSLContext | None:
    return ssl.create_default_context() if target.is_secure else None


def _confirm(options: LoadOptions, target: Target, *, plan: LoadPlan) -> None:
    """Nobody puts load on other people's machines by a slip of the keyboard."""
    hosts = {target.host, host_of(options.api_url or target.url)}
    others = sorted(host for host in hosts if not is_loopback(host))
    if options.yes or not others:
        return
    load = (
        f"This opens {plan.connections:,} connections and publishes {plan.rate:g} times a second "
        f"for {plan.duration_s:g} s on {' and '.join(others)}."
    )
    if not sys.stdin.isatty():
        raise click.UsageError(f"{load} Say --yes if it is yours to load.")
    click.confirm(f"{load} Is it yours to load?", abort=True, err=True)
