"""What webhooks cost Redis: its commands and processor time a publish and a join, with and without.

python benchmarks/webhook_cost.py --times 2000
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import jwt
import redis as redis_client
from keys import RunKeys
from peers.contender import Ask
from peers.river.adapter import River
from serving import redis
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from peers.contender import PeerServer

EVENTS = (
    *("channel_occupied", "channel_vacated", "member_joined", "member_left", "client_event"),
    *("user_connected", "user_disconnected", "subscription_count"),
)
LEARNT_S = 4.0
"""Gateways know what a new webhook asks for after so long."""
DELIVERED_S_MAX = 120.0


class RiverWithWebhook(River):
    """River that sends every event of every channel to one receiver; or to none."""

    def __init__(self, url: str) -> None:
        self._url = url

    def settings(self, ask: Ask) -> dict[str, str]:
        """The webhook; only the API needs it."""
        if ask.side != "api":
            return {"RIVER_CLIENT_RATE": "100000"}
        if not self._url:
            return {}
        hook = {"url": self._url, "events": EVENTS, "secret": ask.keys.secret}
        return {"RIVER_WEBHOOKS": json.dumps([hook]), "RIVER_WEBHOOK_NETWORKS": "private"}


class HookedRiver:
    """A gateway, an API and a Redis, and what is done to them."""

    def __init__(self, gateway: PeerServer, api: PeerServer, *, port: int, keys: RunKeys) -> None:
        self._gateway, self._api, self._keys = gateway, api, keys
        self._redis = redis_client.Redis(port=port)

    def costs(self, work: Callable[[int], None], times: int) -> tuple[float, float]:
        """Redis' commands, with those of scripts, and its microseconds for each time."""
        began = time.monotonic()
        before = self._counts()
        work(times)
        self._await_delivery()
        after, seconds = self._counts(), time.monotonic() - began
        time.sleep(seconds)
        # What goes on without anybody, in as much time.
        idle = [later - now for later, now in zip(self._counts(), after, strict=True)]
        spent = [now - then for now, then in zip(after, before, strict=True)]
        commands, cpu_s = [(one - rest) / times for one, rest in zip(spent, idle, strict=True)]
        return commands, cpu_s * 1e6

    def publish(self, times: int) -> None:
        """A back end publishes."""
        body = json.dumps({"channel": "news", "event": "post", "data": {"text": "hello"}}).encode()
        for _ in range(times):
            self._ask("/publish", body)

    def publish_as_client(self, times: int) -> None:
        """A client publishes."""
        with connect(self._gateway.websocket_url) as socket:
            self._enter(socket, user="ann", channel="news")
            text = json.dumps({"type": "publish", "channel": "news", "event": "e", "data": 1})
            for number in range(times):
                socket.send(text.replace("{", f'{{"id":{number + 3},', 1))
                while f'"id":{number + 3},' not in str(socket.recv()):
                    pass

    def come_and_go(self, times: int) -> None:
        """Another user each time enters a presence channel, and goes."""
        for number in range(times):
            with connect(self._gateway.websocket_url) as socket:
                self._enter(socket, user=f"user-{number}", channel=f"presence-{number}")

    def _enter(self, socket: ClientConnection, *, user: str, channel: str) -> None:
        river = {"subscribe": ["*"], "publish": ["*"]}
        token = jwt.encode({"sub": user, "river": river, "exp": 2**40}, self._keys.secret)
        socket.send(json.dumps({"type": "auth", "id": 1, "token": token}))
        socket.send(json.dumps({"type": "subscribe", "id": 2, "channel": channel}))
        while '"subscribed"' not in str(socket.recv()):
            pass

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"x-api-key": self._keys.api_key, "content-type": "application/json"}
        with urlopen(Request(self._api.publish_url + path, body, headers)) as answer:  # noqa: S310
            return answer.read()

    def _await_delivery(self) -> None:
        """Until everything was delivered; leaves wait three seconds."""
        time.sleep(LEARNT_S)
        deadline = time.monotonic() + DELIVERED_S_MAX
        while any(one["waiting"] for one in json.loads(self._ask("/webhooks"))["webhooks"]):
            assert time.monotonic() < deadline, "it is not delivered"
            time.sleep(0.1)

    def _counts(self) -> tuple[float, float]:
        calls = sum(one["calls"] for one in self._redis.info("commandstats").values())
        cpu = self._redis.info("cpu")
        return calls, cpu["used_cpu_user"] + cpu["used_cpu_sys"]


class AcceptingReceiver(BaseHTTPRequestHandler):
    """Accepts whatever comes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # noqa: D102
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name is given
        """Nothing."""


def measure(url: str, times: int) -> dict[str, tuple[float, float]]:
    """What each costs, with a webhook at this address, or with none."""
    river, keys = RiverWithWebhook(url), RunKeys()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="river-webhooks-")))
        _, broker = stack.enter_context(redis(home))
        ask = Ask(keys=keys, home=home, side="gateway", broker=broker, core=None)
        gateway = stack.enter_context(river.start(ask))
        api = stack.enter_context(river.start(replace(ask, side="api")))
        run = HookedRiver(gateway, api, port=int(broker.rpartition(":")[2]), keys=keys)
        time.sleep(LEARNT_S)
        return {
            "publish": run.costs(run.publish, times),
            "client publish": run.costs(run.publish_as_client, times),
            "come and go": run.costs(run.come_and_go, times),
        }


def main() -> int:
    """Print each without and with."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=2_000)
    wanted = parser.parse_args()
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), AcceptingReceiver)
    Thread(target=receiver.serve_forever, daemon=True).start()
    for url in ("", f"http://127.0.0.1:{receiver.server_port}/"):
        for what, (commands, cpu_us) in measure(url, wanted.times).items():
            print(f"{'with' if url else 'without'}: {what}: {commands:.2f}, {cpu_us:.1f} us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
