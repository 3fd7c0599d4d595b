"""The load generator: built, started on a core of its own, its phases told as they begin."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from proc import pinned
from tree import at

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys import Keys
    from scenarios import Scenario
    from serving import Server

HERE = Path(__file__).resolve().parent
LOAD = HERE / "load" / "build" / "load"
ENDS_S = 300
USERS = 1000


def build() -> None:
    """Compile the generator and the limit server.

    Raises:
        RuntimeError: There is no compiler, or it has something to say.
    """
    try:
        made = subprocess.run(
            ["make", "-s", "-C", str(HERE / "load")], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise RuntimeError(f"the load generator needs make and gcc: {error}") from error
    if made.returncode != 0:
        raise RuntimeError(f"the load generator does not build:\n{made.stderr}")


def write_tokens(keys: Keys, folder: Path) -> Path:
    """A file with a token for each of so many users, one a line."""
    path = folder / "tokens"
    path.write_text("\n".join(keys.token(f"user-{i}") for i in range(USERS)), encoding="ascii")
    return path


def command(
    scenario: Scenario, server: Server, keys: Keys, *, tokens: Path, seconds: float
) -> list[str]:
    """The generator's command line for this scenario and server."""
    told = [option.format(seconds=seconds) for option in scenario.load]
    if server.websocket_url:
        told += ["--url", server.websocket_url, "--token-file", str(tokens)]
    if server.publish_url:
        told += ["--publish-url", server.publish_url, "--api-key", keys.api_key]
    return [*pinned(1), str(LOAD), *told, "--timeout-s", str(ENDS_S)]


def _phase(line: str) -> str | None:
    try:
        said: object = json.loads(line)
    except ValueError:
        return None
    phase = at(said, "phase")
    return phase if isinstance(phase, str) else None


def run(line: list[str], on_phase: Callable[[str], None]) -> dict[str, object]:
    """Run the generator to its end; what it found, with its exit code as `exit`.

    Args:
        line: From `command`.
        on_phase: Called with each phase's name when it begins.

    Raises:
        RuntimeError: It ended without a report.
    """
    words: list[str] = []
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for said in process.stderr:
            phase = _phase(said)
            if phase is None:
                words.append(said)
            else:
                on_phase(phase)
        report = process.stdout.read()
    if not report:
        raise RuntimeError(f"the load generator gave no report: {''.join(words)}")
    found: dict[str, object] = json.loads(report)
    return {**found, "exit": process.returncode}
