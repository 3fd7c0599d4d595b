"""The members of one channel as this node has them: a list, its version, its last changes."""

from collections.abc import Iterator, Mapping
from itertools import islice

from riverd.core.channel_log import Log
from riverd.model.log import Change, Member, Position, Roster
from riverd.model.replies import MemberList

LISTED_MAX = 100
COMPARED_AT_ONCE = 2_000
"""Members, of two lists."""


class PresenceReplica:
    """A replica of a channel's members. Joins and leaves are versioned changes, without holes."""

    __slots__ = ("_members", "changes")

    def __init__(self, roster: Roster) -> None:
        # As it is: a copy of very many takes long.
        self._members = roster.members
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

    def replace(self, roster: Roster, changes: list[Change] | None = None) -> list[Change]:
        """Take the list as it is now, and give the changes that lead there, if they are known."""
        if changes is None:
            changes = [one for some in self.changes_to(roster) for one in some]
        self._members = roster.members
        self.changes = Log(roster.position)
        return changes

    @property
    def members(self) -> dict[str, Member]:
        """All of them, by user. Nobody changes it as long as this list has it."""
        return self._members

    def release(self) -> dict[str, Member]:
        """Give up the members, for whom to free all at once would take too long."""
        members, self._members = self._members, {}
        return members

    def changes_to(self, roster: Roster) -> Iterator[list[Change]]:
        """The changes that lead to a list, all at its version: those of some members at a time.

        Only of use while this list has the position that it had at the start.
        """
        before, after, ours = self._members, roster.members, self.position
        version = roster.position.offset
        # One whose `info` is another left and came again.
        for some in self._slices(before, ours):
            yield [
                Change(version, joined=False, member=member)
                for member in some
                if after.get(member.user) != member
            ]
        for some in self._slices(after, ours):
            yield [
                Change(version, joined=True, member=member)
                for member in some
                if before.get(member.user) != member
            ]

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

    def _slices(self, members: Mapping[str, Member], ours: Position) -> Iterator[list[Member]]:
        # Others join and leave meanwhile, or the list is given up and emptied: then nobody wants to
        # know any more.
        before, left = self._members, iter(members.values())
        while (
            self._members is before
            and self.position == ours
            and (some := list(islice(left, COMPARED_AT_ONCE)))
        ):
            yield some
