"""A cluster of several servers that is healed while some of them go on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from itertools import count
from typing import TYPE_CHECKING

from simulation.loop import VirtualLoop
from simulation.shard_cluster import ShardCluster
from simulation.shard_ending import ShardEnding
from simulation.shard_gateway import ShardGateway
from simulation.shard_process import ShardProcess
from simulation.shard_server import NODES, ShardData
from simulation.shard_storm import SPARE, ShardStorm
from simulation.shard_truth import ShardTruth

from riverd.errors import BrokerError
from riverd.model.log import Message, Position, Publication

if TYPE_CHECKING:
    from simulation.shard_server import ShardHome, ShardServer

CHANNELS = tuple(f"c{number}" for number in range(6))
SNAPSHOT_S = 3.0
OPENED_S_MAX = 30.0
ATTEMPTS_MAX = 8
SLOW = 0.01
SLOW_S_MAX = 0.5
STORM_S = 13.0


class ShardWorld:
    """One run: what happens follows from the seed alone."""

    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        self._trace = trace
        self.dice = dice = random.Random(seed)  # noqa: S311  chance, not secrets
        self.loop = VirtualLoop(step_s=0.001)
        self.is_single = seed % 4 == 0
        """One fault, all processes alive and connected: nothing that gateways have is lost."""
        self.lost_parts = 0.0
        self.latency_s = dice.choice((0.005, 0.02, 0.08))
        self.announcement_losses = dice.choice((0.0, 0.05, 0.3))
        self.losses = self.ghosts = 0.0
        """How often an answer is lost, and how often something is carried out late."""
        self.is_quiet = False
        self.healed = 0
        self.restored: list[tuple[str, str]] = []
        """Where which logs were written back."""
        self.terms: list[ShardHome] = []
        self.truth = ShardTruth()
        self._ids, self._epochs, self._numbers = count(1), count(1), count(1)
        self._names = count(1)
        self._failures: list[BaseException] = []
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._snapshots: dict[str, ShardData] = {}
        self.processes: list[ShardProcess] = []
        self.cluster = ShardCluster(self)

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.now_s

    def new_id(self) -> str:
        """An id that nothing has."""
        return f"i{next(self._ids)}"

    def new_epoch(self) -> str:
        """An epoch that no log has."""
        return f"e{next(self._epochs)}"

    def delay_s(self) -> float:
        """How long something is on its way."""
        dice = self.dice
        if dice.random() < SLOW:
            return dice.uniform(0, SLOW_S_MAX)
        return dice.uniform(0.2, 1.0) * self.latency_s

    def note(self, who: str, *what: object) -> None:
        """A line of the trace."""
        if self._trace is not None:
            self._trace(f"{self.now:9.4f} {who:>8} {' '.join(map(str, what))}")

    def failed(self, error: BaseException) -> None:
        """Something has raised what nobody expects."""
        self._failures.append(error)

    def check(self) -> None:
        """Raise what went wrong so far."""
        if self._failures:
            raise self._failures[0]

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Have it done."""
        task = self.loop.create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed(error)

    def run(self) -> None:
        """Tell the story; raises what went wrong."""
        self.loop.set_exception_handler(self._raised)
        try:
            self.loop.run_until_complete(self._story())
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()

    def _raised(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        del loop
        error = context.get("exception")
        self.failed(error if isinstance(error, BaseException) else AssertionError(context))

    # What there is.

    def _set_up(self) -> None:
        dice, cluster = self.dice, self.cluster
        shards = ("a1", "b1", "c1")
        for address in (*shards, SPARE):
            cluster.start(address, ShardData())
            if dice.random() < 0.7:
                cluster.replicas[address] = address[0] + "2"
        cluster.owners[NODES] = dice.choice(shards)
        for number, channel in enumerate(CHANNELS):
            cluster.owners[channel] = shards[number % len(shards)]
        for is_gateway in (True, True, False, False):
            self._start(is_gateway=is_gateway)

    def _start(self, *, is_gateway: bool) -> None:
        name = f"{'g' if is_gateway else 'p'}{next(self._names)}"
        if is_gateway:
            channels = [one for one in CHANNELS if self.dice.random() < 0.9]
            process: ShardProcess = ShardGateway(self, name, channels=channels)
        else:
            process = ShardProcess(self, name)
        self.processes.append(process)
        process.start()

    def start_instead(self, process: ShardProcess) -> None:
        """Another one comes for one that is over."""
        self.processes.remove(process)
        self._start(is_gateway=isinstance(process, ShardGateway))

    @property
    def gateways(self) -> list[ShardGateway]:
        """Those of the processes that have replicas."""
        return [one for one in self.processes if isinstance(one, ShardGateway)]

    def announce(
        self, server: ShardServer, channel: str, epoch: str, *, publication: Publication
    ) -> None:
        """A server has a new publication."""
        for gateway in self.gateways:
            gateway.announced(server, channel, epoch, publication=publication)

    def answered(self, name: str, message: Message, *, position: Position) -> None:
        """A publisher knows where its message is."""
        self.note(name, "is answered", message.channel, message.data, position)
        publication = Publication(position.offset, message.event, message.data)
        self.truth.know(message.channel, position.epoch, publication)
        if message.key is not None:
            self.truth.answered(message.channel, message.key, position=position)

    def opened(self, home: ShardHome) -> None:
        """A term is open."""
        self.terms.append(home)
        self.note(home.server.address, "opens", home.term, home.shards, self.restored)

    def snapshot(self, address: str) -> ShardData:
        """What a server had some time ago, as its disk has it."""
        return self._snapshots.get(address, ShardData())

    async def _snapshot_always(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_S)
            for address, server in self.cluster.servers.items():
                if not server.is_away:
                    self._snapshots[address] = server.data()

    # Publications.

    async def _publish_always(self) -> None:
        while True:
            await asyncio.sleep(self.dice.uniform(0.1, 0.8))
            self.check()
            if not self.is_quiet:
                self.spawn(self._publish())

    async def _publish(self) -> None:
        """As a back end does: under the same id, at whatever process, until it is answered."""
        dice, number = self.dice, next(self._numbers)
        key = f"k{number}" if dice.random() < 0.9 else None
        message = Message(dice.choice(CHANNELS), "number", f'"{number}"'.encode(), key=key)
        for _ in range(ATTEMPTS_MAX if key else 1):
            process = dice.choice(self.processes)
            if process.healing.is_alive and not (process.is_paused or process.is_over):
                await asyncio.wait([process.spawn(self._attempt(process, message))])
                if message in self._done:
                    return
            await asyncio.sleep(dice.uniform(0.2, 1.5))

    async def _attempt(self, process: ShardProcess, message: Message) -> None:
        try:
            await process.publish(message)
        except BrokerError:
            return
        self._done.add(message)

    # The story.

    async def _story(self) -> None:
        self._done: set[Message] = set()
        self._set_up()
        self.spawn(self._snapshot_always())
        ending = ShardEnding(self)
        await ending.until_settled(OPENED_S_MAX)
        for _ in range(2):
            self.spawn(self._publish_always())
        await asyncio.sleep(self.dice.uniform(3, 6))
        storm = ShardStorm(self, is_gentle=self.is_single)
        if self.is_single:
            await self._single(storm, ending)
        else:
            self.losses, self.ghosts = (self.dice.choice((0.0, 0.0, 0.01, 0.03)) for _ in "lg")
            await storm.rage(self.now + STORM_S)
            while not storm.is_over:
                self.check()
                await asyncio.sleep(0.1)
        await ending.end()
        self.check()

    async def _single(self, storm: ShardStorm, ending: ShardEnding) -> None:
        """One fault: the logs that gateways have go on, and those of other servers are let be."""
        self.is_quiet = True
        await asyncio.sleep(3.0)
        self.announcement_losses = 0.0
        before = ending.epochs()
        self.restored.clear()
        if self.dice.random() < 0.5:
            self.is_quiet = False
            await asyncio.sleep(0.2)
        name = await storm.single()
        await asyncio.sleep(1.0)
        await ending.until_settled(OPENED_S_MAX)
        self.is_quiet = False
        ending.check_effect(name, before, failed=storm.failed)
