"""Offers in parts against the same offers whole: a log is healed as it would be, or it is not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, TypeVar

from simulation.healing import Data, HealingServer, SimSite
from simulation.loop import VirtualLoop
from simulation.truth import demand

from riverd.errors import BrokerError
from riverd.healing.offers import Contribution, HealedLog, Held, Known, Replica
from riverd.healing.process import Beats, Healing, Term
from riverd.healing.union import Certainty, gathered, healed
from riverd.model.log import Message, Position, Publication

T = TypeVar("T")


class PartSite(SimSite):
    """As `SimSite`, which notes what is offered before it is divided."""

    async def offer(self, round_name: str, name: str, *, offer: Contribution) -> None:
        world: Any = self._broker._world
        world.given[round_name, name] = offer
        await super().offer(round_name, name, offer=offer)


class PartServer:
    """A server that is lost twice. It keeps what was offered, as Redis does with its data."""

    def __init__(self, world: PartWorld) -> None:
        self.is_abandoned = False
        self._world = world
        self.healing = HealingServer(self)  # type: ignore[arg-type]  as far as it is asked

    def opened(self, logs: Mapping[str, HealedLog], keys: object) -> None:
        del keys
        self._world.check(logs)


class PartProcess:
    """One that publishes and, if it is a node, has replicas: publications with their times."""

    def __init__(self, world: PartWorld, *, is_node: bool) -> None:
        self._world = world
        self.healing = Healing(lambda: world.now, new_id=world.new_id)
        self.healing.held = self._held if is_node else None
        self.healing.enter(Term(1, "first"))
        self.replicas: dict[str, list[tuple[float, Publication]]] = {}
        self.current_s: dict[str, float] = {}

    async def ask(self, effect: Callable[[], T], server: PartServer) -> T:
        """As a broker does; it never fails by itself."""
        del server
        await asyncio.sleep(self._world.dice.uniform(0, 0.05))
        return effect()

    async def heal(self) -> None:
        """Take part, and again after its connection was lost."""
        world = self._world
        await asyncio.sleep(world.dice.uniform(0, 0.3))
        if world.dice.random() < 0.3:
            try:
                async with asyncio.timeout(world.dice.uniform(0, 1)):
                    term = await self._heal()
            except (TimeoutError, BrokerError):
                await asyncio.sleep(world.dice.random())
            else:
                self.healing.enter(term)
                return
        while True:
            try:
                self.healing.enter(await self._heal())
            except BrokerError:
                await asyncio.sleep(0.1)
            else:
                return

    async def _heal(self) -> Term:
        site: Any = PartSite(self, self._world.server)  # type: ignore[arg-type]
        return await self.healing.heal(site)

    async def _held(self) -> Held:
        now, found, known = self._world.now, list[Replica](), list[Known]()
        for channel, log in self.replicas.items():
            newest = log[-1][1].offset if log else 0
            publications = tuple(one for _, one in log)
            ages_s = tuple(now - at for at, _ in log)
            age_s = now - self.current_s[channel]
            epoch = self._world.epochs[channel]
            found.append(Replica(channel, epoch, newest, age_s, publications, ages_s))
        return found, known


class PartWorld:
    """One run: what happens follows from the seed alone."""

    in_parts = True

    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        self._trace = trace
        self.dice = random.Random(seed)  # noqa: S311  chance, not secrets
        self.loop = VirtualLoop(step_s=0.001)
        self.lost_parts = 0.05 if seed % 3 == 1 else 0.0
        self.light_parts = 0.3 if seed % 3 == 2 else 0.0
        self.healed = 0
        self.given: dict[tuple[str, str], Contribution] = {}
        self._ids = count(1)
        self.server = PartServer(self)
        self.epochs = {f"c{number}": "e1" for number in range(self.dice.randint(2, 8))}
        self.offsets = dict.fromkeys(self.epochs, 0)
        sizes = range(self.dice.randint(2, 4))
        self.processes = [PartProcess(self, is_node=number < 2) for number in sizes]

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.now_s

    def new_id(self) -> str:
        """An id that nothing has."""
        return f"i{next(self._ids)}"

    def note(self, who: str, *what: object) -> None:
        """A line of the trace."""
        if self._trace is not None:
            self._trace(f"{self.now:9.4f} {who:>8} {' '.join(map(str, what))}")

    def run(self) -> None:
        """Two losses; raises what went wrong."""
        try:
            self.loop.run_until_complete(self._story())
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.close()

    async def _story(self) -> None:
        for process in self.processes[:2]:
            for channel in self.epochs:
                if self.dice.random() < 0.7:
                    process.replicas[channel] = []
        for _ in range(2):
            await self._publish()
            self._see_one_another()
            self.server.healing.begin(Data())
            await asyncio.gather(*(process.heal() for process in self.processes))

    async def _publish(self) -> None:
        """Each channel's last publications do not reach all nodes."""
        behind: set[tuple[PartProcess, str]] = set()
        for number in range(total := self.dice.randint(5, 25)):
            await asyncio.sleep(self.dice.uniform(0.05, 0.4))
            channel, process = self.dice.choice([*self.epochs]), self.dice.choice(self.processes)
            before, key = Position(self.epochs[channel], self.offsets[channel]), self.new_id()
            self.offsets[channel] = offset = before.offset + 1
            message = Message(channel, "number", f'"{key}"'.encode(), key=key)
            publication = Publication(offset, message.event, message.data)
            self.note("server", "appends", channel, publication)
            acceptance = process.healing.acceptance
            if self.dice.random() < 0.8:
                place = Position(before.epoch, offset)
                acceptance.accepted(message, place, is_new=True, now=self.now)
            else:
                acceptance.unanswered(message, after=before, now=self.now)
            for node in self.processes[:2]:
                if number > total - 5 and self.dice.random() < 0.4:
                    behind.add((node, channel))
                if channel in node.replicas and (node, channel) not in behind:
                    node.replicas[channel].append((self.now, publication))
        for node in self.processes[:2]:
            for channel in node.replicas:
                is_behind = (node, channel) in behind
                node.current_s[channel] = self.now - 4.0 * is_behind

    def _see_one_another(self) -> None:
        now_ms = self.now * 1000
        signs = {one.healing.members.name: now_ms for one in self.processes}
        for one in self.processes:
            one.healing.members.took(Beats(now_ms, signs, signs), self.now)

    def check(self, logs: Mapping[str, HealedLog]) -> None:
        """What was healed is what the whole offers say; all that they say, if nothing was lost."""
        term = self.server.healing.term
        assert term is not None, "it was opened"
        given = {name: one for (round_, name), one in self.given.items() if round_ == term.name}
        certainty, waited_s = Certainty.of(given), 0.0
        for channel, evidence in gathered(given.values()).items():
            due, found = healed(evidence, certainty, waited_s=waited_s), logs.get(channel)
            self.note("server", "heals", channel, found)
            if found is None:
                may_begin = due is None or self.lost_parts or self.light_parts
                demand(may_begin, "{} is not healed, which {} allows", channel, due)
                continue
            same = due is not None and (due.epoch, due.offset) == (found.epoch, found.offset)
            demand(same, "{} is healed as {}, not as {}", channel, found, due)
            assert due is not None, "it is the same"
            demand(found.keys == due.keys, "{} is healed as {}, not as {}", channel, found, due)
            end = due.publications[len(due.publications) - len(found.publications) :]
            demand(found.publications == end, "{} is healed as {}, not {}", channel, found, due)
        for channel in self.epochs:
            if channel not in logs:
                self._begin_again(channel)
        for node in self.processes[:2]:
            for channel, log in node.replicas.items():
                healed_log = logs.get(channel)
                ours = () if healed_log is None else healed_log.publications
                log[:] = [(self.now, one) for one in ours]
        for channel, log in logs.items():
            self.offsets[channel] = log.offset

    def _begin_again(self, channel: str) -> None:
        self.epochs[channel] = self.new_id()
        self.offsets[channel] = 0


def failure_of(seed: int) -> str | None:
    """What went wrong in one run."""
    try:
        PartWorld(seed).run()
    except Exception as error:  # noqa: BLE001  whatever it is, it is the result
        return f"{type(error).__name__}: {error}"
    return None
