"""The second half of a run: nothing goes wrong any more, so everything has to come right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from simulation.census import Shown, shown
from simulation.client import Client
from simulation.host import Host
from simulation.publisher import Publisher
from simulation.truth import demand

from riverd.channels.names import CONTROL, user_channel
from riverd.core.channel import Channel
from riverd.model.log import Message
from riverd.model.orders import is_over

if TYPE_CHECKING:
    from simulation.world import World

PATIENCE_S = 30.0
STEP_S = 0.5
STILL_S = 4.0


class Ending:
    """Waits until all is well, and says what is not."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def play(self) -> None:
        """Calm, agreement, silence, and an orderly end."""
        world = self._world
        await self._last_words()
        world.calm = True
        world.weather.late = world.weather.refused = world.weather.unanswered = 0.0
        world.weather.lost = world.weather.ghosts = 0.0
        world.note("world", "CALM")
        if not any(client.wanted for client in world.clients):
            world.clients[0].wanted[world.channels[0]] = None
        await self._until(self._disagreements)
        # What was planned while there was trouble is done still.
        await asyncio.sleep(STILL_S)
        reads = world.reads
        await asyncio.sleep(STILL_S)
        demand(world.reads == reads, "{} reads when nothing happens", world.reads - reads)
        await self._pass_something_on()
        demand(not [*self._disagreements()], "not for long: {}", [*self._disagreements()])
        world.note("world", "ALL LEAVE")
        for client in world.clients:
            client.leave()
        await self._until(self._remains)
        for host in world.hosts:
            await host.stop()
        await self._until(self._leftovers)

    async def _last_words(self) -> None:
        """The feed loses the last publications: nothing that follows them shows it."""
        world = self._world
        lost, world.weather.lost = world.weather.lost, 1.0
        for channel in world.channels:
            if world.dice.random() < 0.5:
                publisher = Publisher(world, f"last-{channel}")
                world.publishers.append(publisher)
                world.start(publisher.publish(channel))
        await asyncio.sleep(1.0)
        world.weather.lost = lost

    async def _pass_something_on(self) -> None:
        """An event that is not kept reaches all who are there, but the one that it is not for."""
        world = self._world
        publisher = Publisher(world, "passing")
        for channel in world.published:
            for client in (None, *world.clients[:2]):
                excluded = None if client is None else client.session
                message = await publisher.pass_on(channel, exclude=excluded)
                await self._until(partial(self._unheard_of, message))

    def _unheard_of(self, message: Message) -> Iterator[str]:
        for client in self._world.clients:
            ear = None if client.line is None else client.line.stream.ears.get(message.channel)
            if ear is None or message.channel not in {*client.wanted, client.own}:
                continue
            due = message.exclude is None or client.session != message.exclude
            if ear.has_passed(message.data) != due:
                yield f"{client.name} has heard of {message}: {not due}"

    async def _until(self, complaints: Callable[[], Iterator[str]]) -> None:
        deadline = self._world.now + PATIENCE_S
        while found := list(complaints()):
            demand(self._world.now < deadline, "after {:g} s: {}", PATIENCE_S, "; ".join(found[:6]))
            await asyncio.sleep(STEP_S)

    # Agreement.

    def _disagreements(self) -> Iterator[str]:
        for publisher in self._world.publishers:
            if not publisher.idle:
                yield f"{publisher.name} waits"
        if self._world.is_split:
            yield "some are in another term of the broker"
        down = [host.name for host in self._world.hosts if not host.up]
        if down:
            yield f"{down} are down"
            return
        yield from self._world.server.orders.unobeyed()
        for client in self._world.clients:
            yield from self._unheard(client)
        for host in self._world.hosts:
            yield from self._undone(host)
        for name in self._world.channels:
            yield from self._counts(name)

    def _unheard(self, client: Client) -> Iterator[str]:
        line = client.line
        if line is None or not line.held:
            yield f"{client.name} is not connected"
            return
        if line.stream.open:
            yield f"{client.name} waits for {[*line.stream.open.values()]}"
        for name in client.wanted:
            is_live = bool(client.asked.get(name))
            yield from self._unheard_in(client, name, is_live=is_live)
        if self._world.rules.user_channels and not client.is_guest:
            yield from self._unheard_in(client, client.own, is_live=client.has_own)

    def _unheard_in(self, client: Client, name: str, *, is_live: bool) -> Iterator[str]:
        line = client.line
        assert line is not None, "it is connected"
        ear, position = line.stream.ears.get(name), self._world.server.position(name)
        if ear is None or not is_live:
            yield f"{client.name} is not live in {name}"
        elif not ear.is_at_end or client.places[name] != ear.position:
            yield f"{client.name} stands at {ear.position} of {name}: {position}"
        elif self._world.rules.has_members(name) and ear.users != self._members(name):
            yield f"{client.name} sees {ear.users} in {name}: {self._members(name)}"

    def _members(self, name: str) -> Shown:
        return shown([*self._world.server.store.roster(name).members.values()])

    def _undone(self, host: Host) -> Iterator[str]:
        control, server = host.node.control, self._world.server
        if self._world.heals and not host.broker.link.is_well:
            yield f"{host.name} is not heard of"
        if not control.is_confirmed or control.position != server.position(CONTROL):
            yield f"{host.name} has {control.position} of the orders: {server.position(CONTROL)}"
        ours, theirs = control.revocations.all(), server.store.standings()
        if {one for one in theirs if not is_over(one, self._world.now)} - set(ours):
            yield f"{host.name} does not refuse all of {theirs}"
        refused = {one for one in ours if not (one.lifted or is_over(one, self._world.now))}
        if refused - set(theirs):
            yield f"{host.name} refuses more than {theirs}: {ours}"
        for channel in host.hub.channels.values():
            yield from self._replica(host, channel)
        for attachment in host.node.attachments:
            if attachment.waiting or attachment.repairing or attachment.confirming:
                yield f"{host.name} is not done with {attachment.name}"

    def _replica(self, host: Host, channel: Channel) -> Iterator[str]:
        name, server = channel.name, self._world.server
        if channel.log.position != server.position(name):
            yield f"{host.name} has {channel.log.position} of {name}: {server.position(name)}"
            return
        offset, epoch = channel.log.oldest, channel.log.epoch
        entries = channel.log.since(offset) or []
        policy = channel.policy
        size, count = sum(entry.byte_count() for entry in entries), len(entries)
        fits = size <= policy.history_bytes and count <= policy.history_size
        fits = fits or (count == 1 and policy.last_ttl_s > 0)
        if not fits:
            yield f"{host.name} holds {count} of {size} bytes of {name}: {policy}"
        for entry in entries:
            offset += 1
            true = server.truth.tell(name, epoch, offset, data=entry.data)
            demand(entry == true, "{} holds {}: {}", host.name, entry, true)
        if channel.presence is not None:
            roster = server.store.roster(name)
            if channel.presence._members != roster.members:
                yield f"{host.name} has other members of {name}: {roster}"
            if channel.presence.position != roster.position:
                yield f"{host.name} has {channel.presence.position} of {name}'s members: {roster}"

    def _counts(self, name: str) -> Iterator[str]:
        hearers = [client for client in self._world.clients if name in client.asked]
        counted = self._world.server.counted(name)
        if counted != len(hearers):
            yield f"{len(hearers)} hear {name}, counted are {counted}"
        if self._world.rules.has_members(name):
            users, members = {client.user for client in hearers}, self._members(name)
            if users != members.keys():
                yield f"{sorted(users)} are in {name}, members are {sorted(members)}"

    # Silence.

    def _remains(self) -> Iterator[str]:
        store = self._world.server.store
        for host in self._world.hosts:
            assert host.broker.feed is not None, "a node has a feed"
            # A user's channel is there for as long as the user is.
            owned = {user_channel(line.user) for line in host.lines}
            for name in host.hub.channels.keys() - owned:
                yield f"{host.name} still has {name}"
            for attachment in host.node.attachments:
                if attachment.name not in owned:
                    yield f"{host.name} still knows {attachment.name}"
            for name in host.broker.feed.subscribed.keys() - {CONTROL} - owned:
                yield f"{host.name} still listens to {name}"
        for name in self._world.channels:
            if self._world.server.counted(name):
                yield f"{name} is still heard: {store._counts}"
            if self._world.rules.has_members(name) and store.roster(name).members:
                yield f"{name} still has {store.roster(name)}"

    def _leftovers(self) -> Iterator[str]:
        for client in self._world.clients:
            if client.line is not None:
                client.line.cut(0.0)
        for host in self._world.hosts:
            for task in host.node._tasks._tasks:
                yield f"{host.name} still has {task}"
