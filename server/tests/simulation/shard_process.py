"""A process of River's in a cluster: its terms, its connections, and what it publishes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from simulation.shard_connection import NotSentError, ShardConnection
from simulation.shard_server import NODES, Caller, ElsewhereError, ShardServer
from simulation.shard_site import ShardSite

from riverd.errors import BrokerError
from riverd.healing.admissions import Admissions, OpenTerm
from riverd.healing.process import BEAT_S, TURN_S, Beats, Healing
from riverd.model.log import NOWHERE, Message, Position

if TYPE_CHECKING:
    from simulation.shard_world import ShardWorld

STEP_S = 0.05
HEALED_S_MAX = 0.5
REDIRECTS_MAX = 3
VIEW_S = 3.0
"""So often each process asks where slots are."""

T = TypeVar("T")
Script = Callable[[ShardServer, Caller], T]


class ShardProcess:
    """One that publishes. See `ShardGateway` for one that has replicas."""

    def __init__(self, world: ShardWorld, name: str) -> None:
        self.world, self.name = world, name
        self.healing = Healing(lambda: world.now, new_id=world.new_id)
        self.admissions = Admissions(self.healing, lambda: world.now)
        self.now: OpenTerm | None = None
        self.generation = 0
        """How many terms it was in."""
        self.view = world.cluster.view_of(name)
        self.is_paused = self.is_over = False
        self._connections: dict[str, ShardConnection] = {}
        self._given: dict[str, Position] = {}
        self._lock = asyncio.Lock()
        self._failures = 0
        """How often it could not connect."""
        self._healed: asyncio.Task[None] | None = None
        self._tasks: dict[asyncio.Task[None], None] = {}

    def start(self) -> None:
        """Begin to live."""
        self.spawn(self._live())
        self.spawn(self._look_around())

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Have it done as long as the process lives."""
        task = self.world.loop.create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.world.failed(error)

    def kill(self) -> None:
        """Nothing of it happens any more; what it has sent arrives all the same."""
        self.is_over = True
        for task in [*self._tasks]:
            task.cancel()
        self.drop_connections()

    def lose(self, server: ShardServer) -> None:
        """The connection to a server breaks."""
        connection = self._connections.get(server.address)
        if connection is not None and connection.server is server:
            connection.close()

    def go_on(self) -> None:
        """It stood still."""
        self.is_paused = False

    async def awake(self) -> None:
        """Wait as long as the process stands still."""
        while self.is_paused:
            await asyncio.sleep(STEP_S)

    # Connections.

    async def call(self, slot: str, script: Script[T]) -> T:
        """Run a script at the owner of a slot, in the term of this process."""
        address, is_asking = self.view[slot], False
        for _ in range(REDIRECTS_MAX):
            connection = await self._connected(address)
            run = partial(_run_script, connection, slot, is_asking=is_asking, script=script)
            try:
                found = await connection.ask(run)
                self._check_in_term(slot)
            except ElsewhereError as error:
                address, is_asking = error.address, error.is_asking
                if not is_asking:
                    self.view[slot] = address
            except BrokerError:
                self.view = self.world.cluster.view_of(self.name)
                raise
            else:
                return found
        raise NotSentError("the slot is nowhere")

    def _check_in_term(self, slot: str) -> None:
        """What comes after the offer of this process is not in there."""
        if self.healing.has_left and slot != NODES:
            raise BrokerError("the process has left its term")

    async def ask(self, address: str) -> ShardConnection:
        """A new connection to whoever is a master at an address, which has said so.

        Raises:
            BrokerError: nobody answers, or it is none.
        """
        server = self.world.cluster.servers.get(address)
        if server is None:
            self.view = self.world.cluster.view_of(self.name)
            raise NotSentError("it is a replica")
        connection = ShardConnection(self, server)
        try:
            await connection.ask(lambda: None)
        except BrokerError as error:
            self.view = self.world.cluster.view_of(self.name)
            raise NotSentError(str(error)) from None
        return connection

    async def _connected(self, address: str) -> ShardConnection:
        failures = self._failures
        async with self._lock:
            found = self._connections.get(address)
            if found is not None:
                return found
            if failures != self._failures:
                raise NotSentError("others have tried in vain meanwhile")
            self._failures += 1
            found = await self._connect(address)
            self._failures -= 1
            return found

    async def _connect(self, address: str) -> ShardConnection:
        connection = await self.ask(address)
        for is_last in (False, True):
            now = await self._look()
            shard = None
            if now is not None:
                shard = self.admissions.shard(now, connection.server.history)
            if now is not None and shard is not None:
                self._enter(now)
                connection.caller = Caller(now, shard)
                if connection.is_closed:
                    raise NotSentError("it was lost again")
                self._connections[address] = connection
                return connection
            if not is_last:
                await self._heal_a_little()
        raise NotSentError("what was lost is being restored")

    async def _look(self) -> OpenTerm | None:
        """Read the record."""
        address, is_asking = self.view[NODES], False
        for _ in range(REDIRECTS_MAX):
            connection = await self.ask(address)
            try:
                return await connection.ask(partial(_record, connection.server, is_asking))
            except ElsewhereError as error:
                address, is_asking = error.address, error.is_asking
                if not is_asking:
                    self.view[NODES] = address
            except BrokerError as error:
                raise NotSentError(str(error)) from None
        raise NotSentError("the record is nowhere")

    def _enter(self, now: OpenTerm) -> None:
        if self.now is None or now.term != self.now.term:
            self.drop_connections()
            self.now = now
            self.generation += 1
            self.healing.enter(now.term, now.shards)
            self.world.note(self.name, "is in", now)

    def drop_connections(self) -> None:
        """Close all that it has open."""
        for connection in [*self._connections.values()]:
            connection.close()
        self._connections.clear()

    def closed(self, connection: ShardConnection) -> None:
        """One was lost."""
        if self._connections.get(connection.server.address) is connection:
            del self._connections[connection.server.address]

    def has_connection(self, server: ShardServer) -> bool:
        """Whether it uses a server now."""
        connection = self._connections.get(server.address)
        return connection is not None and connection.server is server

    # Healing.

    async def _heal_a_little(self) -> None:
        if self._healed is None:
            self._healed = self.spawn(self._heal())
        await asyncio.wait([self._healed], timeout=HEALED_S_MAX)

    async def _heal(self) -> None:
        try:
            await self.heal()
        except BrokerError:
            # Who asks next finds the data closed, and it is tried again.
            await asyncio.sleep(TURN_S)
        finally:
            self._healed = None

    async def heal(self) -> None:
        """Take part in a round."""
        self.drop_connections()
        connection = await self.ask(self.view[NODES])
        await self.healing.heal(ShardSite(self, connection))

    async def _live(self) -> None:
        while True:
            is_done = await self._beat()
            await asyncio.sleep(BEAT_S if is_done and self.healing.is_alive else TURN_S)

    async def _beat(self) -> bool:
        healing, members = self.healing, self.healing.members
        asked_at, was_alive = self.world.now, healing.is_alive
        try:
            beats, name = await self.call(NODES, self._beaten)
        except BrokerError:
            return False
        is_same = self.now is not None and name == self.now.term.name
        if not is_same or (healing.has_left and self._healed is None):
            self.drop_connections()
            return False
        members.took(beats, asked_at)
        if healing.is_alive and not was_alive:
            self.revived()
        return True

    def _beaten(self, server: ShardServer, caller: Caller) -> tuple[Beats, str]:
        members = self.healing.members
        return server.beat(members.sign, (caller.now.term, members.answered_ms))

    def revived(self) -> None:
        """It publishes and delivers again."""

    async def _look_around(self) -> None:
        while True:
            await asyncio.sleep(self.world.dice.uniform(0.5, VIEW_S))
            await self.awake()
            self.view = self.world.cluster.view_of(self.name)

    # Publishing.

    async def publish(self, message: Message) -> Position:
        """Publish one. See `call` for what is raised."""
        if not self.healing.is_alive:
            raise NotSentError("others do not know of this process")
        channel, world = message.channel, self.world
        known = self._given.get(channel, NOWHERE)

        def script(server: ShardServer, caller: Caller) -> Position:
            position, publication = server.publish(message, caller, known=known)
            if publication is not None:
                world.announce(server, channel, position.epoch, publication=publication)
            return position

        acceptance = self.healing.acceptance
        try:
            position = await self.call(channel, script)
        except NotSentError:
            raise
        except BrokerError:
            acceptance.unanswered(message, after=known, now=world.now)
            raise
        is_new = position.epoch != known.epoch or position.offset > known.offset
        if is_new:
            self._given[channel] = position
        acceptance.accepted(message, position, is_new=is_new, now=world.now)
        world.answered(self.name, message, position=position)
        return position


def _run_script(connection: ShardConnection, slot: str, *, is_asking: bool, script: Script[T]) -> T:
    assert connection.caller is not None, "it was admitted"
    connection.server.check_slot(slot, is_asking=is_asking)
    return script(connection.server, connection.caller)


def _record(server: ShardServer, is_asking: bool) -> OpenTerm | None:  # noqa: FBT001  partial
    server.check_slot(NODES, is_asking=is_asking)
    return server.home.opened
