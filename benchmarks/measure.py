"""One round of a scenario: server and load beside each other, and what was seen."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import loader
import proc
from peers.contender import Ask
from serving import get
from tree import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keys import RunKeys
    from peers.contender import Contender, PeerServer
    from scenarios import Scenario

MILLION = 1e6
QUIET_CORES = 0.2
QUIET_S = 0.5
QUIET_WAIT_S_MAX = 15.0
SAMPLE = re.compile(r"([A-Za-z_:]\w*)(?:\{.*\})? ([-+.\deE]+)$")


def parse_metrics(text: str) -> dict[str, float]:
    """Sums a Prometheus text by the metric's name, whatever the labels; other lines are passed."""
    sums: dict[str, float] = {}
    for line in text.splitlines():
        found = SAMPLE.match(line)
        if found is not None:
            sums[found[1]] = sums.get(found[1], 0.0) + float(found[2])
    return sums


@dataclass(frozen=True)
class Moment:
    """What the kernel said at one moment; all times are sums since the beginning."""

    at_s: float
    rss_kib: int
    cpu_s: float
    children_s: float  # of what was started for the round and has ended
    machine_s: float
    stolen_s: float


def look(pids: Iterable[int]) -> Moment:
    """The server's processes with all that they started, and the whole machine, now."""
    machine_s, stolen_s = proc.machine_cpu_s()
    family = proc.family(pids)
    return Moment(
        at_s=time.monotonic(),
        rss_kib=proc.rss_kib(family),
        cpu_s=proc.cpu_s(family),
        children_s=proc.children_cpu_s(),
        machine_s=machine_s,
        stolen_s=stolen_s,
    )


@dataclass
class ProcessWatch:
    """What is seen of a server from outside, at the moments that the load tells."""

    server: PeerServer
    moments: dict[str, Moment] = field(default_factory=dict[str, Moment])
    metrics: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])

    def note(self, moment: str) -> None:
        """Look now; at the window's beginning and after the end also at the metrics."""
        self.moments[moment] = look(self.server.pids)
        if self.server.metrics_url and moment in ("window", "end"):
            self.metrics[moment] = parse_metrics(get(self.server.metrics_url) or "")


def await_quiet(wait_s_max: float = QUIET_WAIT_S_MAX) -> None:
    """Wait while other programs keep the machine busy, but not for ever: then it is told."""
    deadline = time.monotonic() + wait_s_max
    while time.monotonic() < deadline:
        before = proc.machine_cpu_s()[0]
        time.sleep(QUIET_S)
        if proc.machine_cpu_s()[0] - before < QUIET_CORES * QUIET_S:
            return


def machine_figures(begin: Moment, end: Moment) -> dict[str, object]:
    """How much of the machine neither server nor load had meanwhile, in cores."""
    seconds = end.at_s - begin.at_s
    own = end.cpu_s - begin.cpu_s + end.children_s - begin.children_s
    return {
        "others": max(end.machine_s - begin.machine_s - own, 0.0) / seconds,
        "stolen": (end.stolen_s - begin.stolen_s) / seconds,
    }


def _server_figures(watch: ProcessWatch, load: dict[str, object]) -> dict[str, object]:
    moments = watch.moments
    seen: dict[str, object] = {name: asdict(moment) for name, moment in moments.items()}
    if "window" not in moments or "drain" not in moments:
        return {"moments": seen}
    seconds = number(load, "window.seconds") or 0.0
    deliveries = number(load, "window.deliveries") or 0.0
    clients = number(load, "connect.live") or 0.0
    accepted = number(load, "publish.accepted_in_window") or 0.0
    used = moments["drain"].cpu_s - moments["window"].cpu_s
    connecting = moments["settle"].cpu_s - moments["connect"].cpu_s
    grown = moments["window"].rss_kib - moments["begin"].rss_kib
    return {
        "moments": seen,
        "cpu_window": used / seconds if seconds else None,
        "cpu_s_a_million": used * MILLION / deliveries if deliveries else None,
        "publications_a_cpu_s": accepted / used if used else None,
        "connects_a_cpu_s": clients / connecting if connecting else None,
        "rss_each_kib": grown / clients if clients else None,
    }


def _metric_figures(watch: ProcessWatch, load: dict[str, object]) -> dict[str, object]:
    before, after = watch.metrics.get("window", {}), watch.metrics.get("end", {})
    channels = number(load, "settings.channels") or 0.0
    reads = after.get("river_broker_reads_total", 0.0) - before.get("river_broker_reads_total", 0.0)
    known = "river_broker_reads_total" in after and channels
    return {
        "window": before,
        "end": after,
        "reads_a_channel": reads / channels if known else None,
    }


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a round is: the window, and what its scenario's step says."""

    seconds: float
    rest: float
    quiet_s: float
    step: Mapping[str, float] = field(default_factory=dict[str, float])

    def fill(self, options: Iterable[str]) -> tuple[str, ...]:
        """The generator's options with all numbers in their places."""
        numbers = {"seconds": self.seconds, "rest": self.rest, **self.step}
        texts = {name: f"{number:g}" for name, number in numbers.items()}
        return tuple(option.format(**texts) for option in options)


def one_round(
    scenario: Scenario, contender: Contender, *, keys: RunKeys, size: Size
) -> dict[str, object]:
    """Run a scenario once on a fresh server; everything that was seen.

    Raises:
        RuntimeError: The server or the load did not do its part.
    """
    await_quiet(size.quiet_s)
    with tempfile.TemporaryDirectory(prefix="river-bench-") as folder:
        home = Path(folder)
        ask = Ask(
            keys=keys,
            home=home,
            side=scenario.side,
            history=scenario.history,
            seconds=size.seconds,
            options=scenario.server_options,
        )
        with contender.start(ask) as server:
            tokens = loader.write_tokens(contender, keys, folder=home)
            work = loader.Work(
                options=size.fill(scenario.load),
                tokens=tokens,
                publishes=scenario.side != "gateway",
            )
            watch = ProcessWatch(server)
            watch.note("begin")
            load = loader.run(loader.command(contender, server, work=work), watch.note)
            watch.note("end")
        return {
            "load": load,
            "machine": machine_figures(watch.moments["begin"], watch.moments["end"]),
            "server": _server_figures(watch, load),
            "metrics": _metric_figures(watch, load),
        }
