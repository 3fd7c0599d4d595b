"""One round of a scenario: server and load beside each other, and what was seen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import loader
import proc
from serving import get, running
from tree import number

if TYPE_CHECKING:
    from keys import Keys
    from scenarios import Scenario
    from serving import Server

MILLION = 1e6
SAMPLE = re.compile(r"([A-Za-z_:]\w*)(?:\{.*\})? ([-+.\deE]+)$")


def parse_metrics(text: str) -> dict[str, float]:
    """Sums a Prometheus text by the metric's name, whatever the labels; other lines are passed."""
    sums: dict[str, float] = {}
    for line in text.splitlines():
        found = SAMPLE.match(line)
        if found is not None:
            sums[found[1]] = sums.get(found[1], 0.0) + float(found[2])
    return sums


@dataclass
class Watch:
    """What is seen of a server from outside, at the moments that the load tells."""

    server: Server
    rss_kib: dict[str, int] = field(default_factory=dict[str, int])
    cpu_s: dict[str, float] = field(default_factory=dict[str, float])
    metrics: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])

    def look(self, moment: str) -> None:
        """Note memory and CPU time; at the window's beginning and after the end also metrics."""
        self.rss_kib[moment] = proc.rss_kib(self.server.pid)
        self.cpu_s[moment] = proc.cpu_s(self.server.pid)
        if self.server.metrics_url and moment in ("window", "end"):
            self.metrics[moment] = parse_metrics(get(self.server.metrics_url) or "")

    def cpu_window_s(self) -> float:
        """CPU seconds between the window's beginning and its end."""
        return self.cpu_s.get("drain", 0.0) - self.cpu_s.get("window", 0.0)


def _server_figures(watch: Watch, load: dict[str, object]) -> dict[str, object]:
    seconds = number(load, "window.seconds") or 0.0
    deliveries = number(load, "window.deliveries") or 0.0
    clients = number(load, "connect.live") or 0.0
    grown = watch.rss_kib.get("window", 0) - watch.rss_kib["begin"]
    used = watch.cpu_window_s()
    return {
        "rss_kib": watch.rss_kib,
        "cpu_s": watch.cpu_s,
        "cpu_window": used / seconds if seconds else None,
        "cpu_s_a_million": used * MILLION / deliveries if deliveries else None,
        "rss_each_kib": grown / clients if clients else None,
    }


def _metric_figures(watch: Watch, load: dict[str, object]) -> dict[str, object]:
    before, after = watch.metrics.get("window", {}), watch.metrics.get("end", {})
    channels = number(load, "settings.channels") or 0.0
    reads = after.get("river_broker_reads_total", 0.0) - before.get("river_broker_reads_total", 0.0)
    known = "river_broker_reads_total" in after and channels
    return {
        "window": before,
        "end": after,
        "reads_a_channel": reads / channels if known else None,
    }


def one_round(scenario: Scenario, keys: Keys, *, seconds: float) -> dict[str, object]:
    """Run a scenario once on a fresh server; everything that was seen.

    Raises:
        RuntimeError: The server or the load did not do its part.
    """
    with running(scenario, keys, seconds=seconds) as server:
        watch = Watch(server)
        watch.look("begin")
        load = loader.run(
            loader.command(scenario, server, keys, seconds=seconds),
            watch.look,
        )
        watch.look("end")
        return {
            "load": load,
            "server": _server_figures(watch, load),
            "metrics": _metric_figures(watch, load),
        }
