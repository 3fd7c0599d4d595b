"""What a client may ask of a channel: how often, and how much that makes this node send."""

from riverd.core.budget import Budget
from riverd.core.channel import Channel
from riverd.core.session import Session
from riverd.errors import ErrorCode, RiverError
from riverd.model.log import Member

JOIN_BYTES = 200
"""What others are sent of a join and of the leave that follows it, without `info`."""


def check_members(session: Session, channel: Channel | None, *, member: Member | None) -> None:
    """Find out whether one more may be a member, as far as this node knows."""
    limit = session.protocol.presence_max
    if limit is None or member is None or channel is None or channel.presence is None:
        return
    if channel.presence.count >= limit and not channel.presence.has(member.user):
        raise RiverError(ErrorCode.TOO_MANY_MEMBERS, f"more than {limit} members")


def take_event(session: Session, now: float) -> None:
    """Take one event out of the budget that the client's protocol gives it, if it does."""
    rate = session.protocol.publish_rate
    if rate is None:
        return
    if session.published is None:
        session.published = Budget(rate, rate, now=now)
    if session.published.is_spent(now):
        raise RiverError(ErrorCode.TOO_FAST, f"more than {rate:g} events a second")
    session.published.take(1, now=now)


def take_fanout(session: Session, channel: Channel | None, *, size: int, now: float) -> None:
    """Take what a client makes this node send to a channel out of the client's budget."""
    if channel is None:
        return
    if session.sent_bytes is None:
        session.sent_bytes = session.limits.fanout_budget(now)
    if session.sent_bytes.is_spent(now):
        raise RiverError(ErrorCode.TOO_FAST, "too many bytes for others: ask again later")
    session.sent_bytes.take(size * channel.subscribers, now=now)
