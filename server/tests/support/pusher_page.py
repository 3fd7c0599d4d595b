"""Unmodified clients of PyPI for Pusher's protocol: `pysher` is a page, `pusher` a back end."""

import queue
from typing import Any
from urllib.parse import urlsplit

import pusher
import pysher
from protocol_server import Server
from pusher_runner import APPS, Json

DEADLINE_S = 30.0


def library(server: Server, *, app: Json = APPS[1], secret: str | None = None) -> Any:
    """The library of a back end."""
    address = urlsplit(server.api_url)
    return pusher.Pusher(
        app_id=app["id"],
        key=app["key"],
        secret=secret or app["secret"],
        host=address.hostname,
        port=address.port,
        ssl=False,
    )


class Page:
    """A client of pysher, with what it got."""

    def __init__(
        self, server: Server, *channels: str, user: str = "ann", app: Json = APPS[1]
    ) -> None:
        self.got: queue.Queue[tuple[str, Any]] = queue.Queue()
        address = urlsplit(server.url)
        self.client = pysher.Pusher(
            app["key"],
            secret=app["secret"],
            user_data={"user_id": user, "user_info": {"name": user}},
            custom_host=address.hostname,
            port=address.port,
            secure=False,
            daemon=True,
        )
        self.client.connection.bind(
            "pusher:connection_established", lambda _data: self._subscribe(channels)
        )
        self.client.connect()

    def _subscribe(self, channels: tuple[str, ...]) -> None:
        for name in channels:
            channel = self.client.subscribe(name)
            for event in ("pusher_internal:subscription_succeeded", "post", "client-move"):
                channel.bind(event, lambda data, event=event: self.got.put((event, data)))

    def say(self, channel: str, event: str, data: object) -> None:
        """Send a client event."""
        self.client.channels[channel].trigger(event, data)

    def next(self) -> tuple[str, Any]:
        """The next that it got."""
        return self.got.get(timeout=DEADLINE_S)

    def close(self) -> None:
        """Go."""
        self.client.disconnect(timeout=DEADLINE_S)
