"""Names, sizes, offsets and times as hostile as what calls the Lua scripts lets through."""

import random
import string

from riverd.channels.names import app_channel, user_channel
from riverd.model.log import NOWHERE, Member, Message, Position, Publication
from riverd.model.tabs import TabTraits, TabWrite

CHANNEL_CHARACTERS = string.ascii_letters + string.digits + "_-=@,.;:|+/~!"
RULED = ("short-1", "empty-1", "timeless-1", "weightless-1", "small-1", "brief-1", "price-1")
MEMBERED = ("presence-1", "presence-:n:", "room-,;|")
OFFSETS = (0, 1, 2, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**64, 10**30)
ODD_TEXTS = (
    "\x00",
    "{}",
    "{nodes}",
    "}{",
    " ",
    "a b",
    ",",
    "\r\n$3\r\nGET",
    "#r",
    "n:",
    "!w",
    "+w",
    "time",
    "-inf",
    "nan",
    "\ufeff\U0001f600\u202e",
    "%s%n",
    "*",
    "[a-z]",
    "'..redis.call('FLUSHALL')..'",
)
ODD_CHARACTERS = "\x00\n\x7f\xff\uffff\U0010ffff"
OFFSET_MAX = 2**53
"""What a log can come to: Redis counts further, Lua does not."""
BYTES_MAX = 70_000
LIVES_S = (0.001, 0.5, 1, 60, 86_400)
WEBHOOKS = ("w", "a.b", "!w", "+w", "w:dead", "{x}")


class Arguments:
    """Draws what scripts are called with; the same seed draws the same."""

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(seed)

    def text(self, length_max: int = 256) -> str:
        """A text that a token, a request or a client may carry: any UTF-8 but an empty one."""
        match self.chance.randrange(10):
            case 0:
                return (self.chance.choice(ODD_TEXTS) * length_max)[:length_max]
            case 1 | 2 | 3:
                return self.chance.choice(ODD_TEXTS)
            case 4:
                return "".join(self.chance.choices(ODD_CHARACTERS, k=9))
            case _:
                return self.chance.choice("abc")

    def data(self) -> bytes:
        """What is published: bytes that no script looks into, UTF-8 or not."""
        kind = self.chance.randrange(50)
        size = BYTES_MAX if kind == 0 else self.chance.randrange(100)
        return self.chance.randbytes(size) if kind % 2 else b"x" * size

    def channel(self) -> str:
        """The internal name of a channel without members."""
        chance = self.chance
        match chance.randrange(8):
            case 0:
                return "".join(chance.choices(CHANNEL_CHARACTERS, k=chance.choice((1, 9, 164))))
            case 1:
                return user_channel(self.text())
            case 2:
                return app_channel("1", user_channel(self.text(128)))
            case 3:
                return app_channel("1", self.chance.choice(RULED))
            case _:
                return chance.choice(RULED)

    def membered(self) -> str:
        """The name of one that has members."""
        return self.chance.choice(MEMBERED)

    def offset(self) -> int:
        """How far a client says that it is; most are near where a log may be."""
        chance = self.chance
        return chance.choice(OFFSETS) if chance.randrange(3) == 0 else chance.randrange(12)

    def position(self, epoch: str) -> Position:
        """One in an epoch, or in one that there never was."""
        if self.chance.randrange(8) == 0:
            return NOWHERE
        epoch = epoch if self.chance.randrange(3) else self.text(64)
        return Position(epoch, self.offset())

    def message(self, channel: str) -> Message:
        """One with any of the fields that a publisher may give."""
        some = self.chance.randrange
        return Message(
            channel,
            self.text(128),
            self.data(),
            self.text() if some(3) == 0 else None,
            self.text() if some(3) == 0 else None,
            keep=some(4) > 0,
            exclude=self.text(128) if some(4) == 0 else None,
        )

    def publication(self, offset: int) -> Publication:
        """One of a log that is restored."""
        return Publication(offset, self.text(128), self.data(), None, None)

    def member(self) -> Member:
        """A user, with or without what others may know."""
        return Member(self.text(), self.data() if self.chance.randrange(2) else None)

    def limit(self) -> int | None:
        """How much is asked for."""
        return self.chance.choice((None, None, 1, 2, 100, 10**9))

    def life_s(self) -> float:
        """How long something is to live."""
        return self.chance.choice(LIVES_S)

    def webhook(self) -> str:
        """A webhook's id."""
        return self.chance.choice(WEBHOOKS)

    def session(self) -> str:
        """A session that a gateway made: its own form, of which there are few here."""
        return f"s{self.chance.randrange(6)}"

    def tab(self, epoch: str) -> TabWrite:
        """A write of a page's cursors."""
        chance = self.chance
        cursors = {
            chance.choice((self.channel(), "c")): (
                None if chance.randrange(4) == 0 else Position(epoch or "e", self.offset())
            )
            for _ in range(chance.randrange(4))
        }
        sessions = tuple(self.session() for _ in range(chance.randrange(1, 10)))
        traits = TabTraits(chance.randrange(2) == 0, chance.randrange(4) == 0, sessions)
        key = self.chance.choice(("1:a", "1:b-{c}", "2:" + "x" * 100))
        begins = chance.randrange(2) == 0
        return TabWrite(key, self.session(), chance.randrange(9), begins, traits, cursors)
