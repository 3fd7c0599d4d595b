"""The members of one channel as this node has them: a list, its version, its last changes."""

from itertools import islice

from riverd.core.channel_log import Log
from riverd.model.log import Change, Member, Position, Roster
from riverd.model.replies import MemberList

LISTED_MAX = 100


class PresenceReplica:
    """A replica of a channel's members. Joins and leaves are versioned changes, without holes."""

    __slots__ = ("_members", "changes")

    def __init__(self, roster: Roster) -> None:
        self._members = dict(roster.members)
        self.changes: Log[Change] = Log(roster.position)

    @property
    def position(self) -> Position:
        """The version of the list."""
        return self.changes.position

    def apply(self, change: Change, now: float) -> bool:
        """Take one change. False if one before it is missing; one that is known is dropped."""
        known = change.offset <= self.changes.offset
        if not self.changes.append(change, now):
            return False
        if known:
            return True
        if change.joined:
            self._members[change.member.user] = change.member
        else:
            self._members.pop(change.member.user, None)
        return True

    def replace(self, roster: Roster) -> list[Change]:
        """Take the list as it is now. The changes that lead there, all at its version."""
        before, after = self._members, roster.members
        version = roster.position.offset
        # One whose `info` is another left and came again.
        left = [
            Change(version, joined=False, member=member)
            for user, member in before.items()
            if after.get(user) != member
        ]
        joined = [
            Change(version, joined=True, member=member)
            for user, member in after.items()
            if before.get(user) != member
        ]
        self._members = dict(after)
        self.changes = Log(roster.position)
        return left + joined

    def listed(self, limit: int | None = LISTED_MAX, *, first: Member | None = None) -> MemberList:
        """How many there are, and so many of them; `first` is one of those, if it is a member."""
        members = tuple(islice(self._members.values(), limit))
        if first is not None and first.user in self._members and len(members) < len(self._members):
            others = [member for member in members if member.user != first.user]
            members = (self._members[first.user], *others[: len(members) - 1])
        return MemberList(len(self._members), members)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._members)

    def has(self, user: str) -> bool:
        """Whether the user is a member."""
        return user in self._members

    def get(self, user: str) -> Member | None:
        """The user as a member, if it is one."""
        return self._members.get(user)
