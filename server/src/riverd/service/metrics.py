"""Counters, read when they are scraped."""

import resource
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from riverd.service.logs import lines_dropped
from riverd.service.shared_metrics import MetricValues, SharedMetrics

PREFIX = "river_"


class Reading(msgspec.Struct, frozen=True):
    """One number and where to read it; `labels` gives several by the value of one label."""

    name: str
    text: str
    read: Callable[[], float]
    counter: bool = False


class LabelledReading(msgspec.Struct, frozen=True):
    """A counter, or a gauge, with one label."""

    name: str
    text: str
    label: str
    read: Callable[[], dict[str, float]]
    counter: bool = True


class _Readings(Collector):
    def __init__(
        self, readings: Sequence[Reading | LabelledReading], read: Callable[[], MetricValues]
    ) -> None:
        self._readings = readings
        self._read = read

    def collect(self) -> Iterator[Metric]:
        numbers = self._read()
        for reading in self._readings:
            name, text = reading.name, reading.text
            if isinstance(reading, LabelledReading):
                yield _labelled(reading, numbers)
            elif reading.counter:
                yield CounterMetricFamily(name, text, value=numbers.counters.get(name, 0))
            else:
                yield GaugeMetricFamily(name, text, value=numbers.gauges.get(name, 0))


def _labelled(reading: LabelledReading, numbers: MetricValues) -> Metric:
    if reading.counter:
        counter = CounterMetricFamily(reading.name, reading.text, labels=[reading.label])
        for value, number in numbers.labelled.get(reading.name, {}).items():
            counter.add_metric([value], number)
        return counter
    gauge = GaugeMetricFamily(reading.name, reading.text, labels=[reading.label])
    for value, number in numbers.labelled_gauges.get(reading.name, {}).items():
        gauge.add_metric([value], number)
    return gauge


class Metrics:
    """All readings of one process, in Prometheus' text format.

    With `shared`, what is scraped is that of all workers of its port.
    """

    def __init__(self, shared: SharedMetrics | None = None) -> None:
        self._readings: list[Reading | LabelledReading] = []
        self._shared = shared
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Readings(self._readings, self._scraped))

    def add(self, *readings: Reading | LabelledReading) -> None:
        """Have these read at every scrape."""
        self._readings.extend(readings)

    def readings(self) -> list[Reading]:
        """Those that are one number each."""
        return [one for one in self._readings if isinstance(one, Reading)]

    def render(self) -> bytes:
        """The text of one scrape."""
        return generate_latest(self._registry)

    def publish(self) -> None:
        """Have the other workers of the port count this process's numbers."""
        if self._shared is not None:
            self._shared.publish(self._own())

    def _scraped(self) -> MetricValues:
        own = self._own()
        return own if self._shared is None else self._shared.of_all(own)

    def _own(self) -> MetricValues:
        numbers = MetricValues()
        for reading in self._readings:
            if isinstance(reading, LabelledReading):
                of = numbers.labelled if reading.counter else numbers.labelled_gauges
                of[reading.name] = reading.read()
            elif reading.counter:
                numbers.counters[reading.name] = reading.read()
            else:
                numbers.gauges[reading.name] = reading.read()
        return numbers


class MetricsLog:
    """The readings as lines of a log: counters as what was added since the line before."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._before: dict[str, float] = {}

    def line(self) -> dict[str, float]:
        """The next line, by names without their prefix. What has labels is only scraped."""
        line: dict[str, float] = {}
        for reading in self._metrics.readings():
            now = reading.read()
            before = self._before.get(reading.name, 0) if reading.counter else 0
            line[reading.name.removeprefix(PREFIX)] = now - before
            self._before[reading.name] = now
        return line


class PublishTally:
    """How publishing goes, counted for the metrics."""

    def __init__(self) -> None:
        self.publications = 0
        self.refusals: dict[str, float] = {}

    def published(self, count: int) -> None:
        """The broker has this many more publications."""
        self.publications += count

    def refused(self, code: str) -> None:
        """A message, or a whole request to publish, was refused with this error code."""
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def readings(self) -> tuple[Reading | LabelledReading, ...]:
        """What is scraped of it."""
        return (
            Reading(
                "river_publications",
                "Publications that the broker took.",
                lambda: self.publications,
                counter=True,
            ),
            LabelledReading(
                "river_publish_refused",
                "Messages and requests to publish that were refused, by code.",
                "code",
                lambda: self.refusals,
            ),
        )


def process_readings() -> tuple[Reading, ...]:
    """What a process costs."""
    return (
        Reading("river_cpu_seconds", "Processor time used.", _cpu_seconds, counter=True),
        Reading("river_memory_bytes", "Memory held now.", _memory_now_bytes),
        Reading("river_memory_peak_bytes", "The most memory held so far.", _memory_bytes),
        Reading(
            "river_log_lines_dropped",
            "Lines of the log that could not be written.",
            lines_dropped,
            counter=True,
        ),
    )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _memory_now_bytes() -> float:
    """0 where there is no /proc."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


def _memory_bytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
