"""`make run`: River and the forum side by side, to Ctrl-C, and when a port is taken."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

RUN = Path(__file__).parents[3] / "scripts" / "run.py"
DEADLINE_S = 60.0
FREE = {"RIVER_PORT": "0", "RIVER_API_PORT": "0", "FORUM_PORT": "0"}


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("RIVER", "FORUM"))}
    with subprocess.Popen(
        [sys.executable, RUN],
        cwd=folder,
        env={**mine, **FREE, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """All that it says, to the line with these words."""
    assert process.stdout is not None
    said, deadline = "", time.monotonic() + DEADLINE_S
    while words not in said:
        assert time.monotonic() < deadline, said
        assert select.select([process.stdout], [], [], 1)[0] or process.poll() is None, said
        said += process.stdout.readline()
    return said


def test_one_command_starts_both_and_ctrl_c_ends_both(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        said = read_until(process, "open it in two windows")
        forum = re.search(r"The forum +(http://\S+)", said)
        gateway = re.search(r"WebSocket:? +ws://(\S+)/ws", said)
        assert forum is not None
        assert gateway is not None
        assert httpx.get(forum[1]).is_success
        assert httpx.get(f"http://{gateway[1]}/readyz").is_success
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert "Traceback" not in rest
    for url in (forum[1], f"http://{gateway[1]}"):
        host, port = url.removeprefix("http://").rstrip("/").split(":")
        with socket.socket() as probe:
            assert probe.connect_ex((host, int(port))) != 0


def test_a_taken_port_is_told_in_one_line_with_its_cure(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for name in ("RIVER_PORT", "RIVER_API_PORT", "FORUM_PORT"):
            with running(tmp_path, **{name: port}) as process:
                said, _ = process.communicate(timeout=DEADLINE_S)
            complaint = [line for line in said.splitlines() if "cannot listen on" in line]
            assert process.returncode == 2
            assert len(complaint) == 1
            assert f"127.0.0.1:{port}: Address already in use" in complaint[0]
            assert name in complaint[0]
            assert "Traceback" not in said
