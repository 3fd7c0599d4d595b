"""One run: everything that is in it, made from one seed, and its story."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from typing import Any

from simulation.broker import SimBroker
from simulation.client import Client
from simulation.controls import Claims
from simulation.ending import Ending
from simulation.guest import Guest
from simulation.host import Host
from simulation.limits import drawn_limits
from simulation.loop import VirtualLoop
from simulation.publisher import Publisher
from simulation.rules import drawn_rules
from simulation.server import Server
from simulation.storm import Storm
from simulation.weather import drawn

from riverd.auth.session_secrets import SessionSecrets
from riverd.channels.names import user_channel
from riverd.protocols.native.protocol import Native

STORM_S = (8.0, 24.0)
GUESTS_EVERY = 12
"""One of so many runs has a client without a token."""


class World:
    """The dice are thrown by everybody in turn: the same seed gives the same turns.

    In every second one the broker is healed when it has lost something.
    """

    may_heal = True

    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        self.dice = dice = random.Random(seed)  # noqa: S311  a simulation, no secrets
        random.seed(seed)
        self.step_s = dice.choice((0.001, 0.01, 0.05))
        self.loop = VirtualLoop(step_s=self.step_s)
        self.failure: BaseException | None = None
        self.calm = False
        self.reads = 0
        self.part_bytes_max = dice.choice((80, 300, 2000))
        self.writes_max = (1, 2, 1_000)[seed % 3]
        self.idle_s = dice.uniform(1.0, 5.0)
        # Drawn with the same dice: no leave is delayed in a third of all runs.
        self.leave_s = max(0.0, self.idle_s * 7 % 3 - 1)
        self.calm_at = dice.uniform(*STORM_S)
        self.heals = self.may_heal and seed % 2 == 1
        # Not drawn: the seeds that found bugs in other runs find them still.
        self.in_parts = self.heals and seed % 10 in (3, 5)
        """Whether processes give what they hold in parts, as they do with Redis."""
        self.lost_parts = 0.1 if self.in_parts and seed % 10 == 3 else 0.0
        self.light_parts = 0.5 if self.in_parts and seed % 10 == 5 else 0.0
        """How many of these are lost half way, or are too much for the server as they are."""
        self.flushes = self.heals and seed % 10 in (1, 9)
        """Whether somebody flushes the broker, instead of it being restarted."""
        self.healed = 0
        """How many logs went on in their epoch."""
        self.was_split = False
        self.weather = drawn(dice, heals=self.heals)
        self._new_ids = count(1)
        self._trace = trace
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._over = self.loop.create_future()
        names = ["dogs", "cats", "birds"][: dice.randint(1, 3)]
        self.channels = names + ["presence-zoo", "den"][: dice.choice((0, 1, 2, 2))]
        self.rules = drawn_rules(dice, user_channels=dice.random() < 0.5)
        secrets = SessionSecrets([f"the secret of all nodes of seed {seed}"])
        self.protocol = Native(self.rules, secrets)
        self._sessions = count(1)
        self.server = Server(self)
        self.claims = Claims()
        self.hosts = [Host(self, f"n{number}") for number in range(dice.choice((1, 2, 2, 3)))]
        users = [f"u{number}" for number in range(dice.randint(2, 6))]
        own = [user_channel(user) for user in users[:2]] if self.rules.user_channels else []
        self.published = self.channels + own
        """Where back ends publish: also to users."""
        self.publishers = [Publisher(self, f"p{number}") for number in range(dice.randint(1, 2))]
        self.clients = [
            Client(self, f"c{number}", dice.choice(users)) for number in range(dice.randint(3, 9))
        ]

        if seed % GUESTS_EVERY == GUESTS_EVERY // 2:
            self.clients.append(Guest(self, "guest"))

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.now_s

    def delay_s(self) -> float:
        """How long something is on its way now."""
        return self.weather.delay_s(self.dice)

    def brokers(self) -> Iterator[SimBroker]:
        """All doors to the server."""
        for host in self.hosts:
            if host.up:
                yield host.broker
        for publisher in self.publishers:
            yield publisher.broker

    @property
    def is_window_vague(self) -> bool:
        """Whether nobody can say what of a log the broker has, as a node sees it.

        There are two masters, whose logs differ. Or nobody knew the age of what was healed: it
        counts as younger, and stays longer at the broker than with nodes.
        """
        return self.is_split or (self.in_parts and self.healed > 0)

    @property
    def is_split(self) -> bool:
        """Whether some take another server for the master, or another term of it."""
        return self.heals and any(not broker.link.is_current for broker in self.brokers())

    def new_id(self) -> str:
        """An id that nothing has."""
        return f"i{next(self._new_ids)}"

    def new_session(self, client: str) -> str:
        """An id that no session has had."""
        return f"{client}.{next(self._sessions)}"

    def drawn_fields(self) -> dict[str, Any]:
        """How something is published: mostly for the log and for all."""
        fields: dict[str, Any] = {}
        if self.dice.random() < 0.25:
            fields["keep"] = False
        excluded = self.dice.choice(self.clients).session
        if excluded is not None and self.dice.random() < 0.3:
            fields["exclude"] = excluded
        return fields

    def info_of(self, client: Client) -> str:
        """What a client's token says of it: two connections of a user may say different things."""
        return "" if client.user == "u0" else f'"{client.name}"'

    def note(self, who: str, *what: object) -> None:
        """A line of the trace."""
        if self._trace is not None:
            self._trace(f"{self.now:9.4f} {who:>8} {' '.join(map(str, what))}")

    def fail(self, error: BaseException) -> None:
        """The run is over: nothing in it may raise."""
        if self.failure is None:
            self.failure = error
            self.note("world", "FAILS:", repr(error))
            if not self._over.done():
                self._over.set_result(None)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done beside."""
        task = self.loop.create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def run(self) -> None:
        """Let it happen; raises what went wrong."""
        self.loop.set_exception_handler(self._on_exception)
        asyncio.set_event_loop(self.loop)
        try:
            with drawn_limits(self.dice, heals=self.heals):
                self.start(self._story())
                self.loop.run_until_complete(self._over)
        except BaseException as error:  # noqa: BLE001  whatever it is, it is the result
            self.fail(error)
        finally:
            self._clear()
        if self.failure is not None:
            raise self.failure

    async def _story(self) -> None:
        for host in self.hosts:
            await host.start()
        for one in (*self.clients, *self.publishers):
            self.start(one.live())
        self.start(Storm(self).rage())
        await asyncio.sleep(self.calm_at)
        await Ending(self).play()
        self._over.set_result(None)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        self.fail(context.get("exception") or AssertionError(context["message"]))

    def _clear(self) -> None:
        """After a failure much is left, and it may never stop by itself."""
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.set_exception_handler(lambda *_: None)
        self.loop.patience_begins()
        try:
            if left:
                self.loop.run_until_complete(asyncio.wait(left))
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()
