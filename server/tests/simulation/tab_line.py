"""One connection of a page: as `Line`, in Pusher's protocol."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, cast

import msgspec
from river_wire import split
from simulation.line import LIMITS, Line
from simulation.truth import demand

from riverd.core.session import Session
from riverd.core.tab import Tab

if TYPE_CHECKING:
    from simulation.client import Client
    from simulation.host import Host
    from simulation.page import Page
    from simulation.tab_world import TabWorld

    from riverd.model.log import Position

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class TabLine(Line):
    """See `Line`."""

    def __init__(self, world: TabWorld, page: Page, host: Host) -> None:
        self.host = host
        self.up = self.held = True
        self.node = host.node
        self.user = page.user
        self._world = world
        self._client = cast("Client", page)
        self.session = Session(
            world.new_session(page.name),
            self,
            protocol=world.app_protocol,
            limits=LIMITS,
            verify=self._verify,
        )
        self.session.tab = Tab(
            page.key,
            self.session.id,
            is_new=world.are_young or not page.is_known,
            began_at=page.began_s,
        )
        self._slow_s = world.dice.choice((0.0, 0.0, 0.3))
        self._room_bytes = world.dice.choice((800, 2000, 1_000_000))
        self._unread_bytes = 0
        self._stalled_until = 0.0
        self._dead = False
        self._down = deque()
        self._upward = deque()
        self._down_timer = None
        self._up_timer = None
        host.lines[self] = None
        self.write(self.session.welcome())
        self.node.opened(self.session)

    def write(self, frames: bytes) -> None:
        if self._dead:
            return
        demand(self.held, "{} is written to after its end", self.session.id)
        messages = [_decode(payload) for _, payload in split(frames)]
        for message in messages:
            self._world.note(self.host.name, "tells", self.session.id, message)
        self._unread_bytes += len(frames)
        told = [(message, self._standing(message.get("channel"))) for message in messages]
        self._send_down(len(frames), cast("Any", told))
        if self._unread_bytes > self._room_bytes and not self.session.blocked:
            self._world.note(self.host.name, "is blocked by", self.session.id)
            self.node.blocked(self.session)

    def _standing(self, name: str | None) -> Position | None:
        """Where the node's replica of the channel stands."""
        channel = None if name is None else self.host.hub.channels.get(name)
        return None if channel is None else channel.log.position

    def close(self, code: int, reason: str) -> None:
        self._world.note(self.host.name, "closes", self.session.id, code, reason)
        self._server_end()
        self._send_down(0, None)

    def send_event(self, event: str, channel: str | None) -> None:
        """Send one of the client's messages."""
        data = {} if channel is None else {"channel": channel, "auth": ""}
        self.send({"event": event, "data": data})

    def _receive(self, message: dict[str, Any]) -> None:
        self._world.note(self.host.name, "hears", self.session.id, message)
        self.node.receive(self.session, _encode(message), now=self._world.now)
