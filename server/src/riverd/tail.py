"""A live tail of one channel in the terminal: it resumes where it was after a lost connection."""

import json
import random
import time
from collections.abc import Callable
from typing import cast

from rich.console import Console
from rich.text import Text
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.sync.client import ClientConnection, connect

RETRY_S_FIRST = 0.5
RETRY_S_MAX = 20.0
OPEN_TIMEOUT_S = 10.0
FINAL_CODES = (4400, 4403)

Told = dict[str, object]


class Tail:
    """One connection after another to one channel, and a line for everything that is told."""

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
        self._notes = Console(stderr=True, highlight=False)
        self._epoch: str | None = None
        self._offset = 0
        self._failures = 0

    def run(self) -> None:
        """Follow until Ctrl-C, or until the server says that it is over."""
        try:
            while self._follow():
                self._wait()
        except KeyboardInterrupt:
            self._note("stopped")

    def _follow(self) -> bool:
        """One connection, to its end. Whether to try again."""
        try:
            with connect(self._url, open_timeout=OPEN_TIMEOUT_S, max_size=None) as connection:
                self._begin(connection)
                for text in connection:
                    self._take(cast("Told", json.loads(text)))
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd is not None else 1006
            reason = error.rcvd.reason if error.rcvd is not None else "connection lost"
            self._note(f"closed: {code} {reason}", style="yellow")
            return code not in FINAL_CODES
        except InvalidURI:
            self._note(f"{self._url} is not a WebSocket address", style="red")
            return False
        except (OSError, InvalidHandshake, TimeoutError) as error:
            self._note(f"cannot connect to {self._url}: {error}", style="yellow")
        return True

    def _begin(self, connection: ClientConnection) -> None:
        connection.send(json.dumps({"type": "auth", "id": 1, "token": self._token()}))
        wanted: Told = {"type": "subscribe", "id": 2, "channel": self._channel}
        if self._epoch is not None:
            wanted |= {"epoch": self._epoch, "offset": self._offset}
        elif self._history:
            wanted["history"] = self._history
        connection.send(json.dumps(wanted))

    def _wait(self) -> None:
        """Full jitter: those that were cut off together do not come back together."""
        self._failures += 1
        limit = min(RETRY_S_MAX, RETRY_S_FIRST * 2**self._failures)
        pause = random.uniform(0, limit)  # noqa: S311  jitter
        self._note(f"next attempt in {pause:.1f} s", style="dim")
        time.sleep(pause)

    def _take(self, told: Told) -> None:
        if self._as_json:
            self._console.out(json.dumps(told, ensure_ascii=False), highlight=False)
        match told["type"]:
            case "event":
                self._offset = cast("int", told["offset"])
                self._event(told)
            case "subscribed":
                self._subscribed(told)
            case "gap":
                self._epoch, self._offset = str(told["epoch"]), cast("int", told["offset"])
                self._note("gap: what came before this cannot be had any more", style="red")
            case "joined" | "left":
                self._member(told)
            case "error":
                self._note(f"{told['code']}: {told['message']}", style="red")
            case "bye":
                self._note(f"the server asks to come again: {told['reason']}", style="yellow")
            case _:
                pass

    def _subscribed(self, told: Told) -> None:
        resumed = self._epoch is not None
        self._failures = 0
        self._epoch = str(told["epoch"])
        if not told["recovered"]:
            # Events of the asked history follow, and bring their own offsets.
            self._offset = cast("int", told["offset"])
        if resumed and told["recovered"]:
            self._note(f"live again in {self._channel}, nothing missed", style="green")
        elif resumed:
            self._note(f"live again; what was missed is lost ({told.get('reason')})", style="red")
        else:
            self._note(
                f"live in {self._channel} at {told['epoch']}:{told['offset']}", style="green"
            )

    def _event(self, told: Told) -> None:
        if self._as_json:
            return
        line = Text()
        line.append(time.strftime("%H:%M:%S "), style="dim")
        line.append(f"{told['offset']:>6} ", style="dim")
        line.append(f"{told['event']} ", style="bold cyan")
        if "user" in told:
            line.append(f"by {told['user']} ", style="magenta")
        line.append(json.dumps(told["data"], ensure_ascii=False))
        self._console.print(line)

    def _member(self, told: Told) -> None:
        sign, style = ("+", "green") if told["type"] == "joined" else ("-", "red")
        if not self._as_json:
            self._console.print(
                Text(f"{time.strftime('%H:%M:%S')} {sign} {told['user']}", style=style)
            )

    def _note(self, text: str, *, style: str = "dim") -> None:
        self._notes.print(Text(f"-- {text}", style=style))


def websocket_url(address: str) -> str:
    """The WebSocket's URL for an address as people write it: with or without scheme and path."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "ws", address
    scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}/{path or 'ws'}" if slash else f"{scheme}://{host}/ws"
