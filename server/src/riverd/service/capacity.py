"""How many connections this process can hold, by the files and the memory that it may have."""

import math
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from riverd.http.limits import CLOSING_MAX, WAITING_MAX
from riverd.service.settings import Settings

FILES_RESERVED_MAX = 512
"""For all that is not an open WebSocket: newcomers, those that close, the broker, the log."""
MEMORY_RESERVED_BYTES = 100 * 1024 * 1024
CONNECTION_BYTES = 8_192
"""A connection's share of memory here and in the kernel, with some subscriptions.

Half of the memory is for connections, a quarter for channels, an eighth for publications, an eighth
for what waits for clients that do not read.
"""
OWN_CHANNEL_BYTES = 6_144
"""What it takes more for the channel of its user, where users have one."""
CONNECTIONS_MIN = 8
CHANNEL_BYTES = 8_192
"""A channel's share of memory, with a subscriber and nothing published yet."""
CHANNELS_MIN = 1_000
EIGHTH_MIN = 8 * 1024 * 1024
WAITING_MIN = 256
OTHER_FILES_MAX = 64
"""For all that is no connection of a client."""

_CGROUPS = Path("/sys/fs/cgroup")


class Resources(msgspec.Struct, frozen=True):
    """What is there: files that may be open, and memory in bytes, None where nobody says."""

    files: int
    memory_bytes: int | None


class Fitted(msgspec.Struct, frozen=True):
    """The limit of connections that holds, and what made it lower than the setting, if anything."""

    connections_max: int
    limited_by: str | None = None
    waiting_max: int = WAITING_MAX
    """Connections that are no WebSockets (yet)."""
    channels_max: int = Settings().max_channels
    log_bytes_max: float = math.inf
    """What the publications that are held may count for, in all channels together."""
    waiting_bytes_max: float = math.inf
    """What may wait for clients that do not read, here and in the kernel."""


def raise_file_limit() -> None:
    """Allow as many files as the system lets this process have: each connection is one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def resources() -> Resources:
    """What this process may have, by its limits, its control group and the machine."""
    memory = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_group_limits()]
    return Resources(resource.getrlimit(resource.RLIMIT_NOFILE)[0], min(memory))


def fitted(settings: Settings, found: Resources) -> Fitted:
    """The setting, or what fits into what was found.

    Files bound it in any case: what cannot be opened is reset by the kernel, without a word. Memory
    bounds the default only: who sets a number knows what a connection costs there.
    """
    wanted = settings.max_connections
    by_files = found.files - min(FILES_RESERVED_MAX, found.files // 2)
    by_memory = wanted
    if found.memory_bytes is not None and wanted == Settings().max_connections:
        by_memory = _memory_left(settings, found.memory_bytes) // 2 // connection_bytes(settings)
    fits = min(by_files, by_memory)
    limited_by = None
    if fits < wanted:
        limited_by = "files" if by_files <= by_memory else "memory"
    connections_max = min(wanted, max(CONNECTIONS_MIN, fits))
    left = found.files - connections_max - CLOSING_MAX - OTHER_FILES_MAX
    waiting_max = min(WAITING_MAX, max(WAITING_MIN, left))
    return Fitted(
        connections_max,
        limited_by,
        waiting_max,
        _channels_max(settings, found),
        *[_eighth(settings, found)] * 2,
    )


def connection_bytes(settings: Settings) -> int:
    """A connection's share of memory; each may be of another user."""
    return CONNECTION_BYTES + (OWN_CHANNEL_BYTES if settings.user_channels else 0)


def _eighth(settings: Settings, found: Resources) -> float:
    if found.memory_bytes is None:
        return math.inf
    return max(EIGHTH_MIN, _memory_left(settings, found.memory_bytes) // 8)


def _memory_left(settings: Settings, memory_bytes: int) -> int:
    """What a process may use beside what it takes by itself."""
    share = memory_bytes // settings.workers
    return share - min(MEMORY_RESERVED_BYTES, share // 2)


def _channels_max(settings: Settings, found: Resources) -> int:
    """The setting; of its default, what fits into half of the memory that is left."""
    wanted = settings.max_channels
    if found.memory_bytes is None or wanted != Settings().max_channels:
        return wanted
    left = _memory_left(settings, found.memory_bytes)
    return max(CHANNELS_MIN, min(wanted, left // 4 // CHANNEL_BYTES))


def _group_limits() -> Iterator[int]:
    """The memory limits of this process's control groups (version 2, or the old one)."""
    for folder in _group_folders():
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):
                yield int((folder / name).read_text(encoding="ascii"))


def _group_folders() -> Iterator[Path]:
    yield from (_CGROUPS, _CGROUPS / "memory")
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds not in {"", "memory"}:
                continue
            inner = _CGROUPS / kinds / path.lstrip("/")
            while inner not in {_CGROUPS, _CGROUPS / "memory"}:
                yield inner
                inner = inner.parent
