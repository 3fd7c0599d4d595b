"""The bytes of what is stored and announced: River's own format between its processes.

An announcement is `KIND:EPOCH:OFFSET:BODY`; KIND is a letter and, from the second version on, the
version's number. Processes of two versions work side by side:

| kind | body | since |
|---|---|---|
| `p` | a publication: msgpack `[event, data, user]` | 1 |
| `p2` | a publication with an annex: `LENGTH:` ANNEX, then the body of `p` | 2 |
| `e2` | an ephemeral event, as `p2`; OFFSET is the one that it follows | 2 |
| `j` | a join: msgpack `[user, info]` | 1 |
| `l` | a leave: the user | 1 |
| `n` | nothing, and no epoch and offset: a count of subscribers was reported | 2 |

An annex is a msgpack map whose unknown keys are skipped: `x` is the session that is excluded. A
publication without one is written as version 1. Arrays may grow at their end. A reader skips a kind
that it does not know; a skipped publication shows as a hole, and the hole is filled from the log,
whose entries keep the body of version 1 in their field `p` and the annex in their field `a`.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from riverd.model.log import (
    After,
    Change,
    Ephemeral,
    Member,
    Message,
    Position,
    Publication,
    Receipt,
)

DECODED_AT_ONCE = 2_000


class _Body(msgspec.Struct, array_like=True, frozen=True, gc=False):
    event: str
    data: bytes
    user: str | None = None


class _Member(msgspec.Struct, array_like=True, frozen=True, gc=False):
    user: str
    info: bytes | None = None


class _Annex(msgspec.Struct, frozen=True, gc=False):
    x: str | None = None


encode = msgspec.msgpack.Encoder().encode
_body = msgspec.msgpack.Decoder(_Body)
_member = msgspec.msgpack.Decoder(_Member)
_annex = msgspec.msgpack.Decoder(_Annex)
_NO_ANNEX = _Annex()


def publication_body(message: Message) -> bytes:
    """A publication as version 1 has it."""
    return encode((message.event, message.data, message.user))


def annex(message: Message) -> bytes:
    """What version 1 has no room for; empty where there is nothing of it."""
    return b"" if message.exclude is None else encode({"x": message.exclude})


def ephemeral_body(message: Message) -> bytes:
    """An event that is not kept, as it is announced."""
    more = annex(message)
    return b"%d:%b%b" % (len(more), more, publication_body(message))


def member_body(member: Member) -> bytes:
    """A member as a list keeps it and as its join is announced."""
    return encode((member.user, member.info))


def member_of(body: bytes) -> Member:
    """The member in a body."""
    found = _member.decode(body)
    return Member(found.user, found.info)


async def members_of(pairs: list[bytes]) -> dict[str, Member]:
    """The members in pairs of a user and a body; where they are many, others have their turn.

    The list is emptied on the way: to free very many at once takes long too.
    """
    found: dict[str, Member] = {}
    pairs.reverse()
    while len(pairs) > 1:
        if found:
            await asyncio.sleep(0)
        for _ in range(min(DECODED_AT_ONCE, len(pairs) // 2)):
            pairs.pop()
            one = member_of(pairs.pop())
            found[one.user] = one
    return found


def publication_of(offset: bytes, body: bytes, *, more: bytes = b"") -> Publication:
    """The publication in a body of version 1 and its annex."""
    found = _body.decode(body)
    return Publication(int(offset), found.event, found.data, found.user, _annex_of(more).x)


def entry_publication(entry_id: bytes, fields: Sequence[bytes]) -> Publication:
    """The publication in a log's entry: its id is OFFSET-MS, its fields are names and values.

    The body comes first; readers skip fields that they do not know.
    """
    more = fields[3] if len(fields) > 3 and fields[2] == b"a" else b""  # noqa: PLR2004  two pairs
    return publication_of(entry_id.partition(b"-")[0], fields[1], more=more)


def announced(
    kind: bytes, offset: bytes, *, body: bytes
) -> Publication | Ephemeral | Change | None:
    """What an announcement says; nothing if it is of a kind that this version does not know."""
    if kind == b"p":
        return publication_of(offset, body)
    if kind == b"p2":
        first, more = _divided(body)
        return publication_of(offset, first, more=more)
    if kind == b"e2":
        first, more = _divided(body)
        found = _body.decode(first)
        return Ephemeral(int(offset), found.event, found.data, found.user, _annex_of(more).x)
    if kind == b"j":
        return Change(int(offset), True, member_of(body))
    if kind == b"l":
        return Change(int(offset), False, Member(body.decode()))
    return None


def position_of(text: bytes) -> Position:
    """What scripts answer with as EPOCH:OFFSET."""
    epoch, _, offset = text.partition(b":")
    return Position(epoch.decode(), int(offset))


def receipt_of(text: bytes) -> Receipt:
    """What a message was answered with: `EPOCH:OFFSET`, or `EPOCH:OFFSET:e` without `keep`."""
    epoch, offset, *passing = text.split(b":")
    kind = After if passing else Position
    return kind(epoch.decode(), int(offset))


def _divided(body: bytes) -> tuple[bytes, bytes]:
    """The body of version 1 and the annex, of a body of version 2."""
    length, _, rest = body.partition(b":")
    return rest[int(length) :], rest[: int(length)]


def _annex_of(more: bytes) -> _Annex:
    return _annex.decode(more) if more else _NO_ANNEX
