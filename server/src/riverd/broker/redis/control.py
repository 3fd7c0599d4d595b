"""Orders to all nodes over Redis: one script appends, keeps what stays in force, and announces.

Everything of the control log is in one slot of a cluster. Revocations and blocks are kept in a
hash each, by user, beside a sorted set of when they end.
"""

import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol, cast

import msgspec

from riverd.broker.control import ANSWERS_KEPT_S, DEPARTED_MAX, DEPARTED_S, REGISTERED_S
from riverd.broker.redis import keys
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import RefusedError, UnansweredError
from riverd.broker.redis.messages import position_of, publication_body
from riverd.broker.redis.stored import READING, UnreadableError
from riverd.channels.names import CONTROL
from riverd.channels.rules import ORDERS_MAX, ORDERS_TTL_S
from riverd.errors import OutcomeUnknownError
from riverd.model.log import Message, Position
from riverd.model.orders import (
    DepartedNode,
    Order,
    Question,
    Standing,
    StandingKind,
    encode,
    standing_of,
)

ORDER_ID_TTL_S = 86_400
PORTION = 1_000
"""Revocations and blocks that are read or given back at once: others' calls go in between."""


class ControlNames(Protocol):
    """Where orders and questions are announced."""

    @property
    def control(self) -> str:
        """What all nodes listen to, of any version."""
        ...

    def name(self, channel: str) -> str:
        """The feed of a channel."""
        ...


class RedisControl:
    """See `BrokerControl` for the promises."""

    def __init__(
        self, server: Server, names: ControlNames, *, announce: str, ack_replica: bool
    ) -> None:
        self._server = server
        self._names = names
        self._announce = announce
        self._ack_replica = ack_replica
        self._instance = secrets.token_hex(8)
        self._started_at = time.time()
        self._registered: str | None = None

    async def order(self, order: Order) -> Position:
        """Append, keep and announce in one script."""
        # What was given back is older than what the broker may have by now: see `give_back`.
        standing = order.standing() if order.was is None else None
        kind = StandingKind.REVOKED if standing is None else standing.kind
        kept = ("", "", "") if standing is None else _kept(standing)
        names, arguments = self._appended(order, kind)
        try:
            answer = await self._server.call(
                "order", names, arguments=(*arguments, *kept), replicated=self._ack_replica
            )
            with READING:
                return position_of(cast("bytes", answer))
        except (UnansweredError, RefusedError, UnreadableError) as error:
            if isinstance(error, RefusedError) and error.is_certain:
                raise
            raise OutcomeUnknownError(str(error)) from None

    def _appended(
        self, order: Order, kind: StandingKind
    ) -> tuple[Sequence[str], Sequence[str | bytes | int]]:
        """Keys and arguments of the scripts that append an order."""
        message = Message(CONTROL, order.kind.value, encode(order))
        return (
            (
                *keys.log_keys(CONTROL),
                keys.seen(CONTROL, order.id),
                *keys.standings(kind.value),
            ),
            (
                secrets.token_hex(4),
                publication_body(message),
                ORDERS_MAX,
                int(ORDERS_TTL_S * 1000),
                self._names.name(CONTROL),
                self._announce,
                ORDER_ID_TTL_S,
            ),
        )

    async def standings(
        self, kinds: Sequence[StandingKind] = tuple(StandingKind)
    ) -> AsyncIterator[Sequence[Standing]]:
        """All of these kinds, in portions."""
        for kind in kinds:
            name, upto = keys.standings(kind.value)[0], b"0"
            while True:
                [part] = await self._server.commands([("HSCAN", name, upto, "COUNT", PORTION)])
                upto, pairs = cast("tuple[bytes, list[bytes]]", part)
                with READING:
                    some = [standing_of(body) for body in pairs[1::2]]
                yield some
                if upto == b"0":
                    break

    async def standings_of(self, user: str) -> Sequence[Standing]:
        """Both kinds, in one exchange."""
        bodies = await self._server.commands(
            [("HGET", keys.standings(kind.value)[0], user) for kind in StandingKind]
        )
        with READING:
            return [standing_of(body) for body in bodies if isinstance(body, bytes)]

    async def give_back(self, standings: Sequence[Standing], *, reload: Order) -> None:
        """Keep those that are newer, in portions, each with an order of its own."""
        for kind in StandingKind:
            ours = [one for one in standings if one.kind is kind]
            for start in range(0, len(ours), PORTION):
                part = msgspec.structs.replace(reload, id=f"{reload.id}-{kind.value}-{start}")
                names, appended = self._appended(part, kind)
                arguments: list[str | bytes | int] = list(appended)
                for one in ours[start : start + PORTION]:
                    user, body, ends_at = _kept(one)
                    arguments += [user, repr(one.at), ends_at, body]
                await self._server.call("give_back", names, arguments=arguments)

    async def register(self, name: str) -> None:
        """List this node among those of all."""
        self._registered = f"{self._instance} {name}"
        await self._server.call(
            "register",
            (keys.NODE_NAMES, keys.NODES_SEEN),
            arguments=(
                self._registered,
                int(REGISTERED_S * 1000),
                f"{self._instance} {self._started_at:.3f} {name}",
                int(DEPARTED_S * 1000),
                DEPARTED_MAX,
            ),
        )

    async def nodes(self) -> Mapping[str, str]:
        """The registered nodes."""
        [listed] = await self._server.commands([("ZRANGE", keys.NODE_NAMES, 0, -1)])
        with READING:
            found = [one.decode().partition(" ") for one in cast("list[bytes]", listed)]
        return {instance: name for instance, _, name in found}

    async def departed(self) -> list[DepartedNode]:
        """Those that were seen and are not registered."""
        connected = await self.nodes()
        [listed] = await self._server.commands([("ZRANGE", keys.NODES_SEEN, 0, -1, "WITHSCORES")])
        found: list[DepartedNode] = []
        with READING:
            fields = [one.decode() for one in cast("list[bytes]", listed)]
            for member, seen_ms in zip(fields[::2], fields[1::2], strict=True):
                instance, started_at, name = member.split(" ", 2)
                if instance not in connected:
                    found.append(DepartedNode(name, float(started_at), float(seen_ms) / 1000))
        return found

    async def published_at(self, channel: str, offset: int) -> float | None:
        """The entry's id has it: OFFSET-MS."""
        [found] = await self._server.commands(
            [("XRANGE", keys.log(channel), f"{offset}-0", str(offset), "COUNT", 1)]
        )
        entries = cast("list[list[bytes]]", found)
        with READING:
            return int(entries[0][0].partition(b"-")[2]) / 1000 if entries else None

    async def age_s(self, channel: str, offset: int) -> float | None:
        """By the clock of the server that has it."""
        age_ms = await self._server.call("age", (keys.log(channel),), arguments=(offset,))
        with READING:
            return None if age_ms is None else float(cast("bytes", age_ms)) / 1000

    async def ask(self, question: Question) -> None:
        """Announce it where 0.1.0 announced its orders: every node listens there."""
        body = b"q:" + encode(question)
        await self._server.commands([(self._announce, self._names.control, body)])

    async def answer(self, asked: str, body: bytes) -> None:
        """Write the answer where who asks looks for it."""
        name = keys.answers(asked)
        await self._server.commands(
            [
                ("HSET", name, self._instance, body),
                ("PEXPIRE", name, int(ANSWERS_KEPT_S * 1000)),
            ]
        )

    async def answers(self, asked: str) -> Mapping[str, bytes]:
        """What was answered so far."""
        [listed] = await self._server.commands([("HGETALL", keys.answers(asked))])
        fields = cast("list[bytes]", listed)
        with READING:
            return {
                instance.decode(): body
                for instance, body in zip(fields[::2], fields[1::2], strict=True)
            }

    async def close(self) -> None:
        """List this node no more."""
        if self._registered is not None:
            await self._server.commands([("ZREM", keys.NODE_NAMES, self._registered)])


def _kept(standing: Standing) -> tuple[str, bytes, str]:
    """A standing as it is kept: its user, its body, when it ends."""
    ends_at = "inf" if standing.ends_at is None else repr(standing.ends_at)
    return standing.user, encode(standing), ends_at
