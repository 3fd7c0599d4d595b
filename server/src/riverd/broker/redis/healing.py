"""One server's data while it is restored: see `healing/process.py`."""

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar, cast

import msgspec

from riverd.broker.redis import keys, messages
from riverd.broker.redis.connection import Argument, RedisConnection, RefusedError, Reply, checked
from riverd.broker.redis.history import ServerState, state_of
from riverd.broker.redis.scripts import DataHistory, script
from riverd.broker.redis.stored import READING
from riverd.channels.rules import ChannelPolicy, ChannelRules
from riverd.errors import BrokerError
from riverd.healing.offers import Contribution, DataLog, HealedLog
from riverd.healing.parts import divided, light
from riverd.healing.process import Term, Turn
from riverd.healing.shards import Shards
from riverd.model.log import Message, Publication

ROUND_MS = 2_000
OFFERS_MS = 30_000
YOUNG_S = 5
"""A server that runs for so long has all processes that know more at it already."""
OFFER_BYTES_MAX = 134_217_728
PART_BYTES_MAX = 16_777_216
NO_MEMORY = -1
META = ("e", "o", "r", "i", "t")
"""What is read of a log before its streams."""

T = TypeVar("T")


class OfferHead(msgspec.Struct, array_like=True, frozen=True):
    """What is written of an offer after its parts."""

    offer: Contribution
    parts: tuple[int, ...]


_encode = msgspec.msgpack.Encoder().encode
_head = msgspec.msgpack.Decoder(OfferHead)
_part = msgspec.msgpack.Decoder(Contribution)


def history_name(history: DataHistory) -> str:
    """How a term names the history that it was opened in."""
    return f"{history.run_id}:{history.replication_id}"


class RedisSite:
    """See `HealingSite`. What it asks goes over one connection, and so to one process.

    An offer is written in parts; what does not fit into the memory that the server has left, or is
    too much, is written without publications. `is_light`: so is all of it, after a connection was
    lost over an offer (`is_offering`).
    """

    def __init__(
        self,
        connection: RedisConnection,
        state: ServerState,
        *,
        rules: ChannelRules,
        key_ttl_s: int,
        is_light: bool = False,
    ) -> None:
        self._connection = connection
        self._state = state
        self._rules = rules
        self._key_ttl_s = key_ttl_s
        self._had_term = True
        self._is_light = is_light
        self.is_closed_by_rounds = False
        """Whether the data is not open to anybody while there is a round."""
        self._parts: dict[str, tuple[int, ...]] = {}
        """Of which parts the offers consist that were read."""
        self.is_offering = False

    @property
    def may_be_new(self) -> bool:
        """It has just been started, or is another's replica no more."""
        return self._state.uptime_s < YOUNG_S or self._had_term

    async def begin(self) -> None:
        """Find out whether the data is of a history that had a term."""
        self._had_term = bool(await self._connection.ask("EXISTS", keys.TERM))

    async def turn(self, name: str, *, least: int, round_name: str) -> Turn:
        """One script, if the data has the history still that it had when this began.

        Connections outlive a history: a server has another one since its first replica came, say.
        Processes that know different ones would end each other's rounds.
        """
        if (await state_of(self._connection)).history != self._state.history:
            raise BrokerError("the server has another history of its data by now")
        answer = await self._run(
            "healing_turn",
            (keys.TERM, keys.ROUND, keys.OFFERS),
            history_name(self._state.history),
            least,
            name,
            round_name,
            ROUND_MS,
            int(self.is_closed_by_rounds),
        )
        number, term, current, mine = cast("tuple[bytes, bytes, bytes, int]", answer)
        with READING:
            if term:
                return Turn(Term(int(number), term.decode()))
            return Turn(None, current.decode(), mine == 1)

    async def offer(self, round_name: str, name: str, *, offer: Contribution) -> None:
        """One script a part."""
        self.is_offering = True
        rest, parts = await divided(offer)
        bytes_left = OFFER_BYTES_MAX
        for number, part in parts.items():
            body = b"" if self._is_light else _encode(part)
            fits = 0 < len(body) <= min(bytes_left, PART_BYTES_MAX)
            if fits and await self._give(round_name, name, body=body, part=number):
                bytes_left -= len(body)
            else:
                body = _encode(light(part))
                await self._give(round_name, name, body=body, part=number, always=True)
        head = OfferHead(rest, tuple(parts))
        await self._give(round_name, name, body=_encode(head), always=True)
        self.is_offering = False

    async def _give(
        self,
        round_name: str,
        name: str,
        *,
        body: bytes,
        part: int | None = None,
        always: bool = False,
    ) -> bool:
        """Whether there was memory for it. To a round that is over nothing is given."""
        free = self._state.free_bytes
        bytes_max = "" if always or free is None else free // 2
        field = name if part is None else _part_name(name, part)
        names = (keys.ROUND, keys.OFFERS, *((keys.TERM,) if self.is_closed_by_rounds else ()))
        limits = (OFFERS_MS, ROUND_MS, bytes_max, int(always))
        try:
            given = await self._run("healing_offer", names, round_name, name, field, body, *limits)
        except RefusedError as error:
            if always or not _is_full(error):
                raise
            return False
        return given != NO_MEMORY

    async def offers(self, round_name: str, known: Sequence[str]) -> Mapping[str, Contribution]:
        """Those that are new. One that another version writes differently counts as not given."""
        del round_name
        listed = cast("list[bytes]", await self._connection.ask("HKEYS", keys.OFFERS))
        with READING:
            names = [one.decode() for one in listed if b":" not in one]
        new = [name for name in names if name not in known]
        found: dict[str, Contribution] = {}
        for name, body in await self._bodies(new):
            head = _read(_head, body)
            if head is not None:
                self._parts[name] = head.parts
                found[name] = head.offer
        return found

    async def part(self, number: int, *, names: Sequence[str]) -> Sequence[Contribution] | None:
        """Fetched together, read one after the other."""
        having = [_part_name(name, number) for name in names if number in self._parts[name]]
        found: list[Contribution] = []
        for _, body in await self._bodies(having):
            part = _read(_part, body)
            if part is None:
                return None
            found.append(part)
            await asyncio.sleep(0)
        return found

    async def _bodies(self, fields: Sequence[str]) -> list[tuple[str, bytes | None]]:
        if not fields:
            return []
        answer = await self._connection.ask("HMGET", keys.OFFERS, *fields)
        return list(zip(fields, cast("list[bytes | None]", answer), strict=True))

    async def prepare(self, term: Term, *, former: Shards) -> None:
        """One server has nothing to prepare."""

    async def stored(self, channels: Sequence[str]) -> Sequence[DataLog | None]:
        """Whatever history it was written in."""
        commands: list[Sequence[Argument]] = []
        for channel in channels:
            meta, log, last = self._log_keys(channel)
            commands.append(("HMGET", meta, *META))
            commands.append(("XRANGE", log, "-", "+"))
            commands.append(("XRANGE", last, "-", "+"))
        answers = [checked(answer) for answer in await self._connection.ask_all(commands)]
        parts = zip(answers[::3], answers[1::3], answers[2::3], strict=True)
        with READING:
            return [stored_log(meta, log=log, last=last) for meta, log, last in parts]

    async def restore(self, term: Term, logs: Sequence[HealedLog]) -> None:
        """One script a log; without its publications if there is no memory for them."""
        sent = [self._restore(term, log) for log in logs]
        await asyncio.gather(*sent)

    async def _restore(self, term: Term, log: HealedLog) -> None:
        try:
            await self._write(term, log)
        except RefusedError as error:
            if not _is_full(error):
                raise
            await self._write(term, msgspec.structs.replace(log, publications=(), ages_s=()))

    async def _write(self, term: Term, log: HealedLog) -> None:
        history = msgspec.structs.replace(self._state.history, term=term_text(term))
        names = (keys.ROUND, *self._restored_keys(log))
        arguments = (term.name, *self._restored_arguments(log, history))
        await self._run("healing_restore", names, *arguments)

    def _restored_keys(self, log: HealedLog) -> Iterator[str]:
        yield from self._log_keys(log.channel)
        yield from (keys.seen(log.channel, key) for key, _ in log.keys)

    def _restored_arguments(self, log: HealedLog, history: DataHistory) -> Sequence[Argument]:
        """What the script is given of a log after the round."""
        policy = self._rules.of(log.channel)
        kept, total = _fitted(log, policy)
        entries = [argument for entry in kept for argument in entry]
        return (
            log.was_epoch,
            log.was_offset,
            log.was_mark,
            history.run_id,
            history.mark,
            history.terms[-1] if history.terms else "",
            log.epoch,
            log.offset,
            int(policy.history_ttl_s * 1000),
            math.ceil(policy.last_ttl_s),
            self._key_ttl_s,
            total,
            len(kept),
            *entries,
            *(offset for _, offset in log.keys),
        )

    async def open(self, term: Term, *, members: Sequence[str]) -> None:
        """One script."""
        await self._run(
            "healing_open",
            (keys.TERM, keys.ROUND, keys.OFFERS, keys.SIGNS, keys.ANSWERED),
            term.name,
            history_name(self._state.history),
            term.number,
            self._shards_body(),
            *members,
        )

    def _shards_body(self) -> bytes:
        """What is written of the servers that the term is open in; one server says nothing."""
        return b""

    def close(self) -> None:
        """Disconnect."""
        self._connection.drop()

    def _log_keys(self, channel: str) -> tuple[str, str, str]:
        return keys.log_keys(channel, keeps_last=self._rules.of(channel).last_ttl_s > 0)

    async def _run(
        self,
        name: str,
        names: Sequence[str],
        *arguments: Argument,
        at: RedisConnection | None = None,
    ) -> Reply:
        connection = at or self._connection
        return await connection.ask("EVAL", script(name), len(names), *names, *arguments)


def term_text(term: Term) -> str:
    """As it stands in scripts and in logs."""
    return f"{term.number}.{term.name}"


def _part_name(name: str, number: int) -> str:
    return f"{name}:{number}"


def _is_full(error: RefusedError) -> bool:
    return "OOM " in error.reply


def _read(decoder: msgspec.msgpack.Decoder[T], body: bytes | None) -> T | None:
    try:
        return None if body is None else decoder.decode(body)
    except msgspec.MsgspecError:
        return None


def stored_log(meta: Reply, *, log: Reply = None, last: Reply = None) -> DataLog | None:
    """A log as it is stored, of what is answered to `META` and about its streams."""
    epoch, offset, run_id, history, _ = cast("list[bytes | None]", meta)
    if epoch is None or offset is None:
        return None
    entries = cast("list[tuple[bytes, list[bytes]]]", log or last or [])
    found = tuple(messages.entry_publication(entry_id, fields) for entry_id, fields in entries)
    mark = "" if run_id is None else f"{run_id.decode()} {(history or b'').decode()}"
    return DataLog(epoch.decode(), int(offset), found, mark)


def _fitted(
    log: HealedLog, policy: ChannelPolicy
) -> tuple[list[tuple[int, int, bytes, bytes, Argument]], int]:
    """What the channel's rules keep of a log, as the script takes it; and its bytes."""
    pairs = list(zip(log.publications, log.ages_s, strict=True))
    kept = pairs[-policy.history_size :] if policy.history_size else []
    size, first = sum(one.byte_count() for one, _ in kept), 0
    while size > policy.history_bytes:
        size -= kept[first][0].byte_count()
        first += 1
    kept = kept[first:]
    outlives = policy.last_ttl_s > 0
    before = list(accumulate((one.byte_count() for one, _ in kept), initial=0))
    entries: list[tuple[int, int, bytes, bytes, Argument]] = [
        (*_entry(one, age_s, channel=log.channel), number)
        for (one, age_s), number in zip(kept, before, strict=False)
    ]
    if not entries and pairs and outlives:
        entries = [(*_entry(*pairs[-1], channel=log.channel), "")]
    return entries, before[-1]


def _entry(one: Publication, age_s: float, *, channel: str) -> tuple[int, int, bytes, bytes]:
    message = Message(channel, one.event, one.data, None, one.user, exclude=one.exclude)
    age_ms = int(age_s * 1000)
    return one.offset, age_ms, messages.publication_body(message), messages.annex(message)
