"""Processes of the first version beside those of this one, as an upgrade and its undoing have them.

The first version is the code before its messages had versions; it is taken from the repository's
own history and runs with this one's libraries.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

from cluster import Cluster, Harm, Shape
from processes import CONTINUE, ROOT, STOP, TERMINATE, ServerProcess
from witness import Witness

FIRST_VERSION = "247cd638076a925af68d342e680a2ad8064941f8"
"""The last commit of it."""
UPGRADE, UNDO = "0.1.0 upgraded to this version", "this version taken back to 0.1.0"
PAUSE_S = 7.0
MIXED_S = 2.0
MODULES = "riverd.app, riverd.api.asgi, uvicorn"


class FirstVersion:
    """Its code, in a folder for as long as it is needed."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._folder.cleanup()

    @property
    def path(self) -> str:
        """Where Python finds it."""
        return str(Path(self._folder.name) / "server" / "src")

    def why_not(self) -> str:
        """Unpack it. Why it cannot be run; "" if it can."""
        packed = subprocess.run(
            ["git", "-C", str(ROOT), "archive", FIRST_VERSION, "server/src"],
            capture_output=True,
            check=False,
        )
        if packed.returncode:
            return "the repository's history is not here (a shallow clone?)"
        subprocess.run(["tar", "-x", "-C", self._folder.name], input=packed.stdout, check=True)
        tried = subprocess.run(
            [sys.executable, "-c", f"import {MODULES}"],
            env={**os.environ, "PYTHONPATH": self.path},
            capture_output=True,
            text=True,
            check=False,
        )
        return tried.stderr.strip().rpartition("\n")[2]


def shape_of(name: str, shape: Shape, first: FirstVersion) -> Shape:
    """A cluster as both versions can serve it: the first has neither streams nor webhooks."""
    versions = {"PYTHONPATH": first.path}, {"PYTHONPATH": ""}
    begins_as, becomes = versions if name == UPGRADE else reversed(versions)
    return replace(
        shape,
        has_visitors=False,
        transports=(Witness,),
        settings=begins_as,
        settings_later=becomes,
    )


async def replace_all(cluster: Cluster) -> Harm:
    """Replace the API, then one gateway after the other; after each step all have to be live.

    In the middle Redis stands still for longer than the leases that both versions read.
    """
    codes = [await _replace(cluster, one) for one in (cluster.api, cluster.gateways[0])]
    cluster.redis.signal(STOP)
    await asyncio.sleep(PAUSE_S)
    cluster.redis.signal(CONTINUE)
    codes += [await _replace(cluster, one) for one in cluster.gateways[1:]]
    yield f"WebSockets only, Redis paused for {PAUSE_S:.0f} s in between, exit codes {codes}"


async def _replace(cluster: Cluster, process: ServerProcess) -> int:
    await cluster.until_live()
    await cluster.until_agreed()
    process.signal(TERMINATE)
    code = await asyncio.to_thread(process.wait)
    process.set(cluster.shape.settings_later)
    await asyncio.to_thread(process.start)
    # Long enough for what is wrong a while after it.
    await asyncio.sleep(MIXED_S)
    return code


FAULTS_OF_VERSIONS: dict[str, Callable[[Cluster], Harm]] = {UPGRADE: replace_all, UNDO: replace_all}
