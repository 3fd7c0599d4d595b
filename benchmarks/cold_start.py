"""How long a function takes from nothing to its first publication.

    python benchmarks/cold_start.py --rounds 11

Each round is a fresh interpreter that finds nothing but the function's package; the broker is a
Redis on this machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server" / "tests" / "support"))

from api_gateway import event_for
from sandbox import package, sandbox
from serving import redis

HANDLER = "riverd.aws.lambda_api.handler"
KEY = "key-of-the-cold-start"
BOTO3 = """
import time
busy = time.process_time()
import boto3.session
imported = time.process_time()
boto3.session.Session(region_name="eu-central-1").client("secretsmanager")
print(imported - busy, time.process_time() - imported)
"""


def main() -> int:
    """Print the medians, in milliseconds of a processor: others on the machine do not count."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="river-cold-") as home:
        built = package(Path(home) / "package")
        size = sum(file.stat().st_size for file in built.rglob("*") if file.is_file())
        with redis(Path(home)) as (_, broker):
            told = [_round(built, broker) for _ in range(rounds)]
    _say("the package, unpacked", f"{size / 1e6:.1f} MB")
    parts = [_boto3() for _ in range(rounds)]
    names = ("import", "first invocation", "second invocation", "import of boto3", "its client")
    for what, values in zip(
        names, (*zip(*told, strict=True), *zip(*parts, strict=True)), strict=True
    ):
        _say(what, f"{statistics.median(values) * 1000:.1f} ms")
    return 0


def _round(built: Path, broker: str) -> tuple[float, float, float]:
    """Seconds of a processor for the import, the first invocation, the second."""
    body = json.dumps({"channel": "cold", "event": "e", "data": 1}).encode()
    headers = {"content-type": "application/json", "x-api-key": KEY}
    event = event_for("POST", "/publish", body, headers=headers)
    settings = {"RIVER_BROKER": broker, "RIVER_API_KEYS": KEY, "RIVER_SECRETS": "s" * 64}
    with sandbox(built, HANDLER, settings) as running:
        answers: list[Any] = [running.invoke(event) for _ in range(2)]
        for answer in answers:
            if answer["result"]["statusCode"] != 200:  # noqa: PLR2004  it is what it is
                raise RuntimeError(str(answer))
        return running.started["import_cpu_s"], answers[0]["cpu_s"], answers[1]["cpu_s"]


def _boto3() -> tuple[float, float]:
    """What AWS's library takes, which is in AWS's runtime: its import, its client."""
    done = subprocess.run([sys.executable, "-c", BOTO3], capture_output=True, check=True, text=True)
    imported, made = map(float, done.stdout.split())
    return imported, made


def _say(what: str, value: str) -> None:
    sys.stdout.write(f"{what:24}{value}\n")


if __name__ == "__main__":
    sys.exit(main())
