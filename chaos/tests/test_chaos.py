"""The promises under faults, on a real cluster: Redis, haproxy, three gateways, an API, clients."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faults import BEGINS_AGAIN, FAULTS

CHAOS = Path(__file__).resolve().parents[1]
RUN_S_MAX = 400
FAULTS_MIN = 27
ROW = re.compile(
    r"^\| (?P<fault>.+?) \| (?P<lost>\d+) \| (?P<duplicated>\d+) \| (?P<reordered>\d+)"
    r" \| (?P<told>\d+) \| (?P<live_s>[\d.]+) s"
    r" \| (?P<agreed_s>[\d.]+) s \| (?P<counted_s>[\d.]+) s \| (?:(?P<refusal_ms>\d+) ms|none) \|",
    re.MULTILINE,
)
# What a 503 takes is the API's 0.8 s; a busy machine adds to it on both ends.
REFUSAL_MS_MAX = 2_000
LIVE_S_MAX = 15.0
# A seat of a gateway that died is given up within 10 s; who is there is right by then.
AGREED_S_MAX = 10.0
# The same, and the three seconds that a leave waits; what a receiver refused is tried again.
COUNTED_S_MAX = 20.0


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, str]]:
    # A cluster mostly waits for a fault to end: two of them take half the time.
    names = list(FAULTS)
    with ThreadPoolExecutor() as pool:
        told = "".join(pool.map(table_of, (names[::2], names[1::2])))
    return {found["fault"]: found.groupdict() for found in ROW.finditer(told)}


def table_of(faults: list[str]) -> str:
    only = [word for name in faults for word in ("--only", name)]
    done = subprocess.run(
        [sys.executable, str(CHAOS / "every_fault.py"), "--clients", "40", *only],
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    print(done.stdout)  # the figures
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_every_fault_was_done(rows: dict[str, dict[str, str]]) -> None:
    assert rows.keys() == FAULTS.keys()
    assert len(rows) >= FAULTS_MIN


def test_nothing_is_lost_doubled_or_reordered_in_silence(rows: dict[str, dict[str, str]]) -> None:
    harm = {
        fault: row
        for fault, row in rows.items()
        if (row["lost"], row["duplicated"], row["reordered"]) != ("0", "0", "0")
    }
    assert not harm


def test_only_a_log_that_began_again_is_told_as_lost(rows: dict[str, dict[str, str]]) -> None:
    told = {fault for fault, row in rows.items() if row["told"] != "0"}
    assert told <= BEGINS_AGAIN


def test_all_are_live_again_soon(rows: dict[str, dict[str, str]]) -> None:
    assert all(float(row["live_s"]) < LIVE_S_MAX for row in rows.values())


def test_all_are_right_about_a_quiet_channel_soon(rows: dict[str, dict[str, str]]) -> None:
    assert all(float(row["agreed_s"]) < AGREED_S_MAX for row in rows.values())


def test_receiver_of_webhooks_is_right_soon(rows: dict[str, dict[str, str]]) -> None:
    assert all(float(row["counted_s"]) < COUNTED_S_MAX for row in rows.values())


def test_while_redis_is_away_the_api_says_so_in_time(rows: dict[str, dict[str, str]]) -> None:
    taken = rows["Redis paused for 10 s"]["refusal_ms"]
    assert taken is not None
    assert int(taken) < REFUSAL_MS_MAX
