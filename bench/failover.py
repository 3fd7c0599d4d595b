"""Ten thousand clients lose their gateway at once, and come back to the two others.

    python bench/failover.py --clients 10000

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
from pathlib import Path

from keys import Keys
from loader import LOAD, build, write_tokens
from serving import api_on, free_port, gateway_on, get, redis

CHANNELS = 101
MISSED = 3


def main() -> int:
    """Print what became of them as JSON; 1 if not all were live again with all that they missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=10_000)
    wanted = parser.parse_args()
    build()
    keys = Keys()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="river-failover-")))
        broker = stack.enter_context(redis(folder))
        ports = [free_port() for _ in range(3)]
        pids: list[int] = []
        for port in ports:
            home = folder / str(port)
            home.mkdir()
            pids.append(stack.enter_context(gateway_on(port, keys, home, broker=broker)))
        api = stack.enter_context(api_on(free_port(), keys, folder, broker=broker))
        load = subprocess.Popen(
            _command(ports, api, keys, write_tokens(keys, folder), wanted.clients),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        threading.Thread(target=_kill_when_away, args=(load, pids[0]), daemon=True).start()
        told = json.loads(load.stdout.read() if load.stdout is not None else b"{}")
        reads = [_reads(port) for port in ports[1:]]
    return _report(told, reads)


def _command(ports: list[int], api: str, keys: Keys, tokens: Path, clients: int) -> list[str]:
    urls = [f"ws://127.0.0.1:{port}/ws" for port in ports]
    options = {
        "--url": urls[0],
        "--token-file": str(tokens),
        "--connections": str(clients),
        "--channels": "news,room-%d",
        "--spread": str(CHANNELS - 1),
        "--publish-url": api,
        "--publish-channels": "news,room-%d",
        "--publish-rate": "50",
        "--api-key": keys.api_key,
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


def _reads(port: int) -> int:
    text = get(f"http://127.0.0.1:{port}/metrics", timeout_s=30) or ""
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
