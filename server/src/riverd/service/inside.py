"""What a gateway process remembers and answers when somebody looks inside."""

import time

from riverd import __version__
from riverd.core.hub import Hub
from riverd.gateway.gateway import Gateway
from riverd.model.facts import NodeState, UserFacts
from riverd.model.orders import Question
from riverd.node.delay_samples import DelaySamples
from riverd.node.node import Node
from riverd.node.session_history import SessionHistory
from riverd.node.tracing import Traces
from riverd.node.user_facts import UserFactFinder
from riverd.service.gateway_metrics import named_channels
from riverd.service.metrics import Reading
from riverd.service.process import Process

USERS_MAX = 1_000


def session_history(bytes_max: int) -> SessionHistory | None:
    """The memory of sessions, if there is to be one."""
    if not bytes_max:
        return None
    return SessionHistory(bytes_max=bytes_max, clock=time.time, carrier_clock=time.monotonic)


def show_inside(
    gateway: Gateway, hub: Hub, *, history: SessionHistory | None, process: Process
) -> None:
    """Have the node answer what it is asked, and measure how late it is."""
    process.living = gateway.node.sessions
    _answer_inquiries(gateway, hub, history=history, process=process)
    _sample_delays(gateway.node, process)


def _sample_delays(node: Node, process: Process) -> None:
    """Measure now and then what a publication takes from the broker to the sockets."""
    samples = DelaySamples(node.flushes, node.control.age_s, clock=time.monotonic)
    process.metrics.add(
        Reading(
            "river_delivery_delay_samples",
            "Publications of which it was measured how long they took to the sockets.",
            lambda: samples.count,
            counter=True,
        ),
        Reading(
            "river_delivery_delay_seconds",
            "How long those took from the broker to the sockets.",
            lambda: samples.seconds,
            counter=True,
        ),
    )
    process.start_later(samples.take_always)


def _answer_inquiries(
    gateway: Gateway, hub: Hub, *, history: SessionHistory | None, process: Process
) -> None:
    """Have the node answer what it is asked about itself and its users."""
    node, started_at, rules = gateway.node, time.time(), process.brokers.rules.digest

    def state(_asked: Question) -> NodeState:
        return NodeState(
            node=node.control.name,
            version=__version__,
            started_at=started_at,
            connections=len(gateway.connections),
            users=len(node.users.sessions),
            channels=named_channels(hub),
            deliveries=hub.deliveries,
            gaps=hub.gaps,
            refused=gateway.tally.refused,
            lag_s=max(0.0, gateway.lag_s),
            rules=rules,
            is_draining=gateway.draining,
            history_bytes=0 if history is None else history.bytes,
        )

    node.inquiries.answer_with("node", state)
    node.inquiries.answer_with(
        "users", lambda asked: node.users.connected(asked.user, min(asked.limit, USERS_MAX))
    )
    if history is None:
        for kind in ("explain", "explain_session"):
            node.inquiries.answer_with(
                kind, lambda _asked: UserFacts(node.control.name, time.time(), remembers=False)
            )
    else:
        finder = UserFactFinder(
            history, node.users, sessions=node.sessions, hub=hub, name=lambda: node.control.name
        )
        node.inquiries.answer_with("explain", finder.find)
        node.inquiries.answer_with("explain_session", finder.find_session)
        traces = Traces(
            node,
            hub,
            history=history,
            clock=time.time,
            new_broker=process.brokers.new,
            start=process.start,
        )
        node.inquiries.answer_with("trace", traces.answer)
