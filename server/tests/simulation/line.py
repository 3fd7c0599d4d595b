"""One connection between a client and a session: bytes both ways, late, blocked or lost."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec
from river_wire import split
from simulation.ear import Message
from simulation.stream import Stream
from simulation.truth import demand

from riverd.channels.grants import Grants
from riverd.core.session import Session
from riverd.core.session_limits import SessionLimits
from riverd.errors import Reason
from riverd.model.claims import Claims
from riverd.protocols.native.close_codes import NATIVE_CLOSE_CODES
from riverd.websocket import frames

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from collections.abc import Iterator

    from simulation.client import Client
    from simulation.host import Host
    from simulation.world import World

LIMITS = SessionLimits(channels_max=20, rate=1e9)

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(dict[str, object]).decode


def claims_of(token: str) -> Claims:
    """A token is `user|info|iat`, and good for everything."""
    user, info, issued_at = token.split("|")
    grants = Grants(None, ("*",))
    return Claims(user, grants=grants, info=info.encode() or None, issued_at=float(issued_at))


class Line:
    """The session's sink and the client's socket. It blocks when `room_bytes` are unread.

    `up` while the client's end is open, `held` while the server thinks that its end is.
    """

    def __init__(self, world: World, client: Client, host: Host) -> None:
        self.host = host
        self.up = self.held = True
        self.node = host.node
        self.user = client.user
        self.authenticated_s = 0.0
        self._held_channels: dict[str | None, None] = {}
        session_id = world.new_session(client.name)
        ids = (session_id,) if client.session is None else (session_id, client.session)
        self.stream = Stream(
            world, client.user, ids=ids, rules=world.rules, is_guest=client.is_guest
        )
        self.session = Session(
            session_id,
            self,
            protocol=world.protocol,
            limits=LIMITS,
            verify=self._verify,
        )
        self._world = world
        self._client = client
        self._slow_s = world.dice.choice((0.0, 0.0, 0.3, 1.5))
        self._room_bytes = world.dice.choice((300, 800, 2000, 1_000_000))
        self._unread_bytes = 0
        self._stalled_until = 0.0
        self._dead = False
        self._down: deque[tuple[float, int, list[Message] | None]] = deque()
        self._upward: deque[tuple[float, list[Message]]] = deque()
        self._down_timer: TimerHandle | None = None
        self._up_timer: TimerHandle | None = None
        host.lines[self] = None
        self.node.opened(self.session)
        self.write(self.session.welcome())

    # The sink.

    def write(self, frames: bytes) -> None:
        if self._dead:
            return
        demand(self.held, "{} is written to after its end", self.session.id)
        messages = [_decode(payload) for _, payload in split(frames)]
        for message in messages:
            self._world.note(self.host.name, "tells", self.session.id, message)
            self.stream.told(message)
        for channel in self.stream.moved:
            ear = self.stream.ears.get(channel)
            self.host.check_members(channel, None if self._is_owed(channel) else ear)
        self.stream.moved.clear()
        self._unread_bytes += len(frames)
        self._send_down(len(frames), messages)
        if self._unread_bytes > self._room_bytes and not self.session.blocked:
            self._world.note(self.host.name, "is blocked by", self.session.id)
            self.node.blocked(self.session)

    def close(self, code: int, reason: str) -> None:
        self._world.note(self.host.name, "closes", self.session.id, code, reason)
        if code == NATIVE_CLOSE_CODES[Reason.DISCONNECTED] and self.session.claims is not None:
            self._world.server.orders.check_closed(self)
        self._server_end()
        self._send_down(0, None)

    def write_parts(self, parts: Iterator[bytes]) -> None:
        self.write(frames.text(b"".join(payload for part in parts for _, payload in split(part))))

    def take_guest(self) -> bool:
        return True

    def on_authenticated(self, *, renewed: bool) -> None:
        """Tokens last for ever here, if nobody revokes them."""
        demand(not renewed, "nobody renews here")
        claims = self.session.claims
        assert claims is not None, "a token was taken"
        assert claims.issued_at is not None, "tokens have an iat here"
        self.authenticated_s = self._world.now
        self._world.server.orders.check_admitted(self, claims.issued_at)

    def _verify(self, token: str, now: float) -> Claims:
        claims = claims_of(token)
        self.node.control.revocations.check(claims, now)
        return claims

    # The client's end.

    def send(self, *messages: Message) -> None:
        """Send some messages so that they arrive together."""
        if self.up:
            self._upward.append(
                (self._due(self._upward[-1][0] if self._upward else 0), [*messages])
            )
            self._arm_up()

    def cut(self, notice_s: float) -> None:
        """Lose the connection: the client knows it, the server learns of it in a while."""
        self._lose()
        self._world.loop.call_later(notice_s, self._server_gone)
        self._client.lost(self)

    def stall(self, until: float) -> None:
        """Read nothing until then."""
        self._stalled_until = until

    def cut_by_crash(self, notice_s: float) -> None:
        """The server's process is gone: the client learns of it in a while."""
        self._dead, self.held = True, False
        self._lose()
        self._world.loop.call_later(notice_s, self._client.lost, self)

    # On the way.

    def _due(self, last: float, slow_s: float = 0.0) -> float:
        delay_s = self._world.delay_s()
        if slow_s and not self._world.calm:
            delay_s += slow_s * self._world.dice.random()
        return max(last, self._world.now + delay_s)

    def _lose(self) -> None:
        self.up = False
        self._down.clear()
        self._upward.clear()

    def _is_owed(self, channel: str) -> bool:
        """Whether more is on its way to it, after what it is written now."""
        subscription = self.session.subscriptions.get(channel)
        if subscription is None or not subscription.is_admitted:
            return False
        return self.host.hub.channels[channel].is_owed(subscription)

    def _send_down(self, size: int, messages: list[Message] | None) -> None:
        if self.up:
            due = self._due(self._down[-1][0] if self._down else 0, self._slow_s)
            self._down.append((due, size, messages))
            self._arm_down()

    def _arm_down(self) -> None:
        if self._down and self._down_timer is None:
            due = max(self._down[0][0], self._stalled_until)
            self._down_timer = self._world.loop.call_at(due, self._arrive_down)

    def _arrive_down(self) -> None:
        self._down_timer = None
        now = self._world.now
        if self._stalled_until <= now:
            while self._down and self._down[0][0] <= now:
                _, size, messages = self._down.popleft()
                self._unread_bytes -= size
                if messages is None:
                    self._lose()
                    self._client.lost(self)
                else:
                    self._client.hear(self, messages)
        if self.held and self.session.blocked and self._unread_bytes <= self._room_bytes // 2:
            self._world.note(self.host.name, "can go on with", self.session.id)
            self.node.drained(self.session)
            self._arm_up()
        self._arm_down()

    def _arm_up(self) -> None:
        if self._upward and self._up_timer is None:
            due = max(self._upward[0][0], self._world.now)
            self._up_timer = self._world.loop.call_at(due, self._arrive_up)

    def _arrive_up(self) -> None:
        self._up_timer = None
        # A gateway reads nothing from a client that reads nothing, but what it has read counts.
        while self._upward and self._upward[0][0] <= self._world.now and not self._deaf():
            for message in self._upward.popleft()[1]:
                if not self.session.closed:
                    self._receive(message)
        if not self._deaf():
            self._arm_up()

    def _deaf(self) -> bool:
        return self.session.blocked or not self.held

    def _receive(self, message: Message) -> None:
        self._world.note(self.host.name, "hears", self.session.id, message)
        placed = self._is_placed(message)
        self.stream.asked(message, self._world.now, placed=placed)
        self.node.receive(self.session, _encode(message), now=self._world.now)

    def _is_placed(self, message: Message) -> bool:
        """Whether the channel will be subscribed when the session comes to this message."""
        channel = message.get("channel")
        if self.session not in self.node.authentication.waiting.held:
            self._held_channels.clear()
            if message["type"] != "auth":
                return channel in self.session.subscriptions
        placed = channel in self._held_channels
        if message["type"] == "subscribe":
            self._held_channels[channel] = None
        elif message["type"] == "unsubscribe":
            self._held_channels.pop(channel, None)
        return placed

    def _server_gone(self) -> None:
        if self.held:
            self._world.note(self.host.name, "misses", self.session.id)
            self.session.closed = True
            self._server_end()

    def _server_end(self) -> None:
        if self.held:
            self.held = False
            self.host.lines.pop(self, None)
            self.node.closed(self.session)
