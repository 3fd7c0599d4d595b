"""The `river` command."""

import functools
import importlib
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

import click

from riverd import __version__
from riverd.auth.tokens import Signer, Verifier
from riverd.aws import ecs_metadata as ecs
from riverd.channels.grants import Grants
from riverd.channels.names import check_channel
from riverd.commands import dev_file as devfile
from riverd.commands import secret_flags
from riverd.commands.api_client import CallFailedError
from riverd.commands.greeting import greeting
from riverd.commands.sections import SectionedGroup
from riverd.commands.subscribe import LiveTail
from riverd.errors import RiverError, SettingsError
from riverd.protocols.native.codec import HISTORY_MAX
from riverd.service import secret_settings
from riverd.service.environment import load, require_api_keys, require_secrets
from riverd.service.secret_settings import (
    APPS,
    BROKER_PASSWORD,
    TOKEN_SECRETS,
    SecretSetting,
    with_app,
    with_keys,
    with_secrets,
)
from riverd.service.settings import Settings, describe, named

TOKEN_TTL_S = 3_600.0
WRONG_USAGE = 2

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Command = Callable[..., None]

MATTER_FIRST = (
    "secrets",
    "api_keys",
    "broker",
    "host",
    "port",
    "api_host",
    "api_port",
    "allowed_origins",
    "history_size",
    "history_ttl_s",
)
"""The settings that somebody who sets River up looks for."""

APART: Mapping[str, tuple[str, str]] = {
    "bench": ("riverd.commands.loadtest.command", "riverd"),
    "channels": ("riverd.commands.asking", "riverd"),
    "deploy": ("riverd_aws.command", "riverd-aws"),
    "destroy": ("riverd_aws.command", "riverd-aws"),
    "disconnect": ("riverd.commands.asking", "riverd"),
    "doctor": ("riverd.commands.doctor.command", "riverd"),
    "estimate": ("riverd.commands.estimate.command", "riverd"),
    "explain": ("riverd.commands.explain", "riverd"),
    "history": ("riverd.commands.asking", "riverd"),
    "presence": ("riverd.commands.asking", "riverd"),
    "publish": ("riverd.commands.publish", "riverd"),
    "revoke": ("riverd.commands.asking", "riverd"),
    "rules": ("riverd.commands.rules", "riverd"),
    "trace": ("riverd.commands.trace", "riverd"),
    "users": ("riverd.commands.asking", "riverd"),
    "verify": ("riverd.commands.verify.command", "riverd"),
    "webhooks": ("riverd.commands.webhooks", "riverd"),
}
"""Commands with a room of their own: the module that holds each, and the distribution it is in."""


def main() -> NoReturn:
    """Run the command. Exit codes: 0 fine, 2 wrong usage or configuration, 1 the rest."""
    secret_flags.hide()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without UTF-8 shows an escape instead of a character, and no command ends.
            stream.reconfigure(errors="backslashreplace")
    arguments = [_as_utf8(one) for one in sys.argv[1:]]
    try:
        code = cli.main(arguments, prog_name="river", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except SettingsError as error:
        click.echo(f"river: {error}", err=True)
        sys.exit(WRONG_USAGE)
    except (OSError, CallFailedError) as error:
        click.echo(f"river: {error}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _as_utf8(argument: str) -> str:
    """An argument whose bytes the locale of the environment does not know; others are as typed."""
    if argument.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in argument):
        return argument
    return os.fsencode(argument).decode("utf-8", "replace")


def with_settings(**usual: str) -> Callable[[Command], Command]:
    """Give a command all settings as flags, and itself the checked `Settings`.

    `usual` are this command's own defaults, by the settings' fields.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(**flags: str | None) -> None:
            command(load({**_by_variable(usual), **os.environ, **_by_variable(flags)}))

        for setting in reversed(list(describe())):
            default = usual.get(setting.field, setting.default) or "none"
            text = f"{setting.description} [{setting.variable}; default: {default}]"
            wrapped = click.option(setting.flag, setting.field, help=text)(wrapped)
        return wrapped

    return decorate


class ServerCommand(click.Command):
    """A command with all settings as flags: its help begins with those that matter first."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the flags in two sections."""
        flags = {
            parameter.name: record
            for parameter in self.get_params(ctx)
            if (record := parameter.get_help_record(ctx)) is not None
        }
        first = [flags.pop(name) for name in MATTER_FIRST]
        sections = {"Options that matter first": first, "All others": flags.values()}
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(list(records))


class Commands(SectionedGroup):
    """The commands of this file, and those that are loaded only when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, also of commands whose distribution is not installed."""
        return sorted({*super().list_commands(ctx), *APART})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, None for an unknown name.

        Raises:
            click.UsageError: it is in a distribution that is not installed.
        """
        if cmd_name not in APART:
            return super().get_command(ctx, cmd_name)
        module, distribution = APART[cmd_name]
        try:
            found = getattr(importlib.import_module(module), cmd_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            return _missing(cmd_name, distribution)
        return cast("click.Command", found)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Begin with `river dev`. `river COMMAND --help` has each command's options.",
)
@click.version_option(__version__, prog_name="river")
def cli() -> None:
    """River: real time beside an existing web application."""


@cli.command(cls=ServerCommand)
@with_settings()
def gateway(chosen: Settings) -> None:
    """Run a WebSocket node."""
    from riverd.service import composition as app  # noqa: PLC0415  small commands start without it
    from riverd.service import workers as supervisor  # noqa: PLC0415  small commands start without it

    chosen = with_secrets(chosen, time.time(), TOKEN_SECRETS, BROKER_PASSWORD, APPS)
    require_secrets(chosen)
    if chosen.node_name == ecs.TASK:
        chosen = named(chosen, ecs.task_arn(os.environ))
    app.configure_logs(chosen, os.environ)
    if supervisor.is_worker(os.environ):
        app.run(app.serve_gateway(chosen, lifeline=sys.stdin.fileno()))
    elif chosen.workers > 1:
        app.check_workers(chosen)
        sys.exit(supervisor.Supervisor(chosen.workers, drain_s=chosen.drain_s).run())
    else:
        app.run(app.serve_gateway(chosen))


@cli.command(cls=ServerCommand)
@with_settings()
def api(chosen: Settings) -> None:
    """Run the publish API."""
    from riverd.service import composition as app  # noqa: PLC0415  small commands start without it

    chosen = with_secrets(chosen, time.time(), *secret_settings.ALL)
    require_secrets(chosen)
    require_api_keys(chosen)
    app.configure_logs(chosen, os.environ)
    app.run(app.serve_api(chosen))


@cli.command(cls=ServerCommand, short_help="Run everything in one process: begin here.")
@with_settings(log_format="console", log_level="warning", webhook_networks="127.0.0.0/8,::1")
def dev(chosen: Settings) -> None:
    """Run everything in one process, with a secret and a key made on first use."""
    from riverd.service import composition as app  # noqa: PLC0415  small commands start without it

    chosen = with_secrets(chosen, time.time(), *secret_settings.ALL)
    # Who brings both needs no file; but where there is one, the other commands find the addresses.
    is_needed = not (chosen.secrets and chosen.api_keys)
    kept = devfile.with_app(devfile.read_if_possible(needed=is_needed) or devfile.new())
    chosen = with_keys(chosen, secret=kept.secret, api_key=kept.api_key)
    has_apps = chosen.apps is not None
    chosen = with_app(chosen, devfile.app_of(kept))
    app.configure_logs(chosen, os.environ)

    def announce(public: str, private: str) -> None:
        kept.url, kept.api_url = f"http://{public}", f"http://{private}"
        devfile.write_if_possible(kept, needed=is_needed)
        signer = Signer(chosen.secrets[0], issuer=chosen.jwt_issuer, audience=chosen.jwt_audience)
        app = None if has_apps else devfile.app_of(kept)
        click.echo(greeting(signer, public, private=private, key=chosen.api_keys[0], app=app))

    app.run(app.serve_dev(chosen, announce))


@cli.command(short_help="Print a token for a user.")
@click.option("--user", required=True, help="Who the token is for (sub).")
@click.option("--ttl", default="1h", show_default=True, help="How long: 90, 90s, 15m, 1h, 7d.")
@click.option(
    "--subscribe",
    multiple=True,
    metavar="GLOB",
    help="May subscribe to these channels; again for more. [default: all but private-*]",
)
@click.option(
    "--publish",
    multiple=True,
    metavar="GLOB",
    help="May publish to these channels; again for more. [default: none]",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME",
    help="May subscribe to this channel too, taken literally; again for more.",
)
@click.option("--info", metavar="JSON", help="What presence channels show of the user.")
def token(*, user: str, ttl: str, info: str | None, **granted: tuple[str, ...]) -> None:
    """Print a token for a user, signed with the first of RIVER_SECRETS (or that of river dev)."""
    chosen = _from_environment(TOKEN_SECRETS)
    secret = chosen.secrets[0] if chosen.secrets else _kept().secret
    issuer, audience, now = chosen.jwt_issuer, chosen.jwt_audience, time.time()
    made = Signer(secret, issuer=issuer, audience=audience).sign(
        user,
        now=now,
        ttl_s=_seconds(ttl),
        grants=Grants(granted["subscribe"] or None, granted["publish"], granted["channels"]),
        info=_object("--info", info),
    )
    try:
        Verifier((secret,), issuer=issuer, audience=audience).verify(made, now)
    except RiverError as error:
        # Better here and now than when a client brings it.
        raise click.UsageError(f"River would refuse this token: {error.message}") from None
    click.echo(made)


@cli.command(short_help="Follow a channel in the terminal.")
@click.argument("channel")
@click.option("--url", help="Where the gateway is. [default: that of river dev]")
@click.option(
    "--token", "given", envvar="RIVER_TOKEN", help="The token to use. [RIVER_TOKEN; default: made]"
)
@click.option("--user", default="tail", show_default=True, help="Who to be, if a token is made.")
@click.option(
    "--history",
    type=click.IntRange(0, HISTORY_MAX),
    default=0,
    show_default=True,
    help="Begin with the last N events.",
)
@click.option("--json", "as_json", is_flag=True, help="Print messages as they come, a line each.")
def subscribe(
    *, channel: str, url: str | None, given: str | None, user: str, history: int, as_json: bool
) -> None:
    """Follow a channel in the terminal, through lost connections, until Ctrl-C."""
    _check(check_channel, channel)
    chosen = load(os.environ) if given else _from_environment(TOKEN_SECRETS)
    kept = devfile.read()
    address = url or (kept.url if kept else f"http://{chosen.host}:{chosen.port}")

    def fresh_token() -> str:
        if given is not None:
            return given
        secret = chosen.secrets[0] if chosen.secrets else _kept().secret
        return Signer(secret, issuer=chosen.jwt_issuer, audience=chosen.jwt_audience).sign(
            user, now=time.time(), ttl_s=TOKEN_TTL_S, grants=Grants((channel,))
        )

    sys.exit(LiveTail(address, channel, token=fresh_token, history=history, as_json=as_json).run())


def _missing(name: str, distribution: str) -> click.Command:
    """Stands for a command that is not installed: it is listed, and says how to get it."""

    @click.command(
        name,
        short_help=f"(not installed: pip install {distribution})",
        context_settings={"ignore_unknown_options": True},
        add_help_option=False,
    )
    @click.argument("arguments", nargs=-1)
    def missing(arguments: tuple[str, ...]) -> None:
        del arguments
        raise click.UsageError(f"`river {name}` is not installed: pip install {distribution}")

    return missing


def _by_variable(values: Mapping[str, str | None]) -> dict[str, str]:
    """Settings by the names of their variables; those that were not given are left out."""
    variables = {one.field: one.variable for one in describe()}
    return {variables[field]: value for field, value in values.items() if value is not None}


def _from_environment(wanted: SecretSetting[Any]) -> Settings:
    """The settings, with what the source of one of them holds."""
    return with_secrets(load(os.environ), time.time(), wanted)


def _kept() -> devfile.DevFile:
    kept = devfile.read()
    if kept is None:
        raise SettingsError(
            "RIVER_SECRETS and RIVER_API_KEYS are not set, and there is no .river/dev.json here: "
            "run `river dev` in this folder, or set them"
        )
    return kept


def _check(grammar: Callable[[str], str], name: str) -> None:
    try:
        grammar(name)
    except RiverError as error:
        raise click.UsageError(error.message) from None


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,9})([smhd]?)", text)
    if found is None or not int(found[1]):
        raise click.BadParameter(f"{text!r} is no time; for example 90s, 15m, 1h, 7d")
    return float(int(found[1]) * _UNITS_S[found[2] or "s"])


def _object(flag: str, text: str | None) -> dict[str, object] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise click.BadParameter(f"{flag} is a JSON object")
    return cast("dict[str, object]", value)
