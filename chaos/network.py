"""A line between two networks that loses, delays and cuts packets: each passes through here.

It needs a network of its own (see `apart.py`). A kernel's own tools for this (netem) are not
everywhere; a pair of network interfaces whose packets a process carries is wherever containers are.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time
from typing import NamedTuple

SET_INTERFACE = 0x400454CA
IS_TUN, NO_HEADER = 0x0001, 0x1000
PACKET_BYTES_MAX = 65_536
LOOKED_S = 0.2
IPV4, TCP = 4, 6
HOLD = ("sh", "-c", "echo ready; exec sleep infinity")
TRIED = ("sh", "-c", "ip tuntap add mode tun name tried && unshare --net true")
"""What has to work where this is to."""


class Flow(NamedTuple):
    """A connection, in one direction."""

    source: tuple[bytes, bytes]
    target: tuple[bytes, bytes]

    def back(self) -> "Flow":
        """The other direction."""
        return Flow(self.target, self.source)


class FarNetwork:
    """A network in which nothing is but what is put there; it ends with `close`."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", *HOLD], stdout=subprocess.PIPE)
        assert self._holder.stdout is not None, "it is a pipe"
        self._holder.stdout.readline()
        self.pid = self._holder.pid
        self.run("ip", "link", "set", "lo", "up")

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a program there, and gives way to it."""
        return ("nsenter", f"--net=/proc/{self.pid}/ns/net", "--")

    def run(self, *command: str) -> None:
        """Have a program do something there."""
        subprocess.run([*self.prefix, *command], check=True)

    def close(self) -> None:
        """End it, once nothing runs there."""
        self._holder.kill()
        self._holder.wait()
        assert self._holder.stdout is not None, "it is a pipe"
        self._holder.stdout.close()


class PacketLink:
    """A line between this network and a far one: `near` and `far` are its addresses.

    Each direction is a number: 0 to the far end, 1 from there.
    """

    def __init__(self, number: int, network: FarNetwork) -> None:
        self.near, self.far = f"10.77.{number}.1", f"10.77.{number}.2"
        names = f"near{number}", f"far{number}"
        self._ends = [_interface(name) for name in names]
        run = subprocess.run
        run(["ip", "link", "set", names[1], "netns", str(network.pid)], check=True)
        run(["ip", "address", "add", self.near, "peer", self.far, "dev", names[0]], check=True)
        run(["ip", "link", "set", names[0], "up"], check=True)
        network.run("ip", "address", "add", self.far, "peer", self.near, "dev", names[1])
        network.run("ip", "link", "set", names[1], "up")
        self.delay_s = 0.0
        self.loss = 0.0
        """Of so large a part of the packets nothing comes of."""
        self.carried = self.dropped = 0
        self._cut: frozenset[int] = frozenset()
        self._known: set[Flow] = set()
        self._forgotten: frozenset[Flow] = frozenset()
        self._random = random.Random(number)
        self._is_closing = False
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def cut(self, *directions: int) -> None:
        """From now on nothing passes, or nothing in these directions."""
        self._cut = frozenset(directions or (0, 1))

    def forget(self) -> None:
        """Drop all packets of the connections of now, as a firewall that was restarted.

        New connections pass.
        """
        self._forgotten = frozenset(self._known)

    def mend(self) -> None:
        """Everything passes again, and at once."""
        self._cut, self._forgotten = frozenset(), frozenset()
        self.delay_s = self.loss = 0.0

    def close(self) -> None:
        """Take the line away."""
        self._is_closing = True
        self._thread.join()
        for end in self._ends:
            os.close(end)

    def _carry(self) -> None:
        on_the_way: list[tuple[float, int, int, bytes]] = []
        while not self._is_closing:
            now = time.monotonic()
            while on_the_way and on_the_way[0][0] <= now:
                _, _, direction, packet = heapq.heappop(on_the_way)
                self._hand_over(direction, packet)
            wait_s = min(LOOKED_S, on_the_way[0][0] - now) if on_the_way else LOOKED_S
            ready, _, _ = select.select(self._ends, (), (), wait_s)
            for end in ready:
                direction, packet = self._ends.index(end), os.read(end, PACKET_BYTES_MAX)
                if self._is_lost(direction, packet):
                    self.dropped += 1
                else:
                    self.carried += 1
                    due = time.monotonic() + self.delay_s
                    heapq.heappush(on_the_way, (due, self.carried, direction, packet))

    def _hand_over(self, direction: int, packet: bytes) -> None:
        try:
            os.write(self._ends[1 - direction], packet)
        except OSError:
            # The other end is not up any more: its network has ended.
            self.dropped += 1

    def _is_lost(self, direction: int, packet: bytes) -> bool:
        if direction in self._cut or self._random.random() < self.loss:
            return True
        flow = _flow_of(packet)
        if flow is None:
            return False
        self._known |= {flow, flow.back()}
        return flow in self._forgotten


def _interface(name: str) -> int:
    """An interface of this network whose packets are read and written here."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    request = struct.pack("16sH22x", name.encode(), IS_TUN | NO_HEADER)
    fcntl.ioctl(device, SET_INTERFACE, request)
    return device


def _flow_of(packet: bytes) -> Flow | None:
    """The connection that a packet belongs to; None if it is none of TCP."""
    if packet[0] >> 4 != IPV4 or packet[9] != TCP:
        return None
    ports = 4 * (packet[0] & 15)
    return Flow(
        (packet[12:16], packet[ports : ports + 2]), (packet[16:20], packet[ports + 2 : ports + 4])
    )
