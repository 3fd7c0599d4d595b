"""The entries of the queues of webhooks, as their fields have them.

| field | what it is |
|---|---|
| `k`, `c` | kind, channel |
| `b`, `x` | bytes that it counts for, a part of the event's id |
| `u`, `m` | user; or a member as lists keep it |
| `e`, `d`, `s` | event, data and session of what a client published |
| `n`, `r` | how many subscribers; the reason of a reset |
| `o`, `a` | of what was dead: the event's id, when it was written (ms) |
| `E`, `t` | of what is dead: why, and since when (ms) |
"""

from collections.abc import Sequence
from typing import cast

from riverd.broker.redis.messages import member_of
from riverd.broker.webhooks import DeadEvent, QueuedEvent

Entry = tuple[bytes, list[bytes]]


def event_in(tag: str, entry: Entry) -> QueuedEvent:
    """The event in an entry of a queue."""
    entry_id, fields = entry[0].decode(), _fields(entry[1])
    written_ms = int(entry_id.partition("-")[0])
    user, info = _text(fields, b"u"), None
    if b"m" in fields:
        member = member_of(fields[b"m"])
        user, info = member.user, member.info
    count = _text(fields, b"n")
    return QueuedEvent(
        id=_text(fields, b"o") or f"{_text(fields, b'x')}-{entry_id}",
        queue=tag,
        entry=entry_id,
        at_ms=int(_text(fields, b"a") or written_ms),
        since_ms=written_ms,
        kind=_text(fields, b"k") or "",
        channel=_text(fields, b"c") or "",
        size=int(fields.get(b"b", b"0")),
        user=user,
        info=info,
        event=_text(fields, b"e"),
        data=fields.get(b"d"),
        session=_text(fields, b"s"),
        count=None if count is None else int(count),
        reason=_text(fields, b"r"),
    )


def dead_in(tag: str, entry: Entry) -> DeadEvent:
    """The event in an entry of the dead."""
    fields = _fields(entry[1])
    return DeadEvent(event_in(tag, entry), int(fields.get(b"t", b"0")), _text(fields, b"E") or "")


def _fields(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _text(fields: dict[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else value.decode()


def entries(reply: object) -> list[Entry]:
    """The entries that a server gave."""
    return cast("list[Entry]", reply or [])
