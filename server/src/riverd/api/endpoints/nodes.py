"""What is asked about nodes: that one moves its clients elsewhere."""

from riverd.api.context import Api, Call
from riverd.api.ordering import carry_out, new_order
from riverd.api.responses import Drained
from riverd.channels import check_node
from riverd.errors import ErrorCode, RiverError
from riverd.orders import OrderKind


async def drain(api: Api, call: Call) -> Drained:
    """Have the node of this name move its clients; it stays up until it is stopped."""
    node = check_node(call.path["node"])
    if node not in (await api.broker.control.nodes()).values():
        raise RiverError(ErrorCode.NOT_FOUND, f"no node is called {node}")
    outcome = await carry_out(api, new_order(api, OrderKind.DRAIN, node=node))
    return Drained(node, True, outcome.reached, outcome.unanswered)
