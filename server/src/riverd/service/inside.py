"""What a gateway process remembers and answers when somebody looks inside."""

import time

from riverd.core.hub import Hub
from riverd.facts import UserFacts
from riverd.node.node import Node
from riverd.node.session_history import SessionHistory
from riverd.node.user_facts import UserFactFinder


def session_history(bytes_max: int) -> SessionHistory | None:
    """The memory of sessions, if there is to be one."""
    if not bytes_max:
        return None
    return SessionHistory(bytes_max=bytes_max, clock=time.time, carrier_clock=time.monotonic)


def answer_inquiries(node: Node, hub: Hub, *, history: SessionHistory | None) -> None:
    """Have the node answer what it is asked about its users."""
    if history is None:
        node.inquiries.answer_with(
            "explain", lambda _asked: UserFacts(node.control.name, time.time(), remembers=False)
        )
    else:
        finder = UserFactFinder(history, node.users, hub=hub, name=lambda: node.control.name)
        node.inquiries.answer_with("explain", finder.find)
