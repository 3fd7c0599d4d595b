"""A whole cluster under load: three gateways, a balancer, a publish API, clients, publishers."""

import asyncio
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from processes import Api, Balancer, Gateway, Redis, get_json
from proxy import Proxy
from publisher import Publisher
from witness import Witness

GATEWAYS = 3
LIVE_S_MAX = 60.0


@dataclass
class Shape:
    """How large the cluster's load is."""

    clients: int = 200
    channels: int = 6
    channels_each: int = 3
    every_s: float = 0.05
    drain_s: float = 3.0


@dataclass
class Outcome:
    """What a fault did to the clients."""

    fault: str
    lost: int
    duplicated: int
    reordered: int
    told: int
    live_after_s: float
    published: int
    slowest_refusal_s: float
    remark: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing happened in silence."""
        return not (self.lost or self.duplicated or self.reordered)


class Cluster:
    """Processes and load; `close` ends all of them."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._folder = tempfile.TemporaryDirectory()
        self.redis = Redis(Path(self._folder.name))
        self.gateways: list[Gateway] = []
        self.witnesses: list[Witness] = []
        self.publishers: list[Publisher] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Bring everything up, and wait until every client is live."""
        await asyncio.to_thread(self.redis.start)
        self.proxy = Proxy(self.redis.port)
        await self.proxy.start()
        ports = [self.proxy.port, *[self.redis.port] * (GATEWAYS - 1)]
        self.gateways = [Gateway(port, self.shape.drain_s) for port in ports]
        self.api = Api(self.redis.port)
        for program in (*self.gateways, self.api):
            await asyncio.to_thread(program.start)
        self.balancer = Balancer([gateway.port for gateway in self.gateways])
        await asyncio.to_thread(self.balancer.start)
        self._load()
        await self.until_live()

    def _load(self) -> None:
        shape = self.shape
        names = [f"chaos-{number}" for number in range(shape.channels)]
        contents: dict[str, dict[tuple[str, int], int]] = {name: {} for name in names}
        self.contents = contents
        for number in range(shape.clients):
            channels = random.sample(names, shape.channels_each)
            witness = Witness(self.url, f"user-{number}", channels, contents)
            self.add(witness)
        for name in names:
            publisher = Publisher(f"http://127.0.0.1:{self.api.port}", name, shape.every_s)
            self.publishers.append(publisher)
            self._tasks.append(asyncio.create_task(publisher.run()))

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://127.0.0.1:{self.balancer.port}/ws"

    def add(self, witness: Witness) -> None:
        """One more client."""
        self.witnesses.append(witness)
        self._tasks.append(asyncio.create_task(witness.run()))

    async def until_live(self) -> float:
        """Seconds until every client has what was published after this was called.

        Only a new publication shows who is live: a client may not know yet that it was cut off.
        """
        began = time.monotonic()
        wanted = {one.channel: one.number + 2 for one in self.publishers}
        while any(one.number < wanted[one.channel] for one in self.publishers):
            await self._patience(began)
        for publisher in self.publishers:
            publisher.pausing = True
        # The one that each may have under way.
        await asyncio.sleep(self.shape.every_s)
        while self._behind():
            await self._patience(began)
        took = time.monotonic() - began
        for publisher in self.publishers:
            publisher.pausing = False
        return took

    async def _patience(self, began: float) -> None:
        if time.monotonic() - began > LIVE_S_MAX:
            raise TimeoutError(f"not all live after {LIVE_S_MAX} s: {self._behind()[:5]}")
        await asyncio.sleep(0.02)

    def _behind(self) -> list[str]:
        """Clients that do not stand where their channels' logs stand."""
        try:
            ends = {
                one.channel: get_json(self.api.port, f"/channels/{one.channel}")
                for one in self.publishers
            }
        except OSError:
            return ["the API does not answer"]
        behind: list[str] = []
        for witness in self.witnesses:
            for channel, book in witness.books.items():
                end = ends[channel]
                if (book.epoch, book.offset) != (end["epoch"], end["offset"]):
                    behind.append(f"{witness.user} {channel} {book.epoch}:{book.offset} {end}")
        return behind

    def outcome(self, fault: str, live_after_s: float, remark: str = "") -> Outcome:
        """What was lost, doubled, reordered or told since the last call."""
        books = [book for witness in self.witnesses for book in witness.books.values()]
        unseen = sum(
            self.contents[one.channel].get(position, number) != number
            for one in self.publishers
            for position, number in one.accepted.items()
        )
        repeated = sum(len(seen) - len(set(seen.values())) for seen in self.contents.values())
        outcome = Outcome(
            fault,
            lost=sum(book.holes for book in books) + unseen,
            duplicated=sum(book.duplicated for book in books)
            + sum(one.doubled for one in self.publishers)
            + repeated,
            reordered=sum(book.wrong for book in books),
            told=sum(book.told for book in books),
            live_after_s=live_after_s,
            published=sum(len(one.accepted) for one in self.publishers),
            slowest_refusal_s=max(one.slowest_refusal_s for one in self.publishers),
            remark=remark,
        )
        for book in books:
            book.told = 0
        for publisher in self.publishers:
            publisher.slowest_refusal_s = 0.0
        return outcome

    async def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for program in (self.balancer, self.api, *self.gateways, self.redis):
            program.kill()
        await self.proxy.close()
        self._folder.cleanup()
