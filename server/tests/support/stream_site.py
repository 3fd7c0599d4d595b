"""A gateway that serves streams, in the process of a test."""

import json
import socket
import time

from river_client import SECRET, token

from riverd.auth.session_secrets import SessionSecrets
from riverd.auth.tokens import Verifier
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.channels.rules import ChannelRule, ChannelRules
from riverd.core.hub import Hub
from riverd.core.session_limits import SessionLimits
from riverd.gateway.admission import Admission
from riverd.gateway.client_files import ClientFiles
from riverd.gateway.connection_limiter import ConnectionLimits
from riverd.gateway.gateway import Gateway
from riverd.gateway.origins import Origins
from riverd.gateway.static_files import Pages
from riverd.http.proxies import ClientAddresses
from riverd.model.claims import Claims
from riverd.model.log import Message, Position
from riverd.node.node import Node
from riverd.protocols.native.close_codes import NATIVE_CLOSE_CODES
from riverd.protocols.native.protocol import Native, NativePath
from riverd.service.composition import client_folder
from riverd.websocket.interface import SocketLimits

MANY = 200
GUESTS = (ChannelRule(match="scores-*", access="guest"),)
SITE_RULES = ChannelRules(GUESTS, history_size=100, history_ttl_s=300)
WITH_USERS = ChannelRules(GUESTS, history_size=100, history_ttl_s=300, user_channels=True)
"""Each user has a channel, as River has it by default."""


def bearer(user: str = "ada", **claims: object) -> dict[str, str]:
    return {"authorization": f"Bearer {token(user, **claims)}"}


class Health:
    reason: str | None = None

    def unready(self) -> str | None:
        return self.reason


class Site:
    """A gateway that serves streams, and its broker."""

    def __init__(
        self, origins: tuple[str, ...], *, query_token: bool, rules: ChannelRules = SITE_RULES
    ) -> None:
        self.verifier = Verifier([SECRET])
        self.failures: list[BaseException] = []
        self.health = Health()
        self._board = Switchboard(Store(rules, new_epoch=lambda: "epoch"))
        self.broker = MemoryBroker(self._board, time.monotonic)
        hub = Hub(rules, part_bytes_max=65_536)
        self.node = Node(
            MemoryBroker(self._board, time.monotonic),
            hub,
            clock=time.monotonic,
            failed=self.failures.append,
        )
        native = Native(rules, SessionSecrets([SECRET]))
        self.gateway = Gateway(
            self.node,
            Pages(health=self.health, metrics=bytes, client=ClientFiles(client_folder(), "1")),
            paths=[NativePath(native)],
            close_codes=NATIVE_CLOSE_CODES.values(),
            verify=self._verify,
            failed=self.failures.append,
            refused=lambda *_: None,
            limits=SessionLimits(rate=5),
            socket_limits=SocketLimits(),
            admission=Admission(
                ConnectionLimits(MANY, MANY, MANY, MANY, MANY),
                ClientAddresses(()),
                25,
                Origins(origins),
            ),
        )
        self.gateway.serve_streams(native, unready=self.health.unready, query_token=query_token)
        self.url = ""

    def _verify(self, token: str, now: float) -> Claims:
        # Looked up each time: a test may change it.
        return self.verifier.verify(token, now)

    async def start(self) -> None:
        await self.node.start()
        sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        await self.gateway.start(sock)

    async def close(self) -> None:
        await self.gateway.close()
        await self.node.close()
        assert self.failures == []

    async def publish(self, channel: str, data: object, event: str = "e") -> Position:
        return await self.broker.publish(Message(channel, event, json.dumps(data).encode()))
