"""What is asked about nodes: how they are, and that one moves its clients elsewhere."""

import secrets

from riverd.api import requests as bodies
from riverd.api.context import Api, Call
from riverd.api.ordering import ask_nodes, carry_out, new_order
from riverd.api.responses import Drained, NodeList
from riverd.channels.names import check_node
from riverd.errors import ErrorCode, RiverError
from riverd.model.facts import node_of
from riverd.model.orders import OrderKind, Question


async def list_nodes(api: Api, _call: Call) -> NodeList:
    """All gateway processes: how each stands, and which are gone."""
    question = Question(secrets.token_hex(8), kind="node")
    answers = await ask_nodes(api, question, read=node_of)
    return NodeList(
        sorted(answers.found.values(), key=lambda one: one.node),
        answers.unanswered,
        sorted(await api.broker.control.departed(), key=lambda one: -one.seen_at),
        api.rules.digest,
        api.version,
        await api.broker.ping(),
    )


async def drain(api: Api, call: Call) -> Drained:
    """Have the node of this name move its clients; it stays up until it is stopped."""
    node = check_node(call.path["node"])
    bodies.decoded(bodies.no_fields, call.body or bodies.NO_BODY)
    if node not in (await api.broker.control.nodes()).values():
        raise RiverError(ErrorCode.NOT_FOUND, f"no node is called {node}")
    outcome = await carry_out(api, new_order(api, OrderKind.DRAIN, node=node))
    return Drained(node, True, outcome.reached, outcome.unanswered)
