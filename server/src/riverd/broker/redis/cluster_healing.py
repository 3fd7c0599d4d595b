"""Where a cluster has its term, and how it gets back what one of its servers lost.

The term, the signs of life and the offers are at the server that has the nodes' slot. It names the
shards: the servers that are in it, each with its history (see `healing/shards.py`).
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar, cast

import msgspec
from hiredis import ReplyError

from riverd.broker.redis import keys
from riverd.broker.redis.connection import (
    Argument,
    RedisConnection,
    RefusedError,
    Reply,
    checked,
)
from riverd.broker.redis.healing import META, RedisSite, history_name, stored_log, term_text
from riverd.broker.redis.history import ServerState, state_in, state_of
from riverd.broker.redis.homes import SILENCE_S_MAX, TermEntry
from riverd.broker.redis.scripts import TERM, DataHistory
from riverd.broker.redis.stored import READING
from riverd.broker.redis.topology import NodeAddress, OpenAt, Topology, owners_by, slot_of
from riverd.channels.rules import ChannelRules
from riverd.errors import BrokerError
from riverd.healing.admissions import Admissions, OpenTerm
from riverd.healing.offers import DataLog, HealedLog
from riverd.healing.process import Healing, Term
from riverd.healing.shards import Mark, Shard, Shards, following, terms_after

T = TypeVar("T")


class TermRecord(msgspec.Struct, array_like=True, frozen=True):
    """What is written of a term beside its number and name: see `OpenTerm`."""

    shards: Shards = ()
    terms: tuple[str, ...] = ()


_encode = msgspec.msgpack.Encoder().encode
_record = msgspec.msgpack.Decoder(TermRecord)
ANSWER_S_MAX = 0.7
LOOK_S = 0.05
_MOVING = ("MOVED", "ASK", "TRYAGAIN", "CROSSSLOT")


class ClusterHome:
    """See `Home`: the server that has the nodes' slot."""

    is_elsewhere = True

    def __init__(self, healing: Healing, open_at: OpenAt, *, topology: Topology) -> None:
        self._open_at = open_at
        self._topology = topology
        self._admissions = Admissions(healing, time.monotonic)
        self._looking = asyncio.Lock()
        self._looked_at = -math.inf
        self._found: tuple[OpenTerm, float] | None = None

    async def entry(self, connection: RedisConnection, state: ServerState) -> TermEntry | None:
        """Asks the home; a server that the term does not have is admitted by another one."""
        del connection
        found = await self._look()
        if found is None:
            return None
        now, opened_at = found
        shard = self._admissions.shard(now, history_name(state.history))
        if shard is None:
            return None
        others = [history_of(one) for one in now.shards if one != shard]
        return TermEntry(
            now.term,
            opened_at if now.term.number > 1 else 0.0,
            msgspec.structs.replace(
                history_of(shard), others=tuple(others), terms=now.terms_of(shard)
            ),
            frozenset(history_of(one).data for one in now.shards),
            now.shards,
        )

    async def _look(self) -> tuple[OpenTerm, float] | None:
        """The open term, asked for once for all connections that are made at the same time."""
        wanted_at = time.monotonic()
        async with self._looking:
            if self._looked_at < wanted_at - LOOK_S:
                asked_at = time.monotonic()
                self._found = await self._at_home(_open_term)
                self._looked_at = asked_at
            return self._found

    async def ask(self, connection: RedisConnection, *command: Argument) -> Reply:
        """Over a connection of its own."""
        del connection

        async def do(home: RedisConnection, address: NodeAddress) -> Reply:
            del address
            return await home.ask(*command)

        return await self._at_home(do)

    async def site(self, *, rules: ChannelRules, key_ttl_s: int, is_light: bool) -> RedisSite:
        """Over a connection to the home; those to other servers are made when they are needed."""

        async def do(home: RedisConnection, address: NodeAddress) -> RedisSite:
            state = await state_of(home)
            servers = SlotOwners(self._open_at, home, address=address)
            return ClusterSite(
                home,
                state,
                servers=servers,
                rules=rules,
                key_ttl_s=key_ttl_s,
                is_light=is_light,
            )

        return await self._at_home(do, keep=True)

    async def _at_home(
        self, ask: Callable[[RedisConnection, NodeAddress], Awaitable[T]], *, keep: bool = False
    ) -> T:
        async def do(address: NodeAddress, asking: bool, /) -> T:  # noqa: FBT001  see Topology
            if asking:
                raise BrokerError("the slot of River's own keys is being moved")
            connection = await self._open_at(lambda: RedisConnection(SILENCE_S_MAX), address)
            is_kept = False
            try:
                answer = await ask(connection, address)
                is_kept = keep
            finally:
                if not is_kept:
                    connection.drop()
            return answer

        return await self._topology.at_owner(keys.NODES, do)


async def _open_term(home: RedisConnection, address: NodeAddress) -> tuple[OpenTerm, float] | None:
    del address
    info, kept, time_there = await home.ask_all(
        [("INFO",), ("HMGET", keys.TERM, "h", "n", "t", "at", "s", "c"), ("TIME",)]
    )
    state = state_in(info)
    name, number, text, opened_ms, body, closed_ms = cast("list[bytes | None]", checked(kept))
    now_s = int(cast("list[bytes]", checked(time_there))[0])
    record = None if body is None else _read_record(body)
    if name != history_name(state.history).encode() or record is None:
        return None
    with READING:
        if number is None or text is None or int(closed_ms or 0) / 1000 > now_s:
            return None
        term, opened_at = Term(int(number), text.decode()), int(opened_ms or 0) / 1000
    return OpenTerm(term, record.shards, record.terms), opened_at


class SlotOwners:
    """Connections to all servers that have slots, as the home says who these are."""

    def __init__(self, open_at: OpenAt, home: RedisConnection, *, address: NodeAddress) -> None:
        self._open_at = open_at
        self._home = home
        self._address = address
        self._owners: Mapping[int, NodeAddress] = {}
        self._connections: dict[NodeAddress, RedisConnection] = {}
        self.histories: dict[str, str | None] = {}
        """By address; None of one that does not answer, or loads its data."""

    async def connect(self) -> None:
        """Find out who has which slot now, and ask each for its history."""
        self.close()
        self._owners = await self._look()
        addresses = sorted(set(self._owners.values()))
        found = await asyncio.gather(*[self._connect(one) for one in addresses])
        self.histories = {
            address_text(one): history for one, history in zip(addresses, found, strict=True)
        }

    async def _look(self) -> Mapping[int, NodeAddress]:
        owners = await owners_by(self._home, self._address)
        if self._address not in owners.values():
            raise BrokerError("the server with River's own keys has no slots by now")
        return owners

    async def _connect(self, address: NodeAddress) -> str | None:
        try:
            connection = await self._open_at(lambda: RedisConnection(SILENCE_S_MAX), address)
        except BrokerError:
            return None
        history = await _history_by(connection)
        if history is None:
            connection.drop()
        else:
            self._connections[address] = connection
        return history

    async def check(self) -> None:
        """Whether all of that is so still.

        Raises:
            BrokerError: it is not.
        """
        if set((await self._look()).values()) != set(self._owners.values()):
            raise BrokerError("the cluster has other masters by now")
        found = await asyncio.gather(*[_history_by(one) for one in self._connections.values()])
        for address, history in zip(self._connections, found, strict=True):
            if history != self.histories[address_text(address)]:
                raise BrokerError("a server has another history of its data by now")

    def owner(self, channel: str) -> tuple[str, RedisConnection | None]:
        """The address of the server that has a channel, and the connection if it answers."""
        address = self._owners.get(slot_of(keys.log_meta(channel)))
        if address is None:
            return "", None
        return address_text(address), self._connections.get(address)

    def close(self) -> None:
        """Disconnect from all."""
        for connection in self._connections.values():
            connection.drop()
        self._connections.clear()


class ClusterSite(RedisSite):
    """See `RedisSite`: the round is at the home, logs are at the servers that have their slots."""

    def __init__(
        self,
        home: RedisConnection,
        state: ServerState,
        *,
        servers: SlotOwners,
        rules: ChannelRules,
        key_ttl_s: int,
        is_light: bool,
    ) -> None:
        super().__init__(home, state, rules=rules, key_ttl_s=key_ttl_s, is_light=is_light)
        self.is_closed_by_rounds = True
        self._servers = servers
        self._next = OpenTerm(Term(0, ""), ())
        """The term that is prepared."""

    @property
    def may_be_new(self) -> bool:
        """A server of it may be."""
        return True

    async def prepare(self, term: Term, *, former: Shards) -> None:
        """Find the shards of a term: those of the one before that are what they were go on.

        The home may have lost the last term, or all of them: then who offers knows it.
        """
        await self._servers.connect()
        kept = await self._connection.ask("HMGET", keys.TERM, "n", "s")
        number, body = cast("list[bytes | None]", kept)
        with READING:
            is_known = body is not None and int(number or 0) >= term.number - 1
        record = _read_record(body) if is_known and body is not None else None
        before = record or TermRecord(former)
        name = term_text(term)
        self._next = OpenTerm(
            term,
            following(before.shards, self._servers.histories, term=name),
            terms_after(before.terms, name),
        )

    async def stored(self, channels: Sequence[str]) -> Sequence[DataLog | None]:
        """What each server has of its own; that of one that does not answer goes on."""
        found: dict[str, DataLog | None] = {}
        groups: dict[str, list[str]] = {}
        for channel in channels:
            groups.setdefault(self._servers.owner(channel)[0], []).append(channel)
        for some in await asyncio.gather(*[self._stored_of(names) for names in groups.values()]):
            found |= some
        return [found[channel] for channel in channels]

    async def _stored_of(self, channels: Sequence[str]) -> dict[str, DataLog | None]:
        """Of channels of one server."""
        _, connection = self._servers.owner(channels[0])
        shard = self._shard(channels[0])
        if connection is None or shard is None:
            return dict.fromkeys(channels, DataLog("", 0, goes_on=True))
        return await self._stored_at(connection, shard, channels=channels)

    async def _stored_at(
        self, connection: RedisConnection, shard: Shard, *, channels: Sequence[str]
    ) -> dict[str, DataLog | None]:
        found: dict[str, DataLog | None] = {}
        metas = await connection.ask_all(
            [("HMGET", keys.log_meta(channel), *META) for channel in channels]
        )
        lost: list[tuple[str, Reply]] = []
        for channel, meta in zip(channels, metas, strict=True):
            if _is_moving(meta):
                found[channel] = DataLog("", 0, goes_on=True)
                continue
            with READING:
                log, mark = stored_log(checked(meta)), _mark(meta)
            if log is not None and mark is not None and self._next.counts(mark, at=shard):
                found[channel] = msgspec.structs.replace(log, goes_on=True)
            else:
                lost.append((channel, meta))
        streams = await connection.ask_all(
            [
                ("XRANGE", name, "-", "+")
                for channel, _ in lost
                for name in self._log_keys(channel)[1:]
            ]
        )
        answers = zip(lost, streams[::2], streams[1::2], strict=True)
        for (channel, meta), entries, last in answers:
            with READING:
                found[channel] = stored_log(meta, log=checked(entries), last=checked(last))
        return found

    async def _restore(self, term: Term, log: HealedLog) -> None:
        try:
            await super()._restore(term, log)
        except RefusedError as error:
            if not error.reply.startswith(_MOVING):
                raise
            # Its slot is moved at this moment: it begins again.

    async def _write(self, term: Term, log: HealedLog) -> None:
        del term
        _, connection = self._servers.owner(log.channel)
        shard = self._shard(log.channel)
        assert connection is not None and shard is not None, "the log was looked at"  # noqa: PT018
        names = (keys.log_meta(log.channel), *self._restored_keys(log))
        history = msgspec.structs.replace(history_of(shard), terms=self._next.terms)
        arguments = ("", *self._restored_arguments(log, history))
        await self._run("healing_restore", names, *arguments, at=connection)

    async def open(self, term: Term, *, members: Sequence[str]) -> None:
        """If all servers are what they were when it was prepared."""
        await self._servers.check()
        await super().open(term, members=members)

    def _shards_body(self) -> bytes:
        return _encode(TermRecord(self._next.shards, self._next.terms))

    def _shard(self, channel: str) -> Shard | None:
        address, _ = self._servers.owner(channel)
        return next((one for one in self._next.shards if one.address == address), None)

    def close(self) -> None:
        """Disconnect from all servers."""
        self._servers.close()
        super().close()


async def _history_by(connection: RedisConnection) -> str | None:
    """What a server says of itself; None if it is no master that answers at once."""
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            return history_name((await state_of(connection)).history)
    except (BrokerError, TimeoutError):
        return None


def history_of(shard: Shard) -> DataHistory:
    """Its server's history, with the term in which it was admitted."""
    run_id, _, replication_id = shard.history.partition(":")
    return DataHistory(run_id, replication_id, shard.admitted)


def address_text(address: NodeAddress) -> str:
    """How a shard names its server."""
    return f"{address[0]}:{address[1]}"


def _read_record(body: bytes) -> TermRecord | None:
    """None if it is not what River wrote."""
    try:
        record = _record.decode(body)
    except msgspec.MsgspecError:
        return None
    is_written = all(TERM.fullmatch(name) for name in record.terms)
    return record if is_written and all(history_of(one).is_named for one in record.shards) else None


def _mark(meta: Reply) -> Mark | None:
    """Who has written a log last, of what is answered to `META`."""
    _, _, run_id, history, term = cast("list[bytes | None]", meta)
    if run_id is None or history is None or term is None:
        return None
    replication_id, _, admitted = history.decode().partition(".")
    return Mark(f"{run_id.decode()}:{replication_id}", admitted, term.decode())


def _is_moving(answer: Reply) -> bool:
    return isinstance(answer, ReplyError) and str(answer).startswith(_MOVING)
