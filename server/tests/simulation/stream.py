"""All that one session was told, in order, against what its client had asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.ear import Ear, Message, asked_position
from simulation.truth import demand

from riverd.channels.names import OWN, user_channel
from riverd.model.log import Ephemeral, Position, Publication

if TYPE_CHECKING:
    from simulation.server import Server
    from simulation.world import World

    from riverd.channels.rules import ChannelRules


UNAUTHENTICATED = "unauthenticated"
REVOKED = ("token_revoked", "token_revoked_recently", "user_blocked")


@dataclass
class Request:
    """Something asked, and what would be a good reason to refuse it."""

    asked: Message
    at_s: float
    refusal: str | None = None


class Stream:
    """The client's requests as the session got them, and the answers as they are written.

    `moved` are the channels whose members were spoken of.
    """

    def __init__(
        self,
        world: World,
        user: str,
        *,
        ids: Sequence[str],
        rules: ChannelRules,
        is_guest: bool = False,
    ) -> None:
        self.ears: dict[str, Ear] = {}
        self.open: dict[int, Request] = {}
        self.moved: dict[str, None] = {}
        self._world = world
        self._user = user
        self._own = user_channel(user)
        self._own_asked: Request | None = None
        """The token that was answered without saying where the user's channel stands."""
        self._ids = ids
        self._rules = rules
        self._is_guest = is_guest
        self._handlers = {
            "welcome": self._greeted,
            "authenticated": self._authenticated,
            "subscribed": self._subscribed,
            "unsubscribed": self._unsubscribed,
            "published": self._published,
            "presence": self._members,
            "history": self._history,
            "pong": self._answered,
            "bye": self._greeted,
            "error": self._refused,
        }

    @property
    def _server(self) -> Server:
        return self._world.server

    def asked(self, message: Message, now_s: float, *, placed: bool) -> None:
        """The session is about to receive this; `placed` if it has the channel already."""
        kind, request = message["type"], Request(message, now_s)
        if kind == "subscribe" and placed:
            request.refusal = "already_subscribed"
        elif kind == "unsubscribe":
            for other in self.open.values():
                if other.asked["type"] == "subscribe" and not other.refusal:
                    same = other.asked["channel"] == message["channel"]
                    other.refusal = "cancelled" if same else None
        elif kind in ("publish", "presence", "history"):
            request.refusal = "broker_unavailable"
            if kind == "publish" and not self._rules.of(message["channel"]).client_publish:
                request.refusal = "forbidden"
        if self._is_guest and (
            kind == "publish" or not self._rules.admits_guests(message["channel"])
        ):
            request.refusal = UNAUTHENTICATED
        self.open[message["id"]] = request

    def told(self, message: Message) -> None:
        """The session writes this."""
        handler = self._handlers.get(message["type"])
        if handler is None or (message["type"] == "presence" and "id" not in message):
            ear = self.ears.get(self._named(message))
            demand(
                ear is not None, "{} hears of a channel that it has not: {}", self._user, message
            )
            if ear is not None:
                ear.hear(message)
                if message["type"] in ("joined", "left", "presence"):
                    self.moved[ear.channel] = None
        else:
            handler(message)

    def _named(self, message: Message) -> str:
        """What River calls the channel of a message."""
        return self._own if message["channel"] == OWN else message["channel"]

    def _greeted(self, message: Message) -> None:
        demand("id" not in message, "{} answers nothing", message)

    def _authenticated(self, message: Message) -> None:
        request = self._request(message)
        session = self._ids[-1] if "resume_session" in request.asked else None
        demand(message.get("session") == session, "{} continues another: {}", message, self._ids)
        demand(not self.ears, "{} comes after what was asked later", message)
        told = message.get("user_position")
        demand(told is None or self._rules.user_channels, "{}: there are no such channels", message)
        if told is not None:
            self._begin_own(request, told)
        elif self._rules.user_channels:
            self._own_asked = request

    def _begin_own(self, request: Request, told: Message) -> None:
        ear = self.ears[self._own] = Ear(
            self._world, self._own, self._user, ids=self._ids, since_s=request.at_s
        )
        ear.subscribed(request.asked.get("user_position") or {}, told)

    def _answered(self, message: Message) -> None:
        self._request(message)

    def _request(self, message: Message) -> Request:
        request = self.open.pop(message.get("id", -1), None)
        if request is None:
            demand(False, f"{self._user} is answered what it has not asked: {message}")
            raise AssertionError
        allowed = request.refusal != UNAUTHENTICATED
        demand(allowed, "{} answers {} of a guest", message, request.asked)
        return request

    def _subscribed(self, message: Message) -> None:
        if message["channel"] == OWN:
            waiting, self._own_asked = self._own_asked, None
            demand(waiting is not None and "id" not in message, "{} was said before", message)
            if waiting is not None:
                self._begin_own(waiting, message)
            return
        request, channel = self._request(message), message["channel"]
        demand(request.asked["type"] == "subscribe", "{} answers {}", message, request)
        demand(channel not in self.ears, "{} is subscribed twice: {}", self._user, message)
        ear = self.ears[channel] = Ear(
            self._world, channel, self._user, ids=self._ids, since_s=request.at_s
        )
        ear.subscribed(request.asked, message)
        if ear.users is not None:
            self.moved[channel] = None

    def _unsubscribed(self, message: Message) -> None:
        if "id" not in message:
            demand(message["reason"] == "removed", "{} answers nothing", message)
            self.ears.pop(message["channel"], None)
            return
        asked = self._request(message).asked
        demand(asked["channel"] == message["channel"], "{} answers {}", message, asked)
        self.ears.pop(message["channel"], None)

    def _published(self, message: Message) -> None:
        request = self._request(message)
        asked = request.asked
        demand(request.refusal != "forbidden", "{} answers {}, which is forbidden", message, asked)
        truth, channel, epoch = self._server.truth, asked["channel"], message["epoch"]
        true: Publication | Ephemeral | None
        if asked.get("keep", True):
            data = f'"{asked["data"]}"'.encode()
            true = truth.tell(channel, epoch, message["offset"], data=data)
        else:
            true = truth.passing(channel, epoch, f'"{asked["data"]}"'.encode())
            demand(true is not None and true.after == message["after"], "{}: {}", message, true)
        same = true is not None and true.data[1:-1] == asked["data"].encode()
        by = true is not None and (true.user, true.exclude) == (self._user, asked.get("exclude"))
        demand(same and by, "{} answers {}, but there is {}", message, asked, true)

    def _members(self, message: Message) -> None:
        asked = self._request(message).asked
        demand(asked["type"] == "presence", "{} answers {}", message, asked)

    def _history(self, message: Message) -> None:
        asked, channel, epoch = self._request(message).asked, message["channel"], message["epoch"]
        offsets = [entry["offset"] for entry in message["publications"]]
        after = asked_position(asked)
        last = message["offset"]
        if after is not None:
            demand(after.epoch == epoch and after.offset <= last, "{} answers {}", message, asked)
            last = min(last, after.offset + asked["limit"])
            demand(
                len(offsets) == last - after.offset, "a part of the history: {} {}", asked, message
            )
        expected = list(range(last - len(offsets) + 1, last + 1))
        demand(offsets == expected and len(offsets) <= asked["limit"], "holes in {}", message)
        for entry in message["publications"]:
            data = f'"{entry["data"]}"'.encode()
            true = self._server.truth.tell(channel, epoch, entry["offset"], data=data)
            demand(true.data == data, "{} was {}", entry, true)
            demand("exclude" not in entry, "{} says who is excluded", entry)

    def _refused(self, message: Message) -> None:
        request = self.open.pop(message.get("id", -1), None)
        demand(request is not None, "{} is refused what it has not asked: {}", self._user, message)
        if request is None:
            return
        asked, code = request.asked, message["code"]
        if asked["type"] == "history" and code == "unrecoverable":
            wanted = asked_position(asked) or Position("", 0)
            has = self._server.has(asked["channel"], wanted) and not self._world.is_split
            demand(not has, "{} for {}, but it is there", message, asked)
            return
        idle = asked["type"] in ("history", "presence") and code == "too_fast"
        unknown = asked["type"] == "publish" and code == "unknown"
        revoked = asked["type"] == "auth" and code in REVOKED
        removed = (
            asked["type"] == "subscribe"
            and code == "cancelled"
            and self._server.orders.may_cancel(self._user, asked["channel"])
        )
        good = idle or unknown or revoked or removed or code == request.refusal
        demand(good, "{} for {}", message, asked)
