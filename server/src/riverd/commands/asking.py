"""What the publish API of any deployment is asked from a terminal: channels, history, members."""

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import click
import msgspec

from riverd.api.endpoints.channels import HISTORY_MAX
from riverd.api.responses import ChannelList, Connected, History, Presence, UserState
from riverd.channels.names import check_channel
from riverd.commands.api_client import CallFailedError, call
from riverd.commands.targets import FindTarget, with_target
from riverd.commands.terminal_text import seen, table
from riverd.errors import RiverError

_Answer = TypeVar("_Answer")
_POSITION = re.compile(r"([^:]{1,64}):(\d{1,18})")


class OrderAnswer(msgspec.Struct, frozen=True):
    """What an order to all nodes has come to, as far as this version of the API says."""

    reached: int | None = None
    unanswered: list[str] = []

    def __str__(self) -> str:
        said = "ordered" if self.reached is None else f"connections reached: {self.reached}"
        return f"{said}; no answer from {', '.join(self.unanswered)}" if self.unanswered else said


as_json = click.option("--json", "as_json", is_flag=True, help="The API's answer as it came.")


def show(answer: bytes, kind: type[_Answer], *, as_json: bool) -> _Answer | None:
    """The answer as a value; None if it was printed as it is.

    Raises:
        CallFailedError: it is not what a publish API answers.
    """
    if as_json:
        click.echo(seen(text(answer)))
        return None
    return decoded(answer, kind)


def decoded(answer: bytes, kind: type[_Answer]) -> _Answer:
    """The answer as a value.

    Raises:
        CallFailedError: it is not what a publish API answers.
    """
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as error:
        raise CallFailedError(f"the answer is not a publish API's: {error}") from None


def checked(channel: str) -> str:
    """A channel's name.

    Raises:
        click.UsageError: it is none.
    """
    try:
        return check_channel(channel)
    except RiverError as error:
        raise click.UsageError(error.message) from None


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """A command with `--json` and what names the API."""
    return with_target(as_json(functools.wraps(command)(command)))


@click.command(short_help="List the channels that have subscribers.")
@click.argument("prefix", default="")
@asks
def channels(*, target: FindTarget, prefix: str, as_json: bool) -> None:
    """List the channels that have subscribers, or those whose names begin with PREFIX."""
    answer = call(target(), "GET /channels", query={"prefix": prefix or None})
    found = show(answer, ChannelList, as_json=as_json)
    if found is not None:
        rows = [
            (name, one.subscribers, "" if one.users is msgspec.UNSET else one.users)
            for name, one in found.channels.items()
        ]
        click.echo(table(("CHANNEL", "SUBSCRIBERS", "USERS"), rows, empty="no subscribers"))


@click.command(short_help="Show what was published in a channel.")
@click.argument("channel")
@click.option("--limit", type=click.IntRange(1, HISTORY_MAX), help="The most. [default: 100]")
@click.option("--after", metavar="EPOCH:OFFSET", help="What follows this position.")
@asks
def history(
    *, target: FindTarget, channel: str, limit: int | None, after: str | None, as_json: bool
) -> None:
    """Show what was published in CHANNEL last, or after a position; the oldest first."""
    query: dict[str, object] = {"channel": checked(channel), "limit": limit}
    if after is not None:
        position = _POSITION.fullmatch(after)
        if position is None:
            raise click.BadParameter(f"{after!r} is no position: EPOCH:OFFSET, as it is shown")
        query |= {"epoch": position[1], "offset": position[2]}
    answer = call(target(), "GET /channels/-/history", query=query)
    found = show(answer, History, as_json=as_json)
    if found is not None:
        rows = [
            (one.offset, one.event, "" if one.user is msgspec.UNSET else one.user, text(one.data))
            for one in found.publications
        ]
        click.echo(table(("OFFSET", "EVENT", "USER", "DATA"), rows, empty="nothing is kept"))
        click.echo(f"{found.channel} stands at {found.epoch}:{found.offset}", err=True)


@click.command(short_help="Show who is in a presence channel.")
@click.argument("channel")
@asks
def presence(*, target: FindTarget, channel: str, as_json: bool) -> None:
    """Show who is in the presence channel CHANNEL."""
    query = {"channel": checked(channel)}
    answer = call(target(), "GET /channels/-/presence", query=query)
    found = show(answer, Presence, as_json=as_json)
    if found is not None:
        rows = [
            (one.user, "" if one.info is msgspec.UNSET else text(one.info)) for one in found.members
        ]
        click.echo(table(("USER", "INFO"), rows, empty="nobody"))


@click.command(short_help="Show the connections of a user.")
@click.argument("user")
@asks
def users(*, target: FindTarget, user: str, as_json: bool) -> None:
    """Show the connections of USER on all nodes, and what each is subscribed to."""
    answer = call(target(), "GET /users/-", query={"user": user})
    found = show(answer, UserState, as_json=as_json)
    if found is not None:
        heads = ("SESSION", "NODE", "SINCE", "CLIENT", "CHANNELS")
        rows = [
            (one.session, one.node, _time(one.since), one.client, _names(one))
            for one in found.connections
        ]
        click.echo(table(heads, rows, empty="not connected"))
        if found.more:
            click.echo(f"and {found.more:,} more", err=True)
        if found.unanswered:
            click.echo(f"no answer from {', '.join(found.unanswered)}", err=True)


def _names(one: Connected) -> str:
    more = f" and {one.channels_more:,} more" if one.channels_more else ""
    return " ".join(one.channels) + more


@click.command(short_help="Log a user out everywhere.")
@click.argument("user")
@asks
def revoke(*, target: FindTarget, user: str, as_json: bool) -> None:
    """Refuse all tokens that USER has until now, on every node, and close its connections."""
    order = b'{"revoke":true}'
    answer = call(target(), "POST /users/-/disconnect", query={"user": user}, body=order)
    found = show(answer, OrderAnswer, as_json=as_json)
    if found is not None:
        click.echo(found)


@click.command(short_help="Close all connections of a user.")
@click.argument("user")
@asks
def disconnect(*, target: FindTarget, user: str, as_json: bool) -> None:
    """Close all connections of USER, on every node. A client does not come back by itself."""
    answer = call(target(), "POST /users/-/disconnect", query={"user": user})
    found = show(answer, OrderAnswer, as_json=as_json)
    if found is not None:
        click.echo(found)


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def text(data: bytes | msgspec.Raw) -> str:
    """JSON in one line."""
    return msgspec.json.format(bytes(data), indent=0).decode()
