"""One client's WebSocket, bound to its session."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Protocol, cast

from riverd.core.tab import Tab
from riverd.errors import ErrorCode, Reason, RiverError
from riverd.gateway.client_name import client_name
from riverd.model.replies import Bye
from riverd.websocket.close_codes import CloseCode
from riverd.websocket.connection import WebSocket
from riverd.websocket.interface import SocketLimits

if TYPE_CHECKING:
    from riverd.core.session import Session
    from riverd.core.sink import Sink
    from riverd.gateway.slow_readers import SlowReaders
    from riverd.http.request import Request
    from riverd.model.tabs import PageIdentity
    from riverd.node.node import Node
    from riverd.protocols import ClientProtocol, TurnedAway


class ConnectionOwner(Protocol):
    """What a connection reports to, and asks: the gateway."""

    @property
    def node(self) -> Node:
        """Carries out what clients ask."""
        ...

    @property
    def slow(self) -> SlowReaders[Connection]:
        """The connections whose sockets take no more."""
        ...

    def new_session(self, sink: Sink, protocol: ClientProtocol) -> Session:
        """A session with an id that no other has."""
        ...

    def opened(self, connection: Connection, token: str | None) -> None:
        """It is open and was welcomed; the token that its upgrade brought, if it brought one."""
        ...

    def received(self, connection: Connection, payload: bytes) -> None:
        """A text message came."""
        ...

    def authenticated(self, connection: Connection, *, renewed: bool) -> None:
        """Its client is known now, or for longer."""
        ...

    def take_guest(self, connection: Connection) -> bool:
        """It subscribes without a token. False if there is no room for it: then it is closed."""
        ...

    def closing(self, connection: Connection) -> None:
        """It is sent nothing any more. May be called twice."""
        ...

    def closed(self, connection: Connection, code: int, *, by_client: bool) -> None:
        """Its socket is gone."""
        ...

    def refusing(self, refusal: Refusal) -> None:
        """A newcomer finds no room: its socket takes some until it is gone."""
        ...

    def refused_closed(self, refusal: Refusal) -> None:
        """The socket of a newcomer that found no room is gone."""
        ...


class Connection(WebSocket):
    """A WebSocket with a session, which it is the sink of.

    `address` is whom it is counted for, `client` what the client calls itself. `auth_by` and
    `ping_at` are the gateway's deadlines for it, `wake_at` is the next one it looks at. `pinged_at`
    is when the ping was sent whose pong is waited for, 0 if there is none.
    """

    __slots__ = (
        "_gateway",
        "_page",
        "_token",
        "address",
        "auth_by",
        "client",
        "ping_at",
        "pinged_at",
        "protocol",
        "session",
        "wake_at",
        "wake_tick",
    )

    session: Session

    def __init__(
        self,
        gateway: ConnectionOwner,
        limits: SocketLimits,
        *,
        protocol: ClientProtocol,
        token: str | None,
    ) -> None:
        super().__init__(limits)
        self._gateway = gateway
        self._page: PageIdentity | None = None
        self._token = token
        self.address: str | None = None
        self.client = ""
        self.protocol = protocol
        self.auth_by = 0.0
        self.ping_at = 0.0
        self.pinged_at = 0.0
        self.wake_at = math.inf
        self.wake_tick = 0

    def came_from(self, address: str | None, request: Request) -> None:
        """Note for whom it is counted, what the client calls itself, and which page it is of."""
        self.address, self.client = address, client_name(request)
        self._page = self.protocol.page_of(request.path)

    # What the WebSocket calls.

    def greeting(self) -> bytes:
        """Begin the session: its welcome."""
        # Its `write` is a function that the object holds, not a method of its class.
        self.session = session = self._gateway.new_session(cast("Sink", self), self.protocol)
        page, self._page = self._page, None
        if page is not None:
            is_new = page.is_new(time.time())
            session.tab = Tab(page.key, session.id, is_new=is_new, began_at=page.began_at)
        return self.session.welcome()

    def on_open(self) -> None:
        """Take the token that the upgrade brought."""
        token, self._token = self._token, None
        self._gateway.opened(self, token)
        # Who remembers it has a text for all of the same name.
        self.client = ""

    def on_text(self, payload: bytes) -> None:
        """Hand a message to the node."""
        self._gateway.received(self, payload)

    def on_binary(self, payload: bytes) -> None:
        """No protocol has binary messages."""
        del payload
        error = RiverError(ErrorCode.BINARY_UNSUPPORTED, "messages are text frames")
        self.session.fail(None, error)
        self.session.close(Reason.NOT_THE_PROTOCOL, error.message)

    def on_blocked(self) -> None:
        """The session's cursors stand still."""
        self._gateway.node.blocked(self.session)
        self._gateway.slow.add(self)

    def on_drained(self) -> None:
        """The session's cursors go on."""
        self._gateway.slow.discard(self)
        self._gateway.node.drained(self.session)

    def on_pong(self) -> None:
        """What was written before the ping has arrived."""
        if self.pinged_at:
            self.session.confirmed_at, self.pinged_at = self.pinged_at, 0.0

    def on_closing(self) -> None:
        """Nothing more is sent: the session is over."""
        self.session.end(self._why())
        self._gateway.slow.discard(self)
        self._gateway.closing(self)

    def on_closed(self, code: int) -> None:
        """The socket is gone, with or without a close handshake."""
        self.on_closing()
        self._gateway.closed(self, code, by_client=self.closed_by_peer)

    def close_code(self, reason: Reason) -> int:
        """The protocol's number for a reason."""
        return self.protocol.close_code(reason)

    def _why(self) -> str:
        """Why it ends, where the session has not said it."""
        if self.closed_by_peer:
            return f"closed by the client with {self._code}"
        if self._code == CloseCode.ABNORMAL:
            return "lost: the socket ended without a close frame"
        return f"closed with {self._code:d}"

    # What the session calls.

    def on_authenticated(self, *, renewed: bool) -> None:
        """Other claims, other deadlines."""
        self._gateway.authenticated(self, renewed=renewed)

    def take_guest(self) -> bool:
        """It listens without a token, if there is room for one more guest."""
        return self._gateway.take_guest(self)

    # What the gateway calls.

    @property
    def waiting_bytes(self) -> int:
        """What waits for it in this process."""
        return self._transport.get_write_buffer_size()

    def evict(self) -> None:
        """Too much waits for those that do not read: it reads no close frame either."""
        self.session.close(Reason.TOO_SLOW, "too slow to read, and no room for what waits")
        self.drop()

    def ask_to_move(self, retry_after_ms: int) -> None:
        """Have the client open another connection; close this one if it cannot be asked."""
        bye = Bye("draining", retry_after_ms)
        if self.protocol.encode(bye):
            self.session.reply(bye)
        else:
            self.session.close(Reason.DRAINING, "draining")


class Refusal(WebSocket):
    """A WebSocket that is closed at once, in its client's own protocol.

    That is cheaper than serving it badly, and clients see no reason in a refused upgrade.
    """

    __slots__ = ("_gateway", "_refused")

    def __init__(
        self, gateway: ConnectionOwner, limits: SocketLimits, *, refused: TurnedAway
    ) -> None:
        super().__init__(limits)
        self._gateway = gateway
        self._refused = refused

    def on_open(self) -> None:
        """Say why, and end."""
        refused = self._refused
        self._gateway.refusing(self)
        self.write(refused.frames)
        self.close(refused.code, refused.text)

    def on_closed(self, code: int) -> None:
        """The socket is gone."""
        del code
        self._gateway.refused_closed(self)

    def close_code(self, reason: Reason) -> int:
        """It is closed already, whatever it sends."""
        del reason
        return self._refused.code
