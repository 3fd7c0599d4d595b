"""A quarter of a second of a gateway with a million deliveries a second, with a trace and without.

A gateway looks four times a second for a trace. What the kernel does to send is not counted: of
all that is done the trace's part is smaller.

python -m guard.trace_cost
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from guard.core import COMMANDS, DATA, token
from guard.count import count
from guard.path import Path, Work
from guard.planes import GATEWAY, HEAD, _arrive, _frame, _gateway, _run
from riverd.model.facts import TraceFilter
from riverd.model.log import Message
from riverd.model.orders import encode
from riverd.node.tracing import LOOK_S, Trace

if TYPE_CHECKING:
    from riverd.gateway.gateway import Gateway
    from riverd.node.node import Node

SUBSCRIBERS = 1_000
PUBLICATIONS = int(1_000 * LOOK_S)
CHANNEL = "news"
OTHER_USER = "grace"


async def _busy() -> Gateway:
    """A gateway with subscribers of one channel, each another user, and one who has another."""
    gateway = await _gateway()
    users = [f"u{number}" for number in range(SUBSCRIBERS)]
    for user in (*users, OTHER_USER):
        before = set(gateway.connections)
        _, handshake = _arrive(gateway)
        handshake.data_received(HEAD)
        (connection,) = set(gateway.connections) - before
        command = COMMANDS["subscribe"]
        if user == OTHER_USER:
            command = command.replace(b"news", b"room-of-grace")
        auth = b'{"type":"auth","id":1,"token":"%b"}' % token(user=user).encode()
        for text in (auth, command):
            connection.receive(memoryview(_frame(text)))
        subscriptions = connection.session.subscriptions
        await _until(lambda: any(one.is_live for one in subscriptions.values()))  # noqa: B023
    return gateway


async def _until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until something holds."""
    while not holds():  # noqa: ASYNC110  it is a turn of the loop that is waited for
        await asyncio.sleep(0)


def _quarter(traced: str, *, a_turn: int) -> Work:
    """So many publications in turns of the loop; then one look at the user, if one is traced."""
    found: list[tuple[Node, Trace | None]] = []

    async def work(times: int) -> None:
        if not found:
            gateway = await _busy()
            node = cast("Node", gateway.node)
            assert node.history is not None
            wanted = TraceFilter(user=traced)
            trace = Trace(wanted, node, hub=node._hub, mark=0)  # noqa: SLF001
            found.append((node, trace if traced else None))
        [(node, trace)] = found
        broker, history = node._broker, node.history  # noqa: SLF001
        assert history is not None
        for _ in range(times):
            for _ in range(PUBLICATIONS // a_turn):
                for _ in range(a_turn):
                    await broker.publish(Message(CHANNEL, "post", DATA))
                flushes = node.flushes.count
                await _until(lambda: node.flushes.count > flushes)  # noqa: B023
            if trace is not None:
                lines = trace.look(history, 0.0)
                assert len(lines) > 1 or traced == OTHER_USER
                if lines:
                    await broker.publish(Message("#trace:t", "trace", encode(lines)))

    return _run(work)


PATHS = tuple(
    Path(
        f"busy-{a_turn}{name}",
        f"250,000 deliveries, {a_turn} publications a turn; traced: {traced or 'nobody'}",
        partial(_quarter, traced, a_turn=a_turn),
        2,
        GATEWAY,
    )
    for a_turn in (1, 5)
    for name, traced in (("", ""), ("-subscriber", "u7"), ("-other", OTHER_USER))
)


def main() -> int:
    """Print what each takes, and how much more that is than without a trace."""
    for plain, *traced in zip(*[iter(PATHS)] * 3, strict=True):
        counts = count([one.name for one in (plain, *traced)])
        print(f"{plain.name}: {counts[plain.name]:,.0f} instructions")
        for one in traced:
            print(f"{one.name}: {counts[one.name] / counts[plain.name] - 1:+.2%}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
