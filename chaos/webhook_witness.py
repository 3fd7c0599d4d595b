"""A receiver of webhooks: counts who is there, and says what was wrong with what it was sent."""

import hmac
import json
import threading
from base64 import b64encode
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

SECRET = "chaos-webhook-secret-0123456789abcdef"
COMES, GOES, SAYS = "member_joined", "member_left", "client_event"


class WebhookWitness:
    """What came, by the events' ids: an event may come twice, and say one thing only.

    `repeated` counts joins and leaves that say what is so already: where the broker lost data some
    come before the reset that says so, and one of each user may follow it. `doubled` counts ids
    with two contents, `forged` requests with a wrong signature.

    `said` gives the numbers that a client published and River accepted, and the newest that it may
    have: each comes once and in order. Those before a reset may be missing.
    """

    def __init__(self, channel: str, said: Callable[[], tuple[set[int], int]]) -> None:
        self.channel = channel
        self._said_numbers = said
        self._numbers: list[int] = []
        self._forgiven_to = 0
        self._wrong_before = (0, 0)
        self.members: set[str] = set()
        self.events = self.resets = self.repeated = self.doubled = self.forged = 0
        self._contents: dict[str, str] = {}
        self._said: set[str] = set()
        """Of whom something was said since the last reset."""
        self._lock = threading.Lock()

    @property
    def settings(self) -> dict[str, str]:
        """What the publish API is to be set to."""
        wanted = {
            "url": f"http://127.0.0.1:{self._server.server_port}/",
            "secret": SECRET,
            "events": [COMES, GOES, SAYS],
            "channels": self.channel,
        }
        return {"RIVER_WEBHOOKS": json.dumps([wanted]), "RIVER_WEBHOOK_NETWORKS": "private"}

    def start(self) -> None:
        """Take requests, in a thread of its own."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self._take))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()

    def mistakes(self, present: set[str]) -> list[str]:
        """What is wrong here while so many users are present.

        Where a list of members begins again all are written as joined, and the reset that says why
        may come seconds after that: until then it is not right.
        """
        wrong = [f"{user}: not counted" for user in sorted(present - self.members)]
        wrong += [f"{user}: counted, and gone" for user in sorted(self.members - present)]
        if self.repeated:
            wrong.append(f"{self.repeated} joins and leaves came again without a reset")
        return wrong + [f"{number} was accepted, and did not come" for number in self.missing()]

    def missing(self) -> list[int]:
        """Numbers that were accepted after the last reset and did not come."""
        accepted, _ = self._said_numbers()
        return sorted(one for one in accepted - {*self._numbers} if one > self._forgiven_to)

    def wrong_numbers(self) -> tuple[int, int]:
        """How often one came again under another id, and how often one came behind a later one."""
        twice, disordered = self._wrong_numbers()
        return twice - self._wrong_before[0], disordered - self._wrong_before[1]

    def _wrong_numbers(self) -> tuple[int, int]:
        accepted, _ = self._said_numbers()
        # What nobody was told of may lie in a connection that was cut, and come late.
        known = [one for one in list(self._numbers) if one in accepted]
        twice = len(known) - len({*known})
        return twice, sum(later < one for one, later in pairwise(known))

    def forgive(self) -> None:
        """Count what is wrong from nothing again."""
        self.repeated = self.doubled = self.forged = 0
        self._wrong_before = self._wrong_numbers()
        self._forgiven_to = max([self._forgiven_to, *self.missing()])

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        text = b".".join(
            [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
        )
        signature = b64encode(hmac.digest(SECRET.encode(), text, "sha256")).decode()
        with self._lock:
            self.forged += f"v1,{signature}" not in headers["webhook-signature"].split()
            for event in json.loads(body)["events"]:
                self.count_event(event)

    def count_event(self, event: dict[str, Any]) -> None:
        """One event came."""
        content = json.dumps([event["type"], event.get("channel"), event.get("user")])
        known = self._contents.setdefault(event["id"], content)
        if known != content and event["type"] != "reset":
            self.doubled += 1
        if len(self._contents) == self.events:
            return
        self.events = len(self._contents)
        user = str(event.get("user", ""))
        match event["type"]:
            case "reset":
                self.resets += 1
                self.members = {
                    user
                    for one in event["state"]["channels"]
                    if one["channel"] == self.channel
                    for user in one.get("members", ())
                }
                self._said, self.repeated = set(), 0
                self._forgiven_to = self._said_numbers()[1]
            case "client_event":
                self._numbers.append(int(event["data"]))
            case _:
                is_there = event["type"] == COMES
                self.repeated += is_there is (user in self.members) and user in self._said
                self._said.add(user)
                (self.members.add if is_there else self.members.discard)(user)


def handler_of(take: Callable[[dict[str, str], bytes], None]) -> type[BaseHTTPRequestHandler]:
    """What answers each request with 200."""

    class WebhookHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name is given
            """Nothing."""

    return WebhookHandler
