"""One WebSocket to a gateway, with everything that the doctor wants to see of it."""

import json
import socket
import ssl
import time
from collections import deque
from typing import Any, cast

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Event
from websockets.typing import Origin
from websockets.uri import parse_uri

from riverd.commands.doctor.address import Address

RECEIVE_BYTES = 65_536
HEAD_BYTES_KEPT = 4_096
Json = dict[str, Any]


class Silent(Exception):  # noqa: N818  it is what happened
    """Nothing came in time."""


class Ended(Exception):  # noqa: N818  it is what happened
    """The connection is over: with a close frame, or cut (`close` is None)."""

    def __init__(self, close: Close | None) -> None:
        super().__init__(str(close))
        self.close = close


class Refused(Exception):  # noqa: N818  it is what happened
    """The upgrade was not answered with a WebSocket. Either a response, or bytes that are none."""

    def __init__(self, why: str, *, response: Response | None = None, raw: bytes) -> None:
        super().__init__(why)
        self.response = response
        self.raw = raw
        self.why = why


class Line:
    """A WebSocket over a connected socket. Blocking; every wait has a limit."""

    def __init__(self, connection: socket.socket, address: Address, *, origin: str | None) -> None:
        self._socket = connection
        self._protocol = ClientProtocol(
            parse_uri(address.url),
            origin=None if origin is None else Origin(origin),
            max_size=None,
        )
        self._messages: deque[Json] = deque()
        self._raw = b""
        self.headers = Headers()
        """Those of the answer to the upgrade."""
        self.pings: list[float] = []
        """When the server pinged, by time.monotonic()."""

    def open(self, *, within_s: float) -> None:
        """Ask for the WebSocket.

        Raises:
            Refused: it was answered with something else.
            Silent: it was not answered.
            OSError: the connection broke.
        """
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        deadline = time.monotonic() + within_s
        while True:
            events = self._protocol.events_received()
            if events and isinstance(events[0], Response):
                self._opened(events[0])
                # The first messages may have come in one packet with it.
                self._sort(events[1:])
                return
            if self._protocol.handshake_exc is not None:
                # An answer that is no HTTP; what came of it is in `raw`.
                raise Refused(str(self._protocol.handshake_exc), raw=self._raw)
            if not self._receive(deadline):
                raise Refused("the connection was closed without an answer", raw=self._raw)

    def send(self, message: Json) -> None:
        """Send one message.

        Raises:
            OSError: the connection broke.
        """
        self._protocol.send_text(json.dumps(message).encode())
        self._flush()

    def receive(self, *, within_s: float) -> Json:
        """The next message.

        Raises:
            Silent: none came in time.
            Ended: the connection is over.
        """
        deadline = time.monotonic() + within_s
        while not self._messages:
            if not self._receive(deadline):
                raise Ended(self._protocol.close_rcvd)
            self._take()
        return self._messages.popleft()

    def wait_for(self, kind: str, *, within_s: float, **fields: object) -> Json:
        """The next message of a type, or the error to the same id; others are passed over.

        Raises:
            Silent: it did not come in time.
            Ended: the connection is over.
        """
        deadline = time.monotonic() + within_s
        while True:
            message = self.receive(within_s=deadline - time.monotonic())
            asked = {"id": fields["id"]} if "id" in fields else None
            if message.get("type") == kind and fields.items() <= message.items():
                return message
            if (
                asked is not None
                and message.get("type") == "error"
                and asked.items() <= message.items()
            ):
                return message

    def hold(self, *, for_s: float) -> float | None:
        """Say nothing for a time but what answers pings.

        Returns after how many seconds it was cut, or None.
        """
        begun = time.monotonic()
        deadline = begun + for_s
        while True:
            try:
                if not self._receive(deadline):
                    return time.monotonic() - begun
                self._take()
            except Silent:
                return None
            except (OSError, Ended):
                return time.monotonic() - begun

    def cut(self) -> None:
        """End it without a word, as a network does."""
        self._socket.close()

    def _opened(self, response: Response) -> None:
        problem = self._protocol.handshake_exc
        if problem is not None:
            why = str(problem) if isinstance(problem, InvalidHandshake) else repr(problem)
            raise Refused(why, response=response, raw=self._raw)
        self.headers = response.headers

    def _receive(self, deadline: float) -> bool:
        """Take what comes before the deadline. False: it is over."""
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise Silent
        self._socket.settimeout(left_s)
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except TimeoutError:
            raise Silent from None
        except (ConnectionError, ssl.SSLError):
            data = b""
        self._raw = (self._raw + data)[:HEAD_BYTES_KEPT]
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()
        return bool(data)

    def _take(self) -> None:
        """Sort what came: pings (which the protocol answers), messages, the end."""
        self._sort(self._protocol.events_received())

    def _sort(self, events: list[Event]) -> None:
        for event in events:
            frame = cast("Frame", event)
            if frame.opcode is Opcode.PING:
                self.pings.append(time.monotonic())
            elif frame.opcode is Opcode.TEXT:
                self._messages.append(_object(bytes(frame.data)))
            elif frame.opcode is Opcode.CLOSE and not self._messages:
                raise Ended(self._protocol.close_rcvd)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                try:
                    self._socket.sendall(data)
                except (ConnectionError, ssl.SSLError):
                    # What was received is still to be read, and says more.
                    return


def _object(text: bytes) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return cast("Json", value) if isinstance(value, dict) else {"type": "", "text": text[:80]}
