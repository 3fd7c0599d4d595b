"""Following what a user, a channel, a session or an address does, over all nodes."""

import re
import secrets

import msgspec

from riverd.api.context import Api, Call
from riverd.api.responses import Traced
from riverd.channels.names import TRACE, check_channel
from riverd.errors import ErrorCode, RiverError
from riverd.http.proxies import counted_as
from riverd.model.facts import TraceFilter, TraceLine
from riverd.model.log import Position, Tail
from riverd.model.orders import Question, encode

BATCHES_MAX = 200
VALUE_LENGTH_MAX = 256
_ID = re.compile(r"[0-9a-f]{16}")
_AFTER = re.compile(r"([0-9a-z]{1,64}):(\d{1,18})")
_lines = msgspec.json.Decoder(list[TraceLine]).decode


async def trace(api: Api, call: Call) -> Traced:
    """Begin a trace, or go on with it, and give what it has found.

    Nodes follow for ten seconds after they were asked last: a trace that nobody reads ends.
    """
    wanted, trace_id = _filter(call), call.query.get("id") or secrets.token_hex(8)
    if _ID.fullmatch(trace_id) is None:
        raise RiverError(ErrorCode.INVALID_FIELD, "id: what the first answer gave")
    text = encode(wanted).decode()
    await api.broker.control.ask(
        Question(secrets.token_hex(8), kind="trace", epoch=trace_id, filter=text)
    )
    tail = await _read(api, f"{TRACE}{trace_id}", after=call.query.get("after", ""))
    found = [line for one in tail.publications for line in _lines(one.data)]
    position = tail.position
    after = f"{position.epoch}:{position.offset}" if position.epoch else ""
    return Traced(trace_id, after, sorted(found, key=lambda line: line.at))


async def _read(api: Api, name: str, *, after: str) -> Tail:
    position = _AFTER.fullmatch(after)
    if after and position is None:
        raise RiverError(ErrorCode.INVALID_FIELD, "after: what the last answer gave")
    if position is not None:
        try:
            given = Position(position[1], int(position[2]))
            return await api.broker.read(name, after=given, limit=BATCHES_MAX)
        except RiverError as error:
            if error.error is not ErrorCode.UNRECOVERABLE:
                raise
    return await api.broker.read(name, limit=BATCHES_MAX)


def _filter(call: Call) -> TraceFilter:
    user, channel, session, address = (
        call.query.get(name, "") for name in ("user", "channel", "session", "address")
    )
    if not (user or channel or session or address):
        raise RiverError(ErrorCode.INVALID_FIELD, "name a user, a channel, a session or an address")
    if max(map(len, (user, session, address))) > VALUE_LENGTH_MAX:
        raise RiverError(ErrorCode.INVALID_FIELD, f"longer than {VALUE_LENGTH_MAX} characters")
    if channel:
        check_channel(channel)
    if address:
        try:
            address = counted_as(address)
        except ValueError:
            raise RiverError(ErrorCode.INVALID_FIELD, f"address: {address!r} is none") from None
    payloads = call.query.get("payloads", "") in ("true", "1")
    return TraceFilter(user, channel, session, address, payloads)
