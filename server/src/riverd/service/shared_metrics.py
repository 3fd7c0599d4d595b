"""The numbers of workers that share a port: whichever answers a scrape answers for all.

The supervisor makes a file in memory for each worker, which all of them inherit. A worker writes
its numbers into its own twice a second and at each scrape, and adds up those of all. When it dies
the supervisor leaves its counters there, and its successor goes on from them: a counter
never goes back, and nothing is left of them all when the last has ended.
"""

import os
import struct
import tempfile
import zlib
from collections.abc import Iterable, Mapping

import msgspec

WORKER = "RIVER_WORKER"
"""The variable with a worker's number, from 1 on."""
SLOTS = "RIVER_WORKER_SLOTS"
"""The variable with the files' descriptors, in the order of the workers."""

_HEAD = struct.Struct("<II")
_READ_BYTES = 1 << 20
_READS_MAX = 5
_LARGEST = ("_delay_seconds", "_in_force", "_differ")

LabelledValues = dict[str, dict[str, float]]


class MetricValues(msgspec.Struct):
    """What readings gave, by their names; what is labelled, by one label's value too."""

    counters: dict[str, float] = {}
    labelled: LabelledValues = {}
    gauges: dict[str, float] = {}
    labelled_gauges: LabelledValues = {}


class Slot:
    """One worker's file."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def new(cls) -> "Slot":
        """A file without a name, in memory where the system has that."""
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("river-worker"))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def write(self, numbers: MetricValues) -> None:
        """Replace what is there."""
        text = msgspec.json.encode(numbers)
        os.pwrite(self.descriptor, _HEAD.pack(len(text), zlib.crc32(text)) + text, 0)

    def read(self) -> MetricValues:
        """What is there, nothing if nothing was written yet."""
        for _ in range(_READS_MAX):
            content = os.pread(self.descriptor, _READ_BYTES, 0)
            if len(content) <= _HEAD.size:
                return MetricValues()
            size, checksum = _HEAD.unpack_from(content)
            text = content[_HEAD.size : _HEAD.size + size]
            # Without a lock it may be read while it is written.
            if zlib.crc32(text) == checksum:
                return msgspec.json.decode(text, type=MetricValues)
        return MetricValues()

    def keep_counters(self) -> None:
        """Drop what is true of a living worker only: this one has died."""
        left = self.read()
        left.gauges, left.labelled_gauges = {}, {}
        self.write(left)


class SharedMetrics:
    """A worker's view of all slots, its own among them."""

    def __init__(self, slots: list[Slot], own: int) -> None:
        self._slots = slots
        self._own = slots[own]
        self._base = self._own.read()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "SharedMetrics | None":
        """That of the worker with this environment, if it is one."""
        descriptors, number = environment.get(SLOTS), environment.get(WORKER)
        if not descriptors or not number:
            return None
        return cls([Slot(int(one)) for one in descriptors.split(",")], int(number) - 1)

    def publish(self, own: MetricValues) -> None:
        """Have the others count this worker's numbers, and those of who ran before it."""
        self._own.write(total([MetricValues(self._base.counters, self._base.labelled), own]))

    def of_all(self, own: MetricValues) -> MetricValues:
        """The numbers of all workers, this one's as of now."""
        self.publish(own)
        return total(slot.read() for slot in self._slots)


def total(several: Iterable[MetricValues]) -> MetricValues:
    """The sums; of delays, and of what all workers know alike, the largest."""
    found = MetricValues()
    for numbers in several:
        _add(found.counters, numbers.counters)
        for name, by_label in numbers.labelled.items():
            _add(found.labelled.setdefault(name, {}), by_label)
        for name, by_label in numbers.labelled_gauges.items():
            _add(found.labelled_gauges.setdefault(name, {}), by_label)
        for name, value in numbers.gauges.items():
            before = found.gauges.get(name, 0.0)
            is_largest = name.endswith(_LARGEST)
            found.gauges[name] = max(before, value) if is_largest else before + value
    return found


def _add(sums: dict[str, float], values: Mapping[str, float]) -> None:
    for name, value in values.items():
        sums[name] = sums.get(name, 0.0) + value
