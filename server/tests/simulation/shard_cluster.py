"""A cluster: which server has which slot, and what becomes of servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.shard_server import NO_SLOT, NODES, ShardData, ShardServer

if TYPE_CHECKING:
    from simulation.shard_world import ShardWorld

STALE_S = 1.0
"""For so long some say where slots were before."""
SETTLED_S = 12.0
"""No slot is moved away from a server whose data has a new history for less than this."""


class ShardCluster:
    """All servers by their addresses. What is replaced is another object."""

    def __init__(self, world: ShardWorld) -> None:
        self.world = world
        self.owners: dict[str, str] = {}
        self.moving: dict[str, str] = {}
        """Which server takes a slot over from its owner."""
        self.servers: dict[str, ShardServer] = {}
        self.replicas: dict[str, str] = {}
        """The address of a master's replica."""
        self.old: list[ShardServer] = []
        """Masters that others have replaced, and that some still see."""
        self._before: dict[str, str] = {}
        self._changed_at = -STALE_S

    def start(self, address: str, data: ShardData) -> ShardServer:
        """A server with a new history, instead of what was at its address."""
        server = self.servers[address] = ShardServer(self, address, data=data)
        return server

    @property
    def home(self) -> ShardServer:
        """The server that has the record."""
        return self.servers[self.owners[NODES]]

    @property
    def masters(self) -> list[str]:
        """The addresses of all that have slots."""
        return sorted(set(self.owners.values()))

    def slots_of(self, address: str) -> list[str]:
        """What a server has, or would have."""
        return [slot for slot, owner in self.owners.items() if owner == address]

    def view_of(self, process: str) -> dict[str, str]:
        """Where slots are, as a server says it that a process asks."""
        is_stale = self.world.now - self._changed_at < STALE_S and self.world.dice.random() < 0.5
        view = dict(self._before if is_stale else self.owners)
        for server in self.old:
            if server.seen_by is not None and process in server.seen_by:
                view |= dict.fromkeys(server.split, server.address)
        return view

    def _change(self, slots: list[str], address: str) -> None:
        self._before, self._changed_at = dict(self.owners), self.world.now
        self.owners |= dict.fromkeys(slots, address)

    # What happens to servers.

    def restart(self, address: str, data: ShardData) -> None:
        """A server comes back at the same address."""
        self._stop_moving(address)
        server = self.start(address, data)
        self.world.note(address, "is back as", server.history, data.shown())

    def promote(self, address: str, data: ShardData, *, seen_by: frozenset[str]) -> ShardServer:
        """A replica takes over; some see the old master still. Gives the new one."""
        old, slots = self.servers[address], self.slots_of(address)
        new_address = self.replicas.pop(address)
        self._stop_moving(address)
        new = self.start(new_address, data)
        self._change(slots, new_address)
        if seen_by:
            old.split, old.seen_by = frozenset(slots), seen_by
            self.old.append(old)
        else:
            old.is_away = True
        self.world.note(new_address, "takes over from", address, slots, new.history, data.shown())
        return new

    def end_split(self, old: ShardServer, replica_of: str) -> None:
        """An old master finds out that it is none any more, and follows the new one."""
        old.is_away = True
        if old in self.old:
            self.old.remove(old)
        if self.servers.get(replica_of) is not None:
            self.replicas[replica_of] = old.address
        self.world.note(old.address, "follows", replica_of)

    def may_move(self, slot: str) -> bool:
        """Known exception: see `SETTLED_S`.

        A process of the older term, which may stand still for 8 s, takes the log of a server that
        lost its end for one that goes on, where the slot is moved to a server that lost nothing.
        """
        server = self.servers[self.owners[slot]]
        is_settled = server.is_first or self.world.now - server.began_at > SETTLED_S
        return is_settled and slot not in self.moving and not server.is_away

    def begin_move(self, slot: str, address: str) -> None:
        """From now on what the owner does not have is asked for there."""
        self.moving[slot] = address
        self.world.note(self.owners[slot], "gives", slot, "to", address)

    def move_data(self, slot: str) -> None:
        """What there is of a slot goes over."""
        source, target = self.servers[self.owners[slot]], self.servers[self.moving[slot]]
        if slot == NODES:
            if source.has(NODES):
                target.write_home(source.home.copied(target))
                source.write_home(ShardData().home_at(source))
        elif source.has(slot):
            target.write(slot, source.slots[slot])
            source.write(slot, NO_SLOT)

    def end_move(self, slot: str) -> None:
        """The other server has it."""
        self._change([slot], self.moving.pop(slot))
        self.world.note(self.owners[slot], "has", slot)

    def _stop_moving(self, address: str) -> None:
        """A server that is lost has forgotten what it gives and takes."""
        for slot, target in list(self.moving.items()):
            if address in (target, self.owners[slot]):
                del self.moving[slot]
