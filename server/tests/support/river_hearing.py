"""What a client that trusts its server makes of what it is told: and where that trust is broken."""

from dataclasses import dataclass, field
from typing import Any

Truth = dict[str, list[str]]
"""The data of all publications by epoch: the first of an epoch has offset 1."""


@dataclass
class Hearing:
    """One client's view of one channel, from `subscribed` to `unsubscribed`.

    Feed it all messages of the channel in order. It asserts that events come in order, once, and
    are the ones that were published; that nobody joins twice or leaves unseen.
    """

    truth: Truth
    epoch: str = ""
    offset: int = 0
    users: dict[str, Any] | None = None
    gaps: int = 0
    expected_start: int | None = None
    heard: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def tell(self, message: dict[str, Any]) -> None:
        """Take one message of this channel."""
        match message["type"]:
            case "subscribed":
                self._subscribed(message)
            case "event":
                self._event(message)
            case "gap":
                if message["epoch"] == self.epoch:
                    assert message["offset"] >= self.offset, "a gap goes forward"
                self.gaps += 1
                self.epoch, self.offset = message["epoch"], message["offset"]
            case "joined":
                assert self.users is not None
                assert message["user"] not in self.users, "joined twice"
                self.users[message["user"]] = message.get("info")
            case "left":
                assert self.users is not None
                assert self.users.pop(message["user"], self) is not self, "left unseen"
            case "presence":
                self._members(message)
            case other:
                raise AssertionError(f"unexpected {other}")

    def _subscribed(self, message: dict[str, Any]) -> None:
        assert not self.epoch, "subscribed once"
        self.epoch = message["epoch"]
        self.offset = message["offset"]
        if self.expected_start is not None:
            assert self.expected_start <= message["offset"]
            self.offset = self.expected_start
        if "presence" in message:
            self._members(message["presence"])

    def _event(self, message: dict[str, Any]) -> None:
        assert self.epoch, "an event before subscribed"
        assert message["offset"] == self.offset + 1, "in order and exactly once"
        self.offset += 1
        assert message["data"] == self.truth[self.epoch][self.offset - 1], "what was published"
        self.heard.append((self.epoch, self.offset))

    def _members(self, listed: dict[str, Any]) -> None:
        assert listed["count"] == len(listed["members"]), "a list that is whole"
        self.users = {one["user"]: one.get("info") for one in listed["members"]}
