"""What one session was told of one channel, checked word for word while it is written."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from simulation.truth import demand, is_newer

from riverd.model.log import Position

if TYPE_CHECKING:
    from simulation.server import Server
    from simulation.world import World

Message = dict[str, Any]
LISTED_MAX = 100


class Ear:
    """From `subscribed` to `unsubscribed`. Everything before `offset` was told.

    After a subscribe with `history` nobody but the node knows where it begins: `earliest` and
    `latest` are the bounds, until the first event shows it.
    """

    def __init__(
        self, world: World, channel: str, user: str, *, ids: Collection[str], since_s: float
    ) -> None:
        self.channel = channel
        self.epoch = ""
        self.offset = 0
        self.users: dict[str, Any] | None = None
        self._world = world
        self._user = user
        self._ids = ids
        self._passed: dict[bytes, int] = {}
        self._since_s = since_s
        self._bounds: tuple[int, int] | None = None

    @property
    def _server(self) -> Server:
        return self._world.server

    @property
    def position(self) -> Position | None:
        """Up to where it was told; None while something that it asked for has not come."""
        if self._bounds is not None and self._next(self._bounds[1]) <= self.offset:
            return None
        return Position(self.epoch, self.offset)

    @property
    def is_at_end(self) -> bool:
        """Whether it was told everything that is in the log and not withheld from it."""
        place, current = self.position, self._server.position(self.channel)
        return (
            place is not None
            and current is not None
            and place.epoch == current.epoch
            and self._next(place.offset) > current.offset
        )

    def has_passed(self, data: bytes) -> bool:
        """Whether it was told of an event that is not kept."""
        return data in self._passed

    def subscribed(self, asked: Message, told: Message) -> None:
        """The answer to `subscribe`."""
        self.epoch, self.offset = told["epoch"], told["offset"]
        self._demand(self.offset <= self._server.truth.end(self.channel, self.epoch), told)
        wanted = asked_position(asked)
        if told["recovered"]:
            demand(
                wanted is not None
                and wanted.epoch == self.epoch
                and wanted.offset <= self.offset
                and "reason" not in told,
                "recovered what was not asked: {} {}",
                asked,
                told,
            )
            self.offset = asked["offset"]
        else:
            self._refused(wanted, told)
            self._begin(asked.get("history", 0))
        if "presence" in told:
            self._list(told["presence"])
            self._demand(self._user in (self.users or ()), told, "without the client itself")

    def hear(self, told: Message) -> None:
        """Whatever is pushed."""
        match told["type"]:
            case "event" if "offset" in told:
                self._event(told)
            case "event":
                self._ephemeral(told)
            case "gap":
                self._gap(told)
            case "joined":
                self._joined(told)
            case "left":
                self._left(told)
            case "presence":
                self._list(told)
            case _:
                self._demand(False, told)

    def agree(self, position: Position) -> None:
        """What was told of members makes the list that the broker had at this version."""
        true = self._server.census.at(self.channel, position)
        same = self.users == true
        demand(
            same,
            "{} sees {} in {}, {} was {}",
            self._user,
            self.users,
            self.channel,
            position,
            true,
        )

    def _refused(self, wanted: Position | None, told: Message) -> None:
        reason = told.get("reason")
        if wanted is None:
            self._demand(reason is None, told, "a reason for nothing")
            return
        current = self._server.position(self.channel)
        true = {
            "epoch": current is None or current.epoch != wanted.epoch,
            "window": not self._server.has(self.channel, wanted),
            "unknown": current is None or current.offset < wanted.offset,
        }
        if self._world.is_window_vague:
            return
        self._demand(true.get(reason or "", False), told, "no reason: {} {}", wanted, current)
        self._demand(not self._server.has(self.channel, wanted), told, "it is there: {}", wanted)

    def _begin(self, history: int) -> None:
        earliest = max(0, self.offset - history)
        is_vague = self._world.is_window_vague
        oldest = self.offset if is_vague else self._server.oldest(self.channel, self.epoch)
        self._bounds = (earliest, min(self.offset, max(earliest, oldest))) if history else None

    def _event(self, told: Message) -> None:
        offset = told["offset"]
        if self._bounds is not None:
            earliest, latest = self._bounds
            within = earliest < offset <= self._next(latest)
            self._demand(within, told, "history of {}", self._bounds)
            self._bounds = None
        else:
            next_one = self._next(self.offset)
            self._demand(offset == next_one, told, "after {}:{}", self.epoch, self.offset)
        self.offset = offset
        data = f'"{told["data"]}"'.encode()
        true = self._server.truth.tell(self.channel, self.epoch, offset, data=data)
        self._demand(data == true.data, told, "it was {}", true)
        self._demand(told.get("user") == true.user, told, "it was {}", true)
        self._demand(true.exclude not in self._ids, told, "it was {}", true)

    def _ephemeral(self, told: Message) -> None:
        data = f'"{told["data"]}"'.encode()
        true = self._server.truth.passing(self.channel, self.epoch, data)
        # A broker that lost its data has lost the keys of what was not answered yet.
        self._demand(self._passed.get(data) != self._server.run, told, "twice")
        self._passed[data] = self._server.run
        same = (
            true is not None
            and true.after == told["after"]
            and true.user == told.get("user")
            and true.exclude not in self._ids
        )
        self._demand(same, told, "it was {}", true)
        if self._bounds is None:
            self._demand(self._next(self.offset) > told["after"], told, "at {}", self.offset)

    def _next(self, after: int) -> int:
        place = Position(self.epoch, after)
        return self._server.truth.next_for(self._ids, self.channel, place)

    def _gap(self, told: Message) -> None:
        epoch, offset = told["epoch"], told["offset"]
        after = self.offset if self._bounds is None else self._bounds[0]
        missed = Position(self.epoch, after)
        needed = self._world.is_split or not self._server.has(self.channel, missed)
        self._demand(needed, told, "for nothing: {}", missed)
        newer = self._world.was_split or is_newer(epoch, self.epoch)
        forward = newer if epoch != self.epoch else offset > after
        self._demand(forward, told, "backwards from {}:{}", self.epoch, self.offset)
        self._demand(offset <= self._server.truth.end(self.channel, epoch), told)
        self.epoch, self.offset, self._bounds = epoch, offset, None

    def _joined(self, told: Message) -> None:
        users = self.users
        self._demand(users is not None and told["user"] not in users, told, "twice")
        if users is not None:
            users[told["user"]] = told.get("info")

    def _left(self, told: Message) -> None:
        users = self.users
        self._demand(users is not None and told["user"] in users, told, "unseen")
        if told["user"] == self._user:
            given_up = self._server.census.may_have_lost(self.channel, self._user, self._since_s)
            self._demand(given_up, told, "of itself")
        if users is not None:
            del users[told["user"]]

    def _list(self, listed: Message) -> None:
        self._demand(listed["count"] == len(listed["members"]) <= LISTED_MAX, listed, "not whole")
        self.users = {one["user"]: one.get("info") for one in listed["members"]}

    def _demand(self, held: object, told: Message, why: str = "", *of: object) -> None:
        if not held:
            reason = why.format(*of)
            demand(False, f"{self._user} in {self.channel} was told {told} {reason}")


def asked_position(asked: Message) -> Position | None:
    """The place after which a request wants to go on."""
    return Position(asked["epoch"], asked["offset"]) if "epoch" in asked else None
