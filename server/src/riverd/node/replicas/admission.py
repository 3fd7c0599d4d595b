"""Whose turn it is to be admitted to a channel, and what the others wait for. Looks, never acts."""

from collections.abc import Container
from enum import Enum

from riverd.core.presence import PresenceReplica
from riverd.core.recovery import is_ahead
from riverd.core.session import Subscription
from riverd.model.log import Member, Position
from riverd.node.replicas.attachment import Attachment


class Obstacle(Enum):
    """What a subscriber waits for."""

    ENTRY = "the broker's answer that the user is a member"
    VERSION = "the change that makes the user a member here"
    LIST = "the list of members that the broker has now"
    AHEAD = "a read: the client has seen more of the log than this node"
    START = "the broker's answer that it knows from where on the page has the channel"


def obstacle_to(
    attachment: Attachment,
    subscription: Subscription,
    *,
    confirmed: Container[Subscription],
) -> Obstacle | None:
    """What keeps a subscriber out that waits for a channel which is there, if anything.

    Since the `confirmed` ones came, the broker was asked: it has no more than this node has now.
    """
    channel, request = attachment.channel, subscription.request
    assert channel is not None, "it has a replica"
    if channel.presence is not None and subscription.member is not None:
        obstacle = _obstacle_of_member(attachment, subscription.member, presence=channel.presence)
        if obstacle is not None:
            return obstacle
    wanted = None if request is None else request.position
    if wanted is not None and is_ahead(wanted, channel.log) and subscription not in confirmed:
        return Obstacle.AHEAD
    tab = subscription.session.tab
    if tab is not None and tab.lacks_start(subscription.channel):
        return Obstacle.START
    return None


def version_of(attachment: Attachment, member: Member | None) -> Position | None:
    """The version of the list from which on the member is in it, if the broker has said it."""
    entry = None if member is None else attachment.presence_entries.get(member.user)
    return None if entry is None else entry.position


def _obstacle_of_member(
    attachment: Attachment, member: Member, *, presence: PresenceReplica
) -> Obstacle | None:
    """The list of members that a subscriber is sent has the subscriber in it."""
    entered = version_of(attachment, member)
    if entered is None:
        return Obstacle.ENTRY
    if entered.epoch != presence.position.epoch:
        return Obstacle.LIST
    if presence.position.offset < entered.offset:
        return Obstacle.VERSION
    return None if presence.has(member.user) else Obstacle.ENTRY
