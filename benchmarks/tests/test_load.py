"""The load generator builds without a word and counts right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

LOAD = Path(__file__).resolve().parent.parent / "load"
CLIENTS, ROUNDS, BATCH = 50, 40, 5

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or shutil.which("make") is None,
    reason="the load generator needs gcc and make",
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("build")
    # Without the flags of a make that runs the tests.
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    command = ["make", "-C", str(LOAD), f"BUILD={build}"]
    made = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    return build


def load(programs: Path, *options: str) -> dict[str, object]:
    done = subprocess.run(
        [str(programs / "load"), *options], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads(done.stdout)
    return report


def test_every_frame_of_the_limit_server_is_counted_once(programs: Path) -> None:
    told = ["--connections", str(CLIENTS), "--rounds", str(ROUNDS), "--batch", str(BATCH)]
    with subprocess.Popen(
        [str(programs / "limit"), *told, "--timeout-s", "30"], stdout=subprocess.PIPE, text=True
    ) as limit:
        assert limit.stdout is not None
        port = json.loads(limit.stdout.readline())["port"]
        found = load(
            programs,
            *("--url", f"ws://127.0.0.1:{port}/ws", "--token", "any", "--offsets"),
            *("--connections", str(CLIENTS), "--channels", "news", "--duration-s", "2"),
        )
        sent = json.loads(limit.stdout.readline())
    total = found["total"]
    assert isinstance(total, dict)
    assert sent["frames"] == CLIENTS * ROUNDS * BATCH
    assert total["deliveries"] == sent["frames"]
    assert (total["missing"], total["duplicates"], total["lost"]) == (0, 0, 0)
    last = found["last_ms"]
    assert isinstance(last, dict)
    assert last["count"] == ROUNDS * BATCH


def test_clients_that_nobody_serves_end_with_a_word(programs: Path) -> None:
    done = subprocess.run(
        [
            str(programs / "load"),
            *("--url", "ws://127.0.0.1:1/ws", "--token", "any", "--connections", "3"),
            *("--connect-s", "0.3"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "not every client became live in time" in json.loads(done.stdout)["notes"]


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--connections", "1"),
        ("--connections", "many"),
        ("--connections", "1", "--url", "wss://localhost/ws"),
        ("--connections", "1", "--url", "ws://localhost:1/ws"),
        ("--nonsense",),
    ],
)
def test_wrong_options_are_refused_with_one_line(programs: Path, options: tuple[str, ...]) -> None:
    done = subprocess.run(
        [str(programs / "load"), *options], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_comeback_that_never_ended_took_no_number_of_seconds(programs: Path) -> None:
    with subprocess.Popen(
        [str(programs / "limit"), "--connections", "3", "--rounds", "1", "--timeout-s", "30"],
        stdout=subprocess.PIPE,
        text=True,
    ) as limit:
        assert limit.stdout is not None
        port = json.loads(limit.stdout.readline())["port"]
        done = subprocess.run(
            [
                str(programs / "load"),
                *("--url", f"ws://127.0.0.1:{port}/ws", "--token", "any", "--connections", "3"),
                *("--channels", "news", "--duration-s", "0.5", "--comeback", "--comeback-s", "0.5"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        limit.kill()
    found = json.loads(done.stdout)["comeback"]
    assert found["seconds"] is None
