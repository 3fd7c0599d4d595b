"""Gives orders to all nodes, and finds out what they have reached so far."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from riverd.api.context import Api
from riverd.broker.answers import wait_for_answers
from riverd.model.orders import Order, OrderKind, Question, reached_in

T = TypeVar("T")


class NodeAnswers(msgspec.Struct, Generic[T], frozen=True):
    """What nodes said, by who they are for the broker.

    Args:
        names: of all nodes that were asked.
        unanswered: the names of those that said nothing in time, or nothing that is understood: a
            node may be of another version.
    """

    found: Mapping[str, T]
    names: Mapping[str, str]
    unanswered: list[str]


class OrderOutcome(msgspec.Struct, frozen=True):
    """How many connections an order reached, and the names of nodes that have not said so yet."""

    reached: int
    unanswered: list[str]


def new_order(api: Api, kind: OrderKind, **fields: Any) -> Order:
    """An order that was given now."""
    return Order(secrets.token_hex(8), kind, api.clock(), **fields)


async def carry_out(api: Api, order: Order) -> OrderOutcome:
    """Give an order. It is carried out once this returns, also on nodes that do not answer.

    Raises:
        BrokerError: it was not given.
        OutcomeUnknownError: it may have been given.
    """
    control = api.broker.control
    nodes = await control.nodes()
    await control.order(order)
    answers = await answers_to(api, order.id, nodes=nodes, read=reached_in)
    return OrderOutcome(sum(answers.found.values()), answers.unanswered)


async def ask_nodes(
    api: Api, question: Question, *, read: Callable[[bytes], T | None]
) -> NodeAnswers[T]:
    """What all nodes say to a question; `read` gives nothing for what it does not understand."""
    nodes = await api.broker.control.nodes()
    await api.broker.control.ask(question)
    return await answers_to(api, question.id, nodes=nodes, read=read)


async def answers_to(
    api: Api, asked: str, *, nodes: Mapping[str, str], read: Callable[[bytes], T | None]
) -> NodeAnswers[T]:
    """What these nodes say to an order or a question. Never raises: it is under way by now."""
    answers = await wait_for_answers(
        api.broker.control, asked, is_all=lambda got: not nodes.keys() - got
    )
    found = {node: said for node, body in answers.items() if (said := read(body)) is not None}
    unanswered = sorted({name for node, name in nodes.items() if node not in found})
    return NodeAnswers(found, nodes, unanswered)
