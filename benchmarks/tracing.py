"""What `river trace` costs a busy gateway: the same fan-out with a trace running and without.

python benchmarks/tracing.py --rounds 3
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import loader
from keys import RunKeys
from measure import Size, one_round
from peers.river.adapter import River
from scenarios import SCENARIOS
from tree import number

if TYPE_CHECKING:
    from collections.abc import Generator

    from peers.contender import Ask, PeerServer

MEASURED = ("fanout", "fanout-batch")
ASK_S = 0.5
"""As often as the command asks."""
ANSWER_S_MAX = 30.0
TRACED = {
    "one of 1,000 users": {"user": "user-{home}-0"},
    "the channel": {"channel": "news"},
}


class TracedRiver(River):
    """River while somebody follows a trace."""

    def __init__(self, about: str, *, query: dict[str, str]) -> None:
        self.about = about
        self._query = query
        self.lines = 0

    @contextmanager
    def start(self, ask: Ask) -> Generator[PeerServer, None, None]:
        """The same process; a thread asks for the trace until the block ends."""
        query = {name: value.format(home=ask.home.name) for name, value in self._query.items()}
        ended = threading.Event()
        with super().start(ask) as server:
            asking = threading.Thread(
                target=self._follow, args=(server,), kwargs={"query": query, "ended": ended}
            )
            asking.start()
            try:
                yield server
            finally:
                ended.set()
                asking.join()

    def _follow(self, server: PeerServer, *, query: dict[str, str], ended: threading.Event) -> None:
        port = urlsplit(server.publish_url).port
        while not ended.wait(ASK_S):
            asking = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S_MAX)
            asking.request(
                "GET", f"/trace?{urlencode(query)}", headers={"x-api-key": server.api_key}
            )
            answer = json.loads(asking.getresponse().read())
            asking.close()
            self.lines += len(answer["lines"])
            query |= {"id": answer["id"], "after": answer["after"]}


def measure(rounds: int, seconds: float) -> None:
    """Print the medians of each scenario, with and without taking turns."""
    traced = [TracedRiver(about, query=query) for about, query in TRACED.items()]
    contenders: dict[str, River] = {"no trace": River(), **{one.about: one for one in traced}}
    size = Size(seconds=seconds, rest=seconds, quiet_s=0)
    for name in MEASURED:
        scenario = next(one for one in SCENARIOS if one.name == name)
        found: dict[str, list[dict[str, object]]] = {title: [] for title in contenders}
        for _ in range(rounds):
            for title, one in contenders.items():
                found[title].append(one_round(scenario, one, keys=RunKeys(), size=size))
        for title, observed in found.items():
            print(f"{name}, traced: {title}")
            for path in ("load.window.deliveries_per_s", "server.cpu_s_a_million"):
                values = [number(one, path) or 0.0 for one in observed]
                print(f"  {path}: {statistics.median(values):,.3f} of {values}", flush=True)
    print("lines:", {one.about: one.lines for one in traced})


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    wanted = parser.parse_args()
    loader.build()
    measure(wanted.rounds, wanted.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
