"""A disk of Redis that fills up, and what can go wrong with it."""

import asyncio
import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import cast

from cluster import Cluster, Harm, Shape
from processes import Redis
from until import until

SMALL_DISK = ("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs")
BLOCK = bytes(64 * 1024)
FULL_S = 3.0


class SmallDiskCluster(Cluster):
    """Redis has its append-only file on a disk of its own."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.ballast = self._disk / "ballast"

    def _new_redis(self, folder: Path) -> Redis:
        self._disk = folder / "disk"
        self._disk.mkdir()
        subprocess.run([*SMALL_DISK, str(self._disk)], check=True)
        return Redis(self._disk)

    async def close(self) -> None:
        """End everything, and take the disk away."""
        unmount = ["umount", "--lazy", str(self._disk)]
        await asyncio.to_thread(subprocess.run, unmount, check=True)
        await super().close()


async def fill_disk(cluster: Cluster) -> Harm:
    """Fill the disk of Redis' append-only file: it refuses writes (MISCONF) until there is room."""
    ballast = cast("SmallDiskCluster", cluster).ballast
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(BLOCK)
    await until(lambda: _says(cluster, "err"))
    await asyncio.sleep(FULL_S)
    ballast.unlink()
    await until(lambda: _says(cluster, "ok"))
    yield ""


def _says(cluster: Cluster, status: str) -> bool:
    return f"aof_last_write_status:{status}" in cluster.redis.command("INFO persistence")


DISK_FAULTS: dict[str, Callable[[Cluster], Harm]] = {
    "disk of Redis' append-only file full for 3 s": fill_disk
}
