"""Publishing: one event, or many at once."""

from collections.abc import Iterator, Sequence

import msgspec

from riverd.api import bodies
from riverd.api.answers import Error, Result, Results
from riverd.api.handlers import Api, Call
from riverd.api.messages import messages_of
from riverd.errors import BrokerError, ErrorCode, RiverError
from riverd.model import Message, Position


class _Planned(msgspec.Struct, frozen=True):
    """What one message of a batch asks for; `several` says that it named a list of channels."""

    messages: list[Message]
    several: bool


async def publish(api: Api, call: Call) -> Position | Results:
    """One event: answered once the broker has it."""
    wanted = bodies.decoded(bodies.publish, call.body)
    messages = messages_of(wanted, api.message_bytes_max)
    if wanted.channels is not None:
        return Results([_result(api, outcome) for outcome in await _accepted(api, messages)])
    position = await api.broker.publish(messages[0])
    api.counts.published(1)
    return position


async def publish_batch(api: Api, call: Call) -> Results:
    """Many messages in order; a bad one is an error in its place and stops none of the others."""
    raw = bodies.decoded(bodies.batch, call.body).messages
    if len(raw) > bodies.BATCH_MAX:
        raise _too_many(len(raw), "messages")
    planned = [_planned(one, api.message_bytes_max) for one in raw]
    messages = [message for one in planned if isinstance(one, _Planned) for message in one.messages]
    if len(messages) > bodies.BATCH_MAX:
        raise _too_many(len(messages), "publications")
    outcomes = iter(await _accepted(api, messages))
    return Results([_told(api, one, outcomes) for one in planned])


def _planned(raw: msgspec.Raw, message_bytes_max: int) -> _Planned | RiverError:
    try:
        wanted = bodies.decoded(bodies.publish, raw)
        return _Planned(messages_of(wanted, message_bytes_max), wanted.channels is not None)
    except RiverError as error:
        return error


async def _accepted(api: Api, messages: Sequence[Message]) -> list[Position | RiverError]:
    """What the broker made of each message.

    Raises:
        BrokerError: when it took none of them: the whole request may be made again.
    """
    outcomes = await api.broker.publish_many(messages) if messages else []
    count = sum(isinstance(outcome, Position) for outcome in outcomes)
    if count:
        api.counts.published(count)
        return outcomes
    for outcome in outcomes:
        if isinstance(outcome, BrokerError):
            raise outcome
    return outcomes


def _told(
    api: Api, one: _Planned | RiverError, outcomes: Iterator[Position | RiverError]
) -> Result:
    if isinstance(one, RiverError):
        return _result(api, one)
    results = [_result(api, next(outcomes)) for _ in one.messages]
    return Result(results=results) if one.several else results[0]


def _result(api: Api, outcome: Position | RiverError) -> Result:
    if isinstance(outcome, Position):
        return Result(outcome.epoch, outcome.offset)
    api.counts.refused(outcome.error.code)
    return Result(error=Error(outcome.error.code, outcome.message))


def _too_many(count: int, what: str) -> RiverError:
    return RiverError(
        ErrorCode.BATCH_TOO_LARGE, f"{count} {what} in one batch, {bodies.BATCH_MAX} are allowed"
    )
