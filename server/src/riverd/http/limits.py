"""What HTTP may cost: sizes, times, counts."""

import msgspec

HEAD_BYTES_MAX = 16_384
"""Of a head; and of what else is no body: the lengths of its chunks, and fields after it."""
CLOSING_MAX = 128
"""Sockets of WebSockets in their close handshake, beyond the limit of connections."""
WAITING_MAX = 10_000
"""Connections of a gateway that are no WebSockets (yet)."""


class HttpLimits(msgspec.Struct, frozen=True):
    """The bounds of a listener and its connections. Times are kept to a tick of the listener.

    Attributes:
        head_s: For a head, from the first byte on (of a new connection: from the beginning).
        body_s: For a body, from the end of its head on.
        idle_s: Between two requests. Longer than the pools of common clients and proxies (60 s),
            so that it is the client who ends an idle connection.
        answer_s: For a handler, from the end of the request on.
        stalled_s: For a client to take something, while an answer waits to be sent.
        linger_s: For a client to end its side, once the last answer was sent.
        discarded_bytes_max: What is read and thrown away meanwhile, so that the answer is not lost
            in a reset: more than the largest body that an honest client may send.
        requests_max: Requests whose body or answer is waited for, on all connections.
        connections_max: Connections. If all are in use, the one that waited longest for a request
            is closed for a newcomer; if none waits, the newcomer is answered 503.
        counts_streams: Whether those whose answer is a stream are among them. Not where who serves
            the streams has a limit of its own.
    """

    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 75.0
    answer_s: float = 30.0
    stalled_s: float = 30.0
    linger_s: float = 10.0
    discarded_bytes_max: int = 16_777_216
    requests_max: int = 1_000
    connections_max: int = 10_000
    counts_streams: bool = True
