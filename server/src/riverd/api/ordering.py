"""Gives orders to all nodes, and finds out what they have reached so far."""

import asyncio
import secrets
from collections.abc import Container, Mapping
from typing import Any

import msgspec

from riverd.api.context import Api
from riverd.errors import RiverError
from riverd.model.orders import Order, OrderKind, Question

ANSWERS_S_MAX = 0.4
"""How long nodes are waited for: a caller is answered within a second."""
LOOK_S_FIRST = 0.004
LOOK_S_MAX = 0.05


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
    answers = await answers_to(api, order.id, nodes=nodes)
    reached = sum(int(body) for body in answers.values())
    return OrderOutcome(reached, names_without(nodes, answers))


async def ask_nodes(api: Api, question: Question) -> tuple[Mapping[str, str], Mapping[str, bytes]]:
    """All nodes' names, and what those say that answer in time."""
    nodes = await api.broker.control.nodes()
    await api.broker.control.ask(question)
    return nodes, await answers_to(api, question.id, nodes=nodes)


async def answers_to(api: Api, asked: str, *, nodes: Mapping[str, str]) -> Mapping[str, bytes]:
    """What these nodes answer in time. Never raises: what was asked is under way by now."""
    control, answers, pause_s = api.broker.control, dict[str, bytes](), LOOK_S_FIRST
    # No `asyncio.timeout`: a request is begun outside of a task.
    clock = asyncio.get_running_loop().time
    ends_at = clock() + ANSWERS_S_MAX
    while nodes.keys() - answers.keys() and clock() < ends_at:
        await asyncio.sleep(pause_s)
        pause_s = min(LOOK_S_MAX, pause_s * 2)
        try:
            answers = dict(await control.answers(asked))
        except RiverError:
            break
    return answers


def names_without(nodes: Mapping[str, str], answers: Container[str]) -> list[str]:
    """The names of the nodes that have not answered."""
    return sorted({name for node, name in nodes.items() if node not in answers})
