"""Ten thousand clients lose their gateway at once, and come back to the two others.

    python benchmarks/failover.py --clients 10000

Three gateways, one Redis, one publish API. The first gateway is killed (`kill -9`); while its
clients are away, three publications go to each of their channels; then all come back at once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from keys import RunKeys
from loader import LOAD, build, write_tokens
from peers.contender import Ask
from peers.river.adapter import River
from serving import get, redis

CHANNELS = 101
MISSED = 3
GATEWAYS = 3


def main() -> int:
    """Print what became of them as JSON; 1 if not all were live again with all that they missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=10_000)
    wanted = parser.parse_args()
    build()
    keys, river = RunKeys(), River()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="river-failover-")))
        _, broker = stack.enter_context(redis(home))
        ask = Ask(keys=keys, home=home, side="gateway", broker=broker, core=None)
        gateways = [stack.enter_context(river.start(ask)) for _ in range(GATEWAYS)]
        api = stack.enter_context(river.start(replace(ask, side="api")))
        tokens = write_tokens(river, keys, folder=home)
        line = _command([one.websocket_url for one in gateways], wanted.clients)
        line += ["--publish-url", api.publish_url, "--api-key", keys.api_key]
        line += ["--token-file", str(tokens)]
        load = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        threading.Thread(target=_kill_when_away, args=(load, gateways[0].pid), daemon=True).start()
        told = json.loads(load.stdout.read() if load.stdout is not None else b"{}")
        reads = [_reads(one.metrics_url) for one in gateways[1:]]
    return _report(told, reads)


def _command(urls: list[str], clients: int) -> list[str]:
    options = {
        "--url": urls[0],
        "--connections": str(clients),
        "--channels": "news,room-%d",
        "--spread": str(CHANNELS - 1),
        "--publish-channels": "news,room-%d",
        "--publish-rate": "50",
        "--duration-s": "2",
        "--missed": str(MISSED),
    }
    words = [word for pair in options.items() for word in pair]
    back = [word for url in urls[1:] for word in ("--comeback-url", url)]
    return [str(LOAD), *words, *back, "--comeback"]


def _kill_when_away(load: subprocess.Popen[bytes], pid: int) -> None:
    for line in load.stderr or ():
        if b'"away"' in line:
            os.kill(pid, signal.SIGKILL)


def _reads(metrics_url: str) -> int:
    text = get(metrics_url, timeout_s=30) or ""
    found = re.search(r"^river_broker_reads_total (\S+)$", text, re.MULTILINE)
    return int(float(found[1])) if found else -1


def _report(told: dict[str, dict[str, float]], reads: list[int]) -> int:
    comeback, total = told["comeback"], told["total"]
    result = {
        "clients": comeback["clients"],
        "caught_up": comeback["caught_up"],
        "all_live_s": comeback["subscribed_s"],
        "all_have_everything_s": comeback["seconds"],
        "missing": total["missing"],
        "duplicates": total["duplicates"],
        "gaps_told": total["gaps_told"],
        "broker_reads_of_each_survivor": reads,
        "channels": CHANNELS,
    }
    print(json.dumps(result))
    lost = total["missing"] or total["duplicates"] or comeback["caught_up"] < comeback["clients"]
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
