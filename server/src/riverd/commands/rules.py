"""`river rules`: which channel rule decides for a channel, and what it says."""

import os

import click

from riverd.channels.names import PRESENCE, PRIVATE, check_channel
from riverd.channels.rules import ChannelRules
from riverd.errors import RiverError
from riverd.service.environment import channel_rules_of, load


@click.command(short_help="Say which channel rule decides for a channel.")
@click.argument("channel")
@click.option(
    "--channel-rules", metavar="JSON|@FILE", help="The rules. [RIVER_CHANNEL_RULES; default: none]"
)
def rules(channel: str, channel_rules: str | None) -> None:
    """Say which rule of RIVER_CHANNEL_RULES decides for CHANNEL, and what holds there."""
    given = {} if channel_rules is None else {"RIVER_CHANNEL_RULES": channel_rules}
    found = channel_rules_of(load({**os.environ, **given}))
    try:
        check_channel(channel)
    except RiverError as error:
        raise click.UsageError(error.message) from None
    click.echo(explained(found, channel))


def explained(rules: ChannelRules, channel: str) -> str:
    """What holds for a channel and why, as lines of text."""
    policy = rules.of(channel)
    if not rules.rules:
        decides = (
            "no rules were given (RIVER_CHANNEL_RULES or --channel-rules; no server is asked): "
            f"the defaults hold for {channel}"
        )
    elif policy.rule is None:
        decides = f"no rule fits {channel}: the defaults hold"
    else:
        rule = rules.rules[policy.rule]
        decides = f"rule {policy.rule + 1} of {len(rules.rules)} decides: match {rule.match}"
    access = "grant" if policy.needs_grant else "guest" if policy.is_for_guests else "open"
    presence = "yes" if policy.has_members else "no"
    if policy.has_members and policy.is_for_guests:
        presence += ", without guests: they are no members"
    fields = {
        "history_size": policy.history_size,
        "history_ttl_s": f"{policy.history_ttl_s:g}",
        "history_bytes": policy.history_bytes,
        "keep_last": f"for {policy.last_ttl_s:g} s" if policy.last_ttl_s else "no",
        "access": access + _private(rules, channel),
        "presence": presence + _by_prefix(rules, channel),
        "client_publish": "with a grant" if policy.client_publish else "never",
    }
    lines = [f"  {name:14}  {value}" for name, value in fields.items()]
    never = [
        f"rule {number} ({rules.rules[number - 1].match}) never decides: "
        f"rule {first} ({rules.rules[first - 1].match}) comes first"
        for number, first in rules.undecided()
    ]
    return "\n".join((decides, *lines, *never, f"digest of all rules: {rules.digest}"))


def _private(rules: ChannelRules, channel: str) -> str:
    """What has to be said of a private channel that a rule would open."""
    if not channel.startswith(PRIVATE):
        return ""
    number = rules.of(channel).rule
    opened = number is not None and rules.rules[number].access in ("open", "guest")
    return f" ({PRIVATE} channels always need one{'; the rule cannot open them' if opened else ''})"


def _by_prefix(rules: ChannelRules, channel: str) -> str:
    number = rules.of(channel).rule
    said = None if number is None else rules.rules[number].presence
    return f" (by the prefix {PRESENCE})" if said is None and channel.startswith(PRESENCE) else ""
