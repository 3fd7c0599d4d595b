"""What a gateway has for the streams that it serves."""

from collections.abc import Callable

import msgspec

from riverd.core.session import Session
from riverd.core.session_limits import SessionLimits
from riverd.core.sink import Sink
from riverd.errors import RiverError
from riverd.gateway.origins import Origins
from riverd.gateway.streams.sink import StreamSink
from riverd.http.request import Request
from riverd.model.claims import Claims
from riverd.node.node import Node
from riverd.protocols import ClientProtocol
from riverd.protocols.native.protocol import Native


class StreamHost(msgspec.Struct, frozen=True):
    """See the attributes.

    Attributes:
        new_session: A session of a sink with a protocol.
        verify: The claims of a token, at a time in unix seconds; raises TokenError.
        refused: Called with each refusal.
        address_of: Whom a request's client is counted for, if for anybody.
        turn_away: Refuse one more of an address, if there is no room: why; None if there is.
        unready: Why the gateway cannot serve, or None.
        opened: Called with each stream and poll that begins.
        closed: Called with each that ends; with a close code if it is River that ends it.
        depart: Called with the session of each that is over.
        take_guest: Count one that listens without a token; False if there are too many that do.
        query_token: Whether a token may stand in the URL.
    """

    node: Node
    native: Native
    new_session: Callable[[Sink, ClientProtocol], Session]
    verify: Callable[[str, float], Claims]
    refused: Callable[[RiverError, str | None], None]
    address_of: Callable[[Request], str | None]
    turn_away: Callable[[str | None], str | None]
    unready: Callable[[], str | None]
    opened: Callable[[StreamSink], None]
    closed: Callable[[StreamSink, int | None], None]
    depart: Callable[[Session], None]
    take_guest: Callable[[StreamSink], bool]
    failed: Callable[[BaseException], None]
    origins: Origins
    limits: SessionLimits
    message_bytes_max: int
    query_token: bool = False
