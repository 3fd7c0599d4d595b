"""The load generator: built, started on a core of its own, its phases told as they begin."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from proc import pinned
from tree import at

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys import RunKeys
    from peers.contender import Contender, PeerServer

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


def write_tokens(contender: Contender, keys: RunKeys, *, folder: Path, users: int = USERS) -> Path:
    """A file with what each of so many users shows, one a line."""
    path = folder / f"tokens-{users}"
    names = (contender.token(keys, f"user-{folder.name}-{i}") for i in range(users))
    path.write_text("\n".join(names), encoding="ascii")
    return path


def _channels(contender: Contender, options: tuple[str, ...]) -> list[str]:
    """The options with the channels named as this system names them."""
    told = list(options)
    for place, option in enumerate(told[:-1]):
        if option in ("--channels", "--publish-channels"):
            told[place + 1] = ",".join(map(contender.channel, told[place + 1].split(",")))
    return told


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the generator is told to do to a server.

    Attributes:
        options: The scenario's own, all numbers filled in.
        tokens: From `write_tokens`.
        core: The core to run on, None for any.
        ends_s: It ends by then, whatever.
        publishes: Whether anything is published; a server may offer it also where it is not wanted.
    """

    options: tuple[str, ...]
    tokens: Path
    core: int | None = 1
    ends_s: float = ENDS_S
    publishes: bool = True


def command(contender: Contender, server: PeerServer, *, work: Work) -> list[str]:
    """The generator's command line."""
    told = [*_channels(contender, work.options), *server.load]
    if server.websocket_url:
        told += ["--url", server.websocket_url, "--token-file", str(work.tokens)]
    if server.publish_url and work.publishes:
        told += ["--publish-url", server.publish_url]
    if server.api_key:
        told += ["--api-key", server.api_key]
    pinning = [] if work.core is None else pinned(work.core)
    return [*pinning, str(LOAD), *told, "--timeout-s", str(work.ends_s)]


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
