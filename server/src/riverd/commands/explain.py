"""`river explain`: why a user did not get a publication, or that it did."""

import click

from riverd.api.explanation import DeliveryVerdict, at
from riverd.api.responses import Explanation, Judged
from riverd.commands.api_client import call
from riverd.commands.asking import asks, checked, decoded, text
from riverd.commands.targets import FindTarget
from riverd.commands.terminal_text import seen


@click.command(short_help="Say why a user did not get a publication.")
@click.option("--user", help="Who did not get it.")
@click.option("--session", help="Which connection did not, if it has no user: its socket id.")
@click.option("--channel", required=True, help="Where it was published.")
@click.option(
    "--offset", required=True, type=click.IntRange(1), help="Its offset: what POST /publish gave."
)
@click.option("--epoch", help="The log's epoch, if it is not the one of now.")
@click.option("--app", help="The id of the Pusher app whose channel it is.")
@asks
def explain(
    *, target: FindTarget, user: str | None, channel: str, as_json: bool, **which: str | int | None
) -> None:
    """Say why USER or SESSION did not get a publication of CHANNEL, or that it did.

    Gateways remember where subscriptions began and ended, not each message: what was written to a
    socket is not received until something proves it.
    """
    if (user is None) is (which["session"] is None):
        raise click.UsageError("Give --user or --session, one of them.")
    query: dict[str, object] = {"channel": checked(channel)}
    query |= {} if user is None else {"user": user}
    query |= {name: value for name, value in which.items() if name != "offset"}
    path = f"GET /channels/-/publications/{which['offset']}/users/-"
    answer = call(target(), path, query=query)
    if as_json:
        click.echo(seen(text(answer)))
    found = decoded(answer, Explanation)
    for line in () if as_json else _lines(found):
        click.echo(seen(line))
    if found.reason == DeliveryVerdict.NOT_PUBLISHED.value:
        raise SystemExit(1)


def _lines(found: Explanation) -> list[str]:
    lines = [found.sentence, ""]
    if found.published_at is not None:
        lines.append(f"published   {at(found.published_at)}")
    for one in found.subscriptions:
        lines += _facts(one)
    lines += [f"not known   {note}" for note in found.notes]
    return lines


def _facts(one: Judged) -> list[str]:
    lines: list[str] = []
    if one.session is not None:
        lines.append(f"session     {one.session.session} on {one.node}: {one.reason}")
        for name, time in (
            ("connected", one.session.connected_at),
            ("last pong", one.session.confirmed_at),
            ("blocked", one.session.blocked_since),
            ("ended", one.session.ended_at),
        ):
            if time:
                why = f"  {one.session.ended_by}" if name == "ended" else ""
                lines.append(f"  {name:<10}{at(time)}{why}")
        client = one.session.client or "a client that says nothing of itself"
        # Of a client on the same machine there is none.
        client += f", from {one.session.address}" if one.session.address else ""
        lines.append(f"  {'client':<10}{client}")
    if one.subscription is not None:
        sent = one.subscription
        lines.append(f"  {'sent':<10}{at(sent.began_at)}  after {sent.after}, up to {sent.upto}")
    return lines
