"""A live tail of one channel in the terminal: it resumes where it was after a lost connection."""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import msgspec
from rich.console import Console
from rich.text import Text
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import Close
from websockets.sync.client import ClientConnection, connect

from riverd.commands.terminal_text import seen
from riverd.service.loopback import is_loopback

RETRY_S_FIRST = 0.5
RETRY_S_MAX = 20.0
OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0
FINAL_CODES = (4400, 4403)
NOT_AUTHENTICATED = 4401
SERVER_ERRORS = 500

_SUBSCRIBE = 2


class Over(Exception):  # noqa: N818  it is what happened
    """Nothing will come any more, whatever is tried; the message says why."""


class _ServerMessage(msgspec.Struct):
    """What is used of a server's message. `data` stays as it came."""

    type: str
    id: int | str | None = None
    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    reason: str = ""
    event: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    user: str = ""
    code: str = ""
    message: str = ""
    retry_after_ms: int = 0


_decode = msgspec.json.Decoder(_ServerMessage).decode


class LiveTail:
    """One connection after another to one channel, and a line for everything that comes."""

    def __init__(
        self,
        address: str,
        channel: str,
        *,
        token: Callable[[], str],
        history: int,
        as_json: bool,
    ) -> None:
        self._url = websocket_url(address)
        self._channel = channel
        self._token = token
        self._history = history
        self._as_json = as_json
        self._console = Console(highlight=False, soft_wrap=True)
        self._notes = Console(stderr=True, highlight=False, soft_wrap=True)
        self._epoch: str | None = None
        self._offset = 0
        self._failures = 0
        self._retry_s: float | None = None
        self._accepted = False

    def run(self) -> int:
        """Follow until Ctrl-C (0), or until nothing can come any more (1)."""
        try:
            while True:
                self._follow()
                self._wait()
        except KeyboardInterrupt:
            self._note("stopped")
            return 0
        except Over as error:
            self._note(str(error), style="red")
            return 1

    def _follow(self) -> None:
        """One connection, to its end."""
        self._accepted = False
        connection = self._connect()
        if connection is None:
            return
        with connection:
            try:
                self._begin(connection)
                while self._retry_s is None:
                    self._take(str(connection.recv()))
            except ConnectionClosed as error:
                self._closed(error.rcvd)

    def _connect(self) -> ClientConnection | None:
        """A connection, None if another attempt may have one."""
        try:
            return connect(
                self._url,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=None,
                proxy=proxy_for(self._url),
            )
        except (InvalidURI, ValueError):
            raise Over(f"{self._url} is not a WebSocket address") from None
        except (OSError, InvalidHandshake) as error:
            self._unconnected(error)
            return None

    def _begin(self, connection: ClientConnection) -> None:
        connection.send(json.dumps({"type": "auth", "id": 1, "token": self._token()}))
        wanted: dict[str, object] = {
            "type": "subscribe",
            "id": _SUBSCRIBE,
            "channel": self._channel,
        }
        if self._epoch is not None:
            wanted |= {"epoch": self._epoch, "offset": self._offset}
        elif self._history:
            wanted["history"] = self._history
        connection.send(json.dumps(wanted))

    def _closed(self, close: Close | None) -> None:
        code = 1006 if close is None else close.code
        reason = "connection lost" if close is None else close.reason
        # A token that was good has run out: the next one may be good too.
        if code in FINAL_CODES or (code == NOT_AUTHENTICATED and not self._accepted):
            raise Over(f"closed: {code} {reason}")
        self._note(f"closed: {code} {reason}", style="yellow")

    def _unconnected(self, error: OSError | InvalidHandshake) -> None:
        why = f"cannot connect to {self._url}: {error}"
        if isinstance(error, InvalidStatus) and error.response.status_code < SERVER_ERRORS:
            raise Over(f"{why}. Is that the gateway? {self._doctor()}")
        self._note(why, style="yellow")
        if not self._failures:
            self._note(self._doctor())

    def _doctor(self) -> str:
        return f"`river doctor {self._url}` says what is broken"

    def _wait(self) -> None:
        """Full jitter: those that were cut off together do not come back together."""
        self._failures += 1
        limit = min(RETRY_S_MAX, RETRY_S_FIRST * 2**self._failures)
        pause = random.uniform(0, limit)  # noqa: S311  jitter
        if self._retry_s is not None:
            pause, self._retry_s = self._retry_s, None
        self._note(f"next attempt in {pause:.1f} s", style="dim")
        time.sleep(pause)

    def _take(self, text: str) -> None:
        try:
            message = _decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Over(f"{self._url} does not speak River: {error}") from None
        if self._as_json:
            self._show(Text(seen(one_line(text))))
        match message.type:
            case "authenticated":
                self._accepted = True
            case "event":
                self._offset = message.offset
                self._event(message)
            case "subscribed":
                self._subscribed(message)
            case "gap":
                self._epoch, self._offset = message.epoch, message.offset
                self._note("gap: what came before this cannot be had any more", style="red")
            case "joined" | "left":
                self._member(message)
            case "error":
                self._failed(message)
            case "bye":
                self._retry_s = message.retry_after_ms / 1000
                self._note(f"the server asks to come again: {message.reason}", style="yellow")
            case _:
                pass

    def _failed(self, message: _ServerMessage) -> None:
        why = f"{message.code}: {message.message}"
        if message.id == _SUBSCRIBE:
            raise Over(why)
        self._note(why, style="red")

    def _subscribed(self, message: _ServerMessage) -> None:
        resumed = self._epoch is not None
        self._failures = 0
        self._epoch = message.epoch
        if not message.recovered:
            # Events of the asked history follow, and bring their own offsets.
            self._offset = message.offset
        if resumed and message.recovered:
            self._note(f"live again in {self._channel}, nothing missed", style="green")
        elif resumed:
            self._note(f"live again; what was missed is lost ({message.reason})", style="red")
        else:
            self._note(
                f"live in {self._channel} at {message.epoch}:{message.offset}", style="green"
            )

    def _event(self, message: _ServerMessage) -> None:
        if self._as_json:
            return
        line = Text()
        line.append(time.strftime("%H:%M:%S "), style="dim")
        line.append(f"{message.offset:>6} ", style="dim")
        line.append(f"{seen(message.event)} ", style="bold cyan")
        if message.user:
            line.append(f"by {seen(message.user)} ", style="magenta")
        line.append(seen(readable(bytes(message.data).decode())))
        self._show(line)

    def _show(self, line: Text) -> None:
        try:
            self._console.print(line)
        except OSError as error:
            # The reader of a pipe is gone, or a disk is full: nobody sees what would follow, and
            # what is left in the buffer must not fail once more at the interpreter's end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise Over(f"cannot print: {error.strerror or error}") from None

    def _member(self, message: _ServerMessage) -> None:
        sign, style = ("+", "green") if message.type == "joined" else ("-", "red")
        if not self._as_json:
            line = f"{time.strftime('%H:%M:%S')} {sign} {seen(message.user)}"
            self._show(Text(line, style=style))

    def _note(self, text: str, *, style: str = "dim") -> None:
        with suppress(OSError):
            self._notes.print(Text(f"-- {seen(text)}", style=style))


def readable(text: str) -> str:
    """A JSON text with its characters instead of their escapes."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (RecursionError, ValueError):
        # Nested too deeply for Python, or a number of too many digits for it.
        return one_line(text)


def one_line(text: str) -> str:
    """A JSON text without the line breaks that its author gave it."""
    return msgspec.json.format(text, indent=0)


def proxy_for(url: str) -> Literal[True] | None:
    """Whether to use a proxy of the environment: never to reach this machine itself."""
    host = urlsplit(url).hostname or ""
    return None if is_loopback(host) or proxy_bypass(host) else True


def websocket_url(address: str) -> str:
    """The WebSocket's URL for an address as people write it: with or without scheme and path.

    A path is a prefix that a proxy takes away, unless it ends with the WebSocket's own.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "ws", address
    scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    base = rest.rstrip("/")
    return f"{scheme}://{base}" if base.endswith("/ws") else f"{scheme}://{base}/ws"
