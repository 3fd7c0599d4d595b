"""What is allowed of channel rules and windows, but was hardly meant: logged at the start."""

import structlog

from riverd.channels.names import PRESENCE
from riverd.channels.rules import ChannelRules

NAMED_MAX = 10

log = structlog.get_logger()


def note_odd_rules(rules: ChannelRules, *, history_bytes: int, message_bytes_max: int) -> None:
    """Log rules that never decide, or that are to count guests, and windows that are too small.

    The largest message does not fit into those. Windows of 0 bytes are meant to keep nothing.
    """
    never = list(rules.undecided())
    for number, first in never[:NAMED_MAX]:
        log.warning(
            "rule_never_decides",
            rule=f"{number} ({rules.rules[number - 1].match})",
            first=f"{first} ({rules.rules[first - 1].match})",
            unnamed=max(0, len(never) - NAMED_MAX),
            text="RIVER_CHANNEL_RULES: the first rule that fits decides; put the narrow one first",
        )
    watched = [
        f"rule {number} ({rule.match})"
        for number, rule in enumerate(rules.rules, 1)
        if rule.access == "guest"
        and rule.presence is not False
        and (rule.presence or rule.match.startswith(PRESENCE))
    ]
    if watched:
        log.warning(
            "guests_are_no_members",
            rules=watched[:NAMED_MAX],
            text='RIVER_CHANNEL_RULES: "access": "guest" where members are counted: guests '
            "are none (docs/guests.md says how to count them)",
        )
    small = [
        f"rule {number} ({rule.match}): history_bytes {rule.history_bytes}"
        for number, rule in enumerate(rules.rules, 1)
        if rule.history_bytes is not None and 0 < rule.history_bytes < message_bytes_max
    ]
    if 0 < history_bytes < message_bytes_max:
        small.insert(0, f"RIVER_HISTORY_BYTES {history_bytes}")
    if small:
        log.warning(
            "history_too_small",
            settings=small[:NAMED_MAX],
            text=f"a message may have {message_bytes_max} bytes "
            "(RIVER_MAX_MESSAGE_BYTES): larger ones than the window are never resumed",
        )
