"""Every version of every list of members that the broker ever had."""

from __future__ import annotations

from simulation.truth import demand

from riverd.model.log import Change, Member, Position

NEWS_S_MAX = 8.0
"""A node that is cut off does not know for so long what became of its seats."""

Shown = dict[str, str | None]


class Census:
    """Lists by channel, epoch and version, as clients see them: users and their `info`."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], list[Shown]] = {}
        self._given_up_s: dict[tuple[str, str], float] = {}
        self._began_s = 0.0

    def change(self, channel: str, position: Position, change: Change) -> None:
        """Note one join or leave."""
        versions = self._lists.setdefault((channel, position.epoch), [{}])
        demand(len(versions) == position.offset == change.offset, "a hole before {}", change)
        following = dict(versions[-1])
        user = change.member.user
        demand(change.joined == (user not in following), "{} changes nothing", change)
        if change.joined:
            following |= shown([change.member])
        else:
            del following[user]
        versions.append(following)

    def at(self, channel: str, position: Position) -> Shown:
        """The one list with this version."""
        versions = self._lists.get((channel, position.epoch), [{}])
        demand(position.offset < len(versions), "{} had never {}", channel, position)
        return versions[position.offset]

    def began_again(self, now_s: float) -> None:
        """All lists are empty."""
        self._began_s = now_s

    def gave_up(self, channel: str, user: str, now_s: float) -> None:
        """A seat was taken away, not left."""
        self._given_up_s[channel, user] = now_s

    def may_have_lost(self, channel: str, user: str, since_s: float) -> bool:
        """Whether a user may have lost its seat since then, though it did not leave."""
        given_up_s = max(self._began_s, self._given_up_s.get((channel, user), 0))
        return given_up_s + NEWS_S_MAX >= since_s


def shown(members: list[Member]) -> Shown:
    """Members as clients are told of them."""
    return {one.user: None if one.info is None else one.info.decode().strip('"') for one in members}
