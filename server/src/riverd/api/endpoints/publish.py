"""Publishing: one event, or many at once."""

from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from riverd.api import requests as bodies
from riverd.api.context import Api, Call
from riverd.api.endpoints.admitted import check_admitted
from riverd.api.endpoints.messages import message_to, messages_of
from riverd.api.endpoints.tokens import check_user
from riverd.api.responses import Accepted, Result, Results
from riverd.errors import BrokerError, ErrorCode, OutcomeUnknownError, RiverError, for_client
from riverd.http.json_errors import Error
from riverd.model.claims import Claims
from riverd.model.log import After, Message, Position, Receipt

Outcome = Receipt | RiverError

_ACCEPTED: set[type[object]] = {Position, After}

Plan = Message | list[Message] | RiverError
"""What one message of a batch comes to: a message, one for each of its channels, or an error."""


async def publish(api: Api, call: Call) -> Receipt | Results:
    """One event: answered once the broker has it."""
    if call.claims is not None:
        await check_admitted(api, call.claims)
    plan = messages_of(
        bodies.decoded(bodies.publish, call.body),
        api.rules,
        message_bytes_max=api.message_bytes_max,
        by=call.claims,
    )
    if isinstance(plan, list):
        outcomes = _visible(await _accepted(api, _distinct(plan)), call.claims)
        return Results([_result(api, outcome) for outcome in _one_each(plan, iter(outcomes))])
    receipt = await api.broker.publish(plan)
    api.counts.published(1)
    return receipt


async def publish_to_user(api: Api, call: Call) -> Receipt:
    """One event for all connections of a user: answered once the broker has it."""
    user = check_user(call.path["user"])
    if call.claims is not None:
        raise RiverError(ErrorCode.FORBIDDEN, "clients publish in channels, not to users")
    if not api.rules.user_channels:
        raise RiverError(
            ErrorCode.USER_CHANNELS_OFF, "RIVER_USER_CHANNELS is false: users have no channel"
        )
    wanted = bodies.decoded(bodies.user_publish, call.body)
    message = message_to(user, wanted, message_bytes_max=api.message_bytes_max)
    receipt = await api.broker.publish(message)
    api.counts.published(1)
    return receipt


async def publish_batch(api: Api, call: Call) -> Accepted | Results:
    """Many messages in order; a bad one is an error at its index and stops none of the others."""
    if call.claims is not None:
        await check_admitted(api, call.claims)
    plans = [_planned(one, api, claims=call.claims) for one in _wanted(call.body)]
    # Most batches are so: no bad message, no list of channels. What is below is for all.
    simple = set(map(type, plans)) <= {Message}
    messages = cast("list[Message]", plans) if simple else _joined(plans)
    if len(messages) > bodies.BATCH_MAX:
        raise _too_many(len(messages), "publications")
    outcomes = _visible(await _accepted(api, messages), call.claims)
    if simple and set(map(type, outcomes)) <= _ACCEPTED:
        return Accepted(cast("list[Receipt]", outcomes))
    following = iter(outcomes)
    return Results([_outcome_of(api, plan, following) for plan in plans])


def _wanted(body: bytes) -> Sequence[bodies.Publish | msgspec.Raw | RiverError]:
    """The messages of a batch.

    Raises:
        RiverError: when it is no batch, or too large a one.
    """
    wanted = bodies.decoded_batch(body)
    if len(wanted) > bodies.BATCH_MAX:
        raise _too_many(len(wanted), "messages")
    return wanted


def _planned(
    one: bodies.Publish | msgspec.Raw | RiverError, api: Api, *, claims: Claims | None
) -> Plan:
    if isinstance(one, RiverError):
        return one
    try:
        wanted = bodies.decoded(bodies.publish, one) if isinstance(one, msgspec.Raw) else one
        return messages_of(wanted, api.rules, message_bytes_max=api.message_bytes_max, by=claims)
    except RiverError as error:
        return error


def _joined(plans: Sequence[Plan]) -> list[Message]:
    messages: list[Message] = []
    for plan in plans:
        if isinstance(plan, Message):
            messages.append(plan)
        elif isinstance(plan, list):
            messages += _distinct(plan)
    return messages


def _distinct(plan: Sequence[Message]) -> list[Message]:
    """One message a channel: a channel that is named twice gets the event once."""
    return list({message.channel: message for message in plan}.values())


def _one_each(plan: Sequence[Message], outcomes: Iterator[Outcome]) -> list[Outcome]:
    """The outcome of each channel as it was named, from those of the distinct ones."""
    found = {message.channel: next(outcomes) for message in _distinct(plan)}
    return [found[message.channel] for message in plan]


async def _accepted(api: Api, messages: Sequence[Message]) -> list[Outcome]:
    """What the broker made of each message.

    Raises:
        BrokerError: when it took none of them: the whole request may be made again.
        OutcomeUnknownError: when it may have taken some, and said so of none.
    """
    outcomes = await api.broker.publish_many(messages) if messages else []
    kinds = list(map(type, outcomes))
    count = kinds.count(Position) + kinds.count(After)
    if count:
        api.counts.published(count)
        return outcomes
    for kind in (OutcomeUnknownError, BrokerError):
        for outcome in outcomes:
            if isinstance(outcome, kind):
                raise outcome
    return outcomes


def _outcome_of(api: Api, plan: Plan, outcomes: Iterator[Outcome]) -> Result:
    if isinstance(plan, RiverError):
        return _result(api, plan)
    if isinstance(plan, Message):
        return _result(api, next(outcomes))
    return Result(results=[_result(api, outcome) for outcome in _one_each(plan, outcomes)])


def _visible(outcomes: Sequence[Outcome], claims: Claims | None) -> Sequence[Outcome]:
    """The outcomes as who asked may see them: a client is not shown what the broker said."""
    if claims is None:
        return outcomes
    return [for_client(one) if isinstance(one, RiverError) else one for one in outcomes]


def _result(api: Api, outcome: Outcome) -> Result:
    if isinstance(outcome, Position):
        return Result(outcome.epoch, outcome.offset)
    if isinstance(outcome, After):
        return Result(outcome.epoch, after=outcome.after)
    api.counts.refused(outcome.error.code)
    return Result(error=Error(outcome.error.code, outcome.message))


def _too_many(count: int, what: str) -> RiverError:
    return RiverError(
        ErrorCode.BATCH_TOO_LARGE, f"{count} {what} in one batch, {bodies.BATCH_MAX} are allowed"
    )
