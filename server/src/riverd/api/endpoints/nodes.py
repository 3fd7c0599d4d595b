"""What is asked about nodes: that one moves its clients elsewhere."""

from riverd.api.context import Api, Call
from riverd.api.responses import Drained
from riverd.channels import check_node


async def drain(api: Api, call: Call) -> Drained:
    """Have the node of this name move its clients; it stays up until it is stopped."""
    node = check_node(call.path["node"])
    await api.broker.drain(node)
    return Drained(node, asked=True)
