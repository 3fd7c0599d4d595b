"""Publishing: one event, or many at once."""

from collections.abc import Iterator, Sequence

import msgspec

from riverd.api import bodies
from riverd.api.answers import Error, Result, Results
from riverd.api.handlers import Api, Call
from riverd.api.messages import messages_of
from riverd.channels import may_publish
from riverd.errors import BrokerError, ErrorCode, RiverError
from riverd.model import Claims, Message, Position


class _Planned(msgspec.Struct, frozen=True):
    """What one message of a batch asks for; `several` says that it named a list of channels."""

    messages: list[Message]
    several: bool


async def publish(api: Api, call: Call) -> Position | Results:
    """One event: answered once the broker has it."""
    wanted = bodies.decoded(bodies.publish, call.body)
    messages = _allowed(messages_of(wanted, api.message_bytes_max), call.claims)
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
    planned = [_planned(api, one, claims=call.claims) for one in raw]
    messages = [message for one in planned if isinstance(one, _Planned) for message in one.messages]
    if len(messages) > bodies.BATCH_MAX:
        raise _too_many(len(messages), "publications")
    outcomes = iter(await _accepted(api, messages))
    return Results([_told(api, one, outcomes) for one in planned])


def _planned(api: Api, raw: msgspec.Raw, *, claims: Claims | None) -> _Planned | RiverError:
    try:
        wanted = bodies.decoded(bodies.publish, raw)
        messages = _allowed(messages_of(wanted, api.message_bytes_max), claims)
        return _Planned(messages, wanted.channels is not None)
    except RiverError as error:
        return error


def _allowed(messages: list[Message], claims: Claims | None) -> list[Message]:
    """The messages of a back end as they are; those of a client with its name, if it may.

    Raises:
        RiverError: forbidden, when the client has no grant for one of the channels.
    """
    if claims is None:
        return messages
    for message in messages:
        if not may_publish(claims.grants, message.channel):
            raise RiverError(ErrorCode.FORBIDDEN, f"no grant to publish to {message.channel}")
    return [msgspec.structs.replace(message, user=claims.user) for message in messages]


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
