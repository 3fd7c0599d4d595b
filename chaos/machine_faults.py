"""What can go wrong with the machine of a process of River: its clock, its disk, its limits.

Each is done up to its `yield`, as those of `faults.py`.
"""

import asyncio
import struct
import subprocess
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from cluster import Cluster, Harm
from crowd_of_files import FileCrowd
from faults import restart
from processes import CONTINUE, STOP, ServerProcess
from stream_witness import PollWitness
from until import until

CLOCK_SOURCE = Path(__file__).resolve().parent / "shifted_clock.c"
SHIFT_S = 300
SHIFTED_S = 4.0
AWAY_S = 2.0
FILES = 1024
CROWD, SILENT = 800, 300
"""More than there are files, whoever else is connected."""
LIMITED, REFUSED = "connections_limited", "connections_refused"


class ShiftedClocks:
    """Clocks of processes that can be set while they run: see `shifted_clock.c`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._library = folder / "clock.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O2", "-o", str(self._library), str(CLOCK_SOURCE)],
            check=True,
        )

    def settings(self, name: str) -> Mapping[str, str]:
        """What a process has in its environment for it."""
        self.shift(name, 0)
        return {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._folder / name)}

    def shift(self, name: str, seconds: int) -> None:
        """From now on its clock is off by so much."""
        # In place: who has it mapped has to see it.
        path = self._folder / name
        with path.open("r+b" if path.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))


async def set_clocks(cluster: Cluster) -> Harm:
    """Set the clocks of a gateway and of the API five minutes wrong: forward, and back.

    When they are, the gateway's clients have to come again.
    """
    with TemporaryDirectory() as folder:
        clocks = await asyncio.to_thread(ShiftedClocks, Path(folder))
        names: dict[str, ServerProcess] = {"gateway": cluster.gateways[0], "api": cluster.api}
        for name, process in names.items():
            process.set(clocks.settings(name))
            await restart(process)
        for seconds in (SHIFT_S, -SHIFT_S):
            await cluster.until_live()
            clocks.shift("gateway", seconds)
            clocks.shift("api", -seconds)
            await asyncio.sleep(SHIFTED_S)
            cluster.balancer.cut(1)
        yield "one forward and the other back, then the other way round"
        for name, process in names.items():
            clocks.shift(name, 0)
            process.set({"LD_PRELOAD": ""})


async def fill_disk_of_log(cluster: Cluster) -> Harm:
    """Give a gateway and the API a full disk for their logs, and then something to say."""
    for process in (cluster.gateways[1], cluster.api):
        process.print_to("/dev/full")
        await restart(process)
    await cluster.until_live()
    cluster.redis.signal(STOP)
    await asyncio.sleep(AWAY_S)
    cluster.redis.signal(CONTINUE)
    yield f"Redis paused for {AWAY_S:.0f} s"


async def run_out_of_files(cluster: Cluster) -> Harm:
    """Allow a gateway 1,024 open files, and send it more clients, and more that say nothing."""
    gateway = cluster.gateways[0]
    gateway.run_by("prlimit", f"--nofile={FILES}:{FILES}", "--")
    await restart(gateway)
    await cluster.until_live()
    async with AsyncExitStack() as stack:
        crowd = await stack.enter_async_context(FileCrowd(gateway.port))
        await crowd.come(CROWD, silent=SILENT)
        await crowd.check_served()
        await until(lambda: REFUSED in gateway.log(), limit_s=20)
        says = [word for word in (LIMITED, REFUSED) if word not in gateway.log()]
        refused = _metric(gateway.port, 'river_refused_by_limit_total{limit="connections"}')
        if says or not refused or crowd.cut:
            raise AssertionError(f"not in the log: {says}, {refused} refused, {crowd.cut} cut")
        # A poll is a connection each time: the balancer goes on bringing them to the full gateway,
        # of whose other clients it does not know.
        await cluster.until_live(but=PollWitness)
        remark = f"{len(crowd.held)} of {CROWD} clients served, the others refused with 503"
    await until(lambda: _metric(gateway.port, "river_connections") < FILES / 4)
    async with FileCrowd(gateway.port) as crowd:
        await crowd.come(FILES // 4, silent=0)
        if len(crowd.held) < FILES // 4:
            raise AssertionError(f"{len(crowd.held)} found room again")
    yield remark


def _metric(port: int, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[-1])


MACHINE_FAULTS: dict[str, Callable[[Cluster], Harm]] = {
    "disk full for the logs of a gateway and the API": fill_disk_of_log,
    "clocks of a gateway and the API 5 min wrong": set_clocks,
    "a gateway with 1,024 files, 800 clients more": run_out_of_files,
}
