"""How many connections fit into the files and the memory that there are."""

import math

import msgspec
import pytest

from riverd.service.capacity import (
    CHANNEL_BYTES,
    CONNECTION_BYTES,
    MEMORY_RESERVED_BYTES,
    OWN_CHANNEL_BYTES,
    Fitted,
    Resources,
    connection_bytes,
    fitted,
    resources,
)
from riverd.service.settings import Settings

GIB = 1 << 30
LEFT = GIB // 2 - 100 * 1024 * 1024


@pytest.mark.parametrize(
    ("files", "memory_bytes", "expected"),
    [
        (1_000_000, 16 * GIB, Fitted(50_000)),
        (1_000_000, None, Fitted(50_000)),
        (50_512, 16 * GIB, Fitted(50_000, waiting_max=320)),
        (50_511, 16 * GIB, Fitted(49_999, "files", 320)),
        (1_024, 16 * GIB, Fitted(512, "files", 320)),
        (64, 16 * GIB, Fitted(32, "files", 256)),
        (10, 16 * GIB, Fitted(8, "files", 256)),
        (
            1_000_000,
            GIB // 2,
            Fitted(
                LEFT // 2 // (CONNECTION_BYTES + OWN_CHANNEL_BYTES),
                "memory",
                channels_max=LEFT // 4 // CHANNEL_BYTES,
            ),
        ),
    ],
)
def test_the_limit_of_connections_follows_what_there_is(
    files: int, memory_bytes: int | None, expected: Fitted
) -> None:
    found = fitted(Settings(), Resources(files, memory_bytes))
    rest = {"log_bytes_max": math.inf, "waiting_bytes_max": math.inf}
    assert msgspec.structs.replace(found, **rest) == expected


@pytest.mark.parametrize("memory_bytes", [GIB // 2, GIB, 4 * GIB, 64 * GIB])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("user_channels", [True, False])
def test_the_sum_of_all_limits_fits_into_the_memory(
    memory_bytes: int, workers: int, *, user_channels: bool
) -> None:
    settings = Settings(broker="redis://x", workers=workers, user_channels=user_channels)
    found = fitted(settings, Resources(1_000_000, memory_bytes))
    most = (
        found.connections_max * connection_bytes(settings)
        + found.channels_max * CHANNEL_BYTES
        + found.log_bytes_max
        + found.waiting_bytes_max
        + min(MEMORY_RESERVED_BYTES, memory_bytes // workers // 2)
    )
    assert most <= memory_bytes / workers


def test_a_number_that_was_set_is_bound_by_files_and_not_by_memory() -> None:
    chosen = Settings(max_connections=40_000)
    little = Resources(1_024, GIB // 4)
    assert (
        fitted(chosen, msgspec.structs.replace(little, files=1_000_000)).connections_max == 40_000
    )
    assert fitted(chosen, little).connections_max == 512
    channels = Settings(max_channels=90_000)
    assert fitted(channels, little).channels_max == 90_000


def test_workers_share_the_memory_and_not_the_files() -> None:
    found = Resources(1_000_000, GIB)
    alone = fitted(Settings(broker="redis://x"), found).connections_max
    shared = fitted(Settings(broker="redis://x", workers=4), found).connections_max
    assert shared < alone / 3


def test_this_machine_says_what_it_has() -> None:
    found = resources()
    assert found.files > 0
    assert found.memory_bytes is not None
    assert found.memory_bytes > 1_000_000
