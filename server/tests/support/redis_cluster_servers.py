"""Three masters that share the slots, and a replica for the one that a test kills."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from redis_server import START_S_MAX, RedisServer, free_port, running

from riverd.broker.redis.topology import slot_of

MASTERS = 3


class RedisCluster:
    """The servers of a cluster."""

    def __init__(self, servers: list[RedisServer]) -> None:
        self.servers = servers

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{one.port}" for one in self.servers)
        return f"redis+cluster://{places}"

    def owner(self, name: str) -> RedisServer:
        """The server that has a name's slot."""
        return self._server(self._owner_port(slot_of(name)))

    def other(self, name: str) -> RedisServer:
        """A master that has it not."""
        ports = self.master_ports() - {self._owner_port(slot_of(name))}
        return self._server(min(ports))

    def master_ports(self) -> set[int]:
        return {port for _, _, port in self._ranges()}

    def flush(self) -> None:
        for port in self.master_ports():
            with self._server(port).client() as client:
                client.flushall()

    def begin_move(self, name: str, target: RedisServer) -> None:
        """Open the slot of a name at both servers: keys may be here and there."""
        slot, source = slot_of(name), self.owner(name)
        with source.client() as old, target.client() as new:
            new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", self._id(source))
            old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", self._id(target))

    def move_keys(self, name: str, target: RedisServer, *, at_once: int = 1000) -> int:
        """Bring the keys over, so many in one step; how many there were."""
        slot, source, moved = slot_of(name), self.owner(name), 0
        with source.client() as old:
            while names := old.execute_command("CLUSTER GETKEYSINSLOT", slot, at_once):
                old.migrate("127.0.0.1", target.port, names, 0, 5000)
                moved += len(names)
        return moved

    def end_move(self, name: str, target: RedisServer) -> None:
        """The slot is the other's; everybody is told."""
        slot = slot_of(name)
        for port in [target.port, *self.master_ports()]:
            with self._server(port).client() as client:
                client.execute_command("CLUSTER SETSLOT", slot, "NODE", self._id(target))

    def add(self, server: RedisServer) -> None:
        """One more master, without slots."""
        self.servers.append(server)
        known = self.servers[0]
        with known.client() as other, server.client() as client:
            bus = other.config_get("cluster-port")["cluster-port"]
            client.execute_command("CLUSTER MEET", "127.0.0.1", known.port, bus)
        deadline = time.monotonic() + START_S_MAX
        while not self.is_whole():
            assert time.monotonic() < deadline, "the new server does not find the others"
            time.sleep(0.02)

    def is_whole(self) -> bool:
        """Whether all that run agree on who has which slot."""
        told: set[str] = set()
        for server in self.servers:
            if server.runs:
                with server.client() as client:
                    if client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                        return False
                    told.add(repr(sorted(ranges_told_by(server))))
        return len(told) == 1

    def _ranges(self) -> list[tuple[int, int, int]]:
        return ranges_told_by(next(one for one in self.servers if one.runs))

    def _owner_port(self, slot: int) -> int:
        return next(port for first, last, port in self._ranges() if first <= slot <= last)

    def _server(self, port: int) -> RedisServer:
        return next(one for one in self.servers if one.port == port)

    @staticmethod
    def _id(server: RedisServer) -> str:
        with server.client() as client:
            told = client.execute_command("CLUSTER MYID")
        return told.decode() if isinstance(told, bytes) else str(told)


def ranges_told_by(server: RedisServer) -> list[tuple[int, int, int]]:
    """First slot, last slot and the master's port."""
    with server.client() as client:
        client.response_callbacks.pop("CLUSTER SLOTS", None)
        told = client.execute_command("CLUSTER SLOTS")
    return [(first, last, master[1]) for first, last, master, *_ in told]


def cluster_options() -> dict[str, str | int]:
    """What a server of a cluster is started with."""
    return {
        "cluster-enabled": "yes",
        "cluster-port": free_port(),
        "cluster-node-timeout": 2000,
        "repl-diskless-sync-delay": 0,
    }


@contextmanager
def cluster(*, replicas: int = 0, **options: str | int) -> Iterator[RedisCluster]:
    """A cluster for the length of a block; `options` are those of its servers."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(running(**cluster_options() | options))
            for _ in range(MASTERS * (1 + replicas))
        ]
        places = [f"127.0.0.1:{one.port}" for one in servers]
        options = ["--cluster-replicas", str(replicas), "--cluster-yes"]
        subprocess.run(
            ["redis-cli", "--cluster", "create", *places, *options],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
        made = RedisCluster(servers)
        deadline = time.monotonic() + START_S_MAX
        while not made.is_whole():
            assert time.monotonic() < deadline, "the servers do not find together"
            time.sleep(0.02)
        yield made
