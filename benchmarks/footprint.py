"""What River takes beside its load: an idle process's memory, the broker's time a publication.

`python benchmarks/footprint.py` measures it and writes results/footprint.json, from which
`river estimate` has its sizes.
"""

from __future__ import annotations

import http.client
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import redis
from facts import facts
from keys import RunKeys
from measure import parse_metrics
from serving import api_on, free_port, gateway_on, get
from serving import redis as redis_on

RESULT = Path(__file__).resolve().parent / "results" / "footprint.json"
PUBLICATIONS = 20_000
CHANNELS = 100
PAYLOAD = "x" * 150
MEBIBYTE = 1 << 20


def _memory_mib(url: str) -> float:
    sums = parse_metrics(get(f"{url}/metrics") or "")
    return round(sums["river_memory_peak_bytes"] / MEBIBYTE, 1)


def _publish(api_url: str, key: str, *, count: int) -> None:
    """Publish one after the other over one connection; an answer but 200 is an error."""
    link = http.client.HTTPConnection(urlsplit(api_url).netloc, timeout=10)
    headers = {"content-type": "application/json", "x-api-key": key}
    for number in range(count):
        body = {"channel": f"footprint-{number % CHANNELS}", "event": "e", "data": PAYLOAD}
        link.request("POST", "/publish", json.dumps(body), headers)
        answer = link.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the API answered {answer.status}")
    link.close()


def measure() -> dict[str, float]:
    """The figures, of processes of their own."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="river-footprint-")))
        for name in ("redis", "gateway"):
            (home / name).mkdir()
        keys, gateway, api = RunKeys(), free_port(), free_port()
        broker = stack.enter_context(redis_on(home / "redis"))
        stack.enter_context(gateway_on(gateway, keys, home / "gateway", broker=broker))
        api_url = stack.enter_context(api_on(api, keys, home, broker=broker))
        idle = {
            "gateway_memory_mib": _memory_mib(f"http://127.0.0.1:{gateway}"),
            "api_memory_mib": _memory_mib(api_url),
        }
        _publish(api_url, keys.api_key, count=CHANNELS)
        with redis.Redis.from_url(broker) as client:
            before, held = client.info("cpu"), client.info("memory")["used_memory"]
            _publish(api_url, keys.api_key, count=PUBLICATIONS)
            after, full = client.info("cpu"), client.info("memory")["used_memory"]
    used_s = sum(after[name] - before[name] for name in ("used_cpu_user", "used_cpu_sys"))
    return {
        **idle,
        "broker_cpu_us_a_publication": round(used_s / PUBLICATIONS * 1e6, 1),
        "broker_bytes_a_kept_publication": round((full - held) / (CHANNELS * 99), 1),
    }


if __name__ == "__main__":
    text = json.dumps({"facts": facts(), "figures": measure()}, indent=1)
    RESULT.write_text(f"{text}\n", encoding="utf-8")
    print(text)
