"""Pages and their cursors in Redis: a hash a page.

    field             | value
    ------------------+-------------------------------------------------------------------
    SESSION           | NUMBER TRAITS SESSIONS: of the last write, letters or -, ids with commas
    SESSION CHANNEL   | EPOCH OFFSET

The hash ends a while after its last write.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from riverd.broker.redis import keys
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import Argument
from riverd.broker.redis.stored import READING
from riverd.errors import RiverError
from riverd.model.log import Position
from riverd.model.tabs import SESSIONS_MAX, TabRow, TabTraits, TabWrite, Written

LOST, SHARED = "l", "s"
PORTION = 500

_ANSWERS = (Written.UNKNOWN, Written.TAKEN, Written.REPLACED, Written.ROBBED)


class RedisTabs:
    """See `BrokerTabs` for the promises."""

    def __init__(self, server: Server, *, since: Callable[[], float]) -> None:
        self._server = server
        self._since = since

    @property
    def since(self) -> float:
        """Its data was lost then, or only the trust in it; 0 if it never was."""
        return self._since()

    async def claim(self, key: str, session: str, *, life_s: float) -> TabRow | None:
        """One script reads all rows, and writes the one that replaces them."""
        answer = await self._server.call(
            "claim_tab",
            (keys.tab(key),),
            arguments=(session, int(life_s * 1000), SESSIONS_MAX),
        )
        with READING:
            found = [part.decode() for part in cast("list[bytes]", answer)]
            if not found:
                return None
            traits, sessions, *cursors = found
            return TabRow(
                {
                    channel: Position(epoch, int(offset))
                    for channel, epoch, offset in zip(
                        cursors[::3], cursors[1::3], cursors[2::3], strict=True
                    )
                },
                TabTraits(LOST in traits, SHARED in traits, tuple(sessions.split(","))),
            )

    async def save(
        self, writes: Sequence[TabWrite], *, life_s: float
    ) -> list[Written | RiverError]:
        """One script a page, many in a round trip."""
        saved: list[Written | RiverError] = []
        for start in range(0, len(writes), PORTION):
            answers = await asyncio.gather(
                *[self._save(one, life_s=life_s) for one in writes[start : start + PORTION]],
                return_exceptions=True,
            )
            for answer in answers:
                if isinstance(answer, BaseException) and not isinstance(answer, RiverError):
                    raise answer
                saved.append(answer)
        return saved

    async def _save(self, write: TabWrite, *, life_s: float) -> Written:
        traits = write.traits
        letters = LOST * traits.is_lost + SHARED * traits.is_shared
        arguments: list[Argument] = [
            write.session,
            int(life_s * 1000),
            write.number,
            int(write.begins),
            f"{letters or '-'} {','.join(traits.sessions)}",
        ]
        for channel, position in write.cursors.items():
            kept = "" if position is None else f"{position.epoch} {position.offset}"
            arguments += [channel, kept]
        answer = await self._server.call("save_tab", (keys.tab(write.key),), arguments=arguments)
        return _ANSWERS[cast("int", answer)]
