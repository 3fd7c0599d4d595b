"""The channel rules of one run: members without a prefix, other windows, no client's publishing."""

from __future__ import annotations

from random import Random

from riverd.channels.rules import ChannelRule, ChannelRules


def drawn_rules(dice: Random, *, user_channels: bool) -> ChannelRules:
    """Rules that every process of a run has."""
    return ChannelRules(
        (
            ChannelRule(match="den", presence=True),
            ChannelRule(
                match="c*",
                keep_last=True,
                last_ttl_s=dice.choice((10.0, 60.0)),
                history_size=dice.choice((0, 1, 8)),
                history_ttl_s=dice.choice((2.0, 5.0, 30.0)),
            ),
            ChannelRule(
                match="dogs", history_bytes=dice.choice((0, 30, 120, 1000)), access="guest"
            ),
            ChannelRule(match="b*", history_size=dice.randint(1, 30), client_publish=False),
        ),
        history_size=dice.randint(5, 20),
        history_ttl_s=dice.choice((5.0, 30.0, 300.0)),
        user_channels=user_channels,
    )
