"""One session's subscription of one channel: where it stands.

The hub makes subscriptions, moves them from state to state and removes them; others ask.

    state   | request | audience           | what it is sent
    --------+---------+--------------------+------------------------------------------------
    pending | set     | None               | nothing yet: the node attaches the channel, or
            |         |                    | waits for a position or for its presence entry
    behind  | None    | in its `behind`    | what comes after its own cursor, when its socket
            |         |                    | can take it
    live    | None    | in its `live`      | every flush; the cursor is the channel's
    removed | -       | None               | nothing

    pending --admit--> behind --caught up--> live --block--> behind
    any --unsubscribe--> removed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from riverd.core.audience import Audience
    from riverd.core.session import Session
    from riverd.core.starts import SubscriptionStart
    from riverd.model import Member, Subscribe

LOST = -1
"""The offset of a cursor whose channel began again: its session has to be sent a gap."""


class Subscription:
    """See the table. (`offset`, `version`) is the cursor of one that is behind.

    `member` is who the client is in this channel: not every client is somebody, and not
    everywhere the same. `start` is its witness's note of how it began, if that keeps one;
    `ended_by` says why it is over, where its client has not asked for that.
    """

    __slots__ = (
        "audience",
        "channel",
        "ended_by",
        "member",
        "offset",
        "request",
        "session",
        "start",
        "version",
    )

    def __init__(self, session: Session, request: Subscribe, *, member: Member | None) -> None:
        self.session = session
        self.channel = request.channel
        self.member = member
        self.request: Subscribe | None = request
        self.audience: Audience | None = None
        self.offset = 0
        self.version = 0
        self.start: SubscriptionStart | None = None
        self.ended_by = ""

    @property
    def is_live(self) -> bool:
        """Whether it gets each flush as it is."""
        return self.audience is not None and self in self.audience.live
