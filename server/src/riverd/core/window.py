"""Keeps the replica of a log within its channel's window: in number, in time and in bytes."""

from riverd.channels.rules import ChannelPolicy
from riverd.core.channel_log import Log
from riverd.model.log import Publication


def trim_to_window(
    log: Log[Publication], policy: ChannelPolicy, *, bytes_max: int | None, now: float
) -> int:
    """Drop what is outside of the window. Call it after everything was handed out.

    Args:
        log: the replica.
        policy: the channel's.
        bytes_max: what the log's entries may count for; None if they do not count for more.
        now: in seconds, of the clock with which entries were taken.

    Returns:
        What the dropped entries counted for.
    """
    least = _least(log, policy, now=now) if policy.last_ttl_s else 0
    dropped = 0 if bytes_max is None else log.fit(bytes_max, least=least)
    return dropped + log.trim(
        size=policy.history_size, before=now - policy.history_ttl_s, least=least
    )


def _least(log: Log[Publication], policy: ChannelPolicy, *, now: float) -> int:
    """How many of the newest outlive the window."""
    return 1 if now - log.newest_at <= policy.last_ttl_s else 0
