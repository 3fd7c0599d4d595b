"""A whole cluster under load: three gateways, a balancer, a publish API, clients, publishers."""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from doubles import Doubled, StoredTwice, delivered_twice, given_twice, sent_twice, stored_twice
from library_witness import (
    PUSHER_SETTINGS,
    NumberWitness,
    PageHost,
    PageWitness,
    PusherWitness,
    PythonWitness,
)
from processes import ApiProcess, BalancerProcess, GatewayProcess, Redis, ServerProcess, get_json
from proxy import Proxy
from publisher import FaultPublisher
from riverd.commands.verify.checker import BrokenRule, violations
from riverd.commands.verify.history import Attempt, Fate, RunHistory
from speaker import Speaker
from stream_witness import PollWitness, StreamWitness
from until import until, until_live
from visitors import Visitors
from webhook_witness import WebhookWitness
from witness import Witness, end

Place = tuple[str | None, int]
Harm = AsyncGenerator[str]
"""A fault while it is done: see `faults.py`."""


class BrokerServers(Protocol):
    """Several servers of Redis that are one broker."""

    @property
    def url(self) -> str:
        """What RIVER_BROKER is set to."""
        ...

    def start(self) -> None:
        """Have them run and know each other."""
        ...

    def close(self) -> None:
        """End them."""
        ...


GATEWAYS = 3
RECORDED_MAX = 40
"""So many clients write everything down for the checker: it is judged once more, at the end."""
TRANSPORTS = (
    *[Witness] * 4,
    StreamWitness,
    PusherWitness,
    *[Witness] * 2,
    StreamWitness,
    PollWitness,
    PythonWitness,
    PageWitness,
)
"""Of twelve clients six have WebSockets, two streams, one polls; one each is of another kind."""
OWN_TRANSPORTS = (*[Witness] * 7, StreamWitness, StreamWitness, PollWitness)
"""Clients that count how often they were asked to move, and how often they were cut."""
CROWD = "presence-crowd"
"""All clients are its members, and nobody publishes to it."""
HOOKED = "presence-hooked"
"""Users come here and go, and a webhook reports them."""
MISSED_S = 16.0
"""What a process that ended so long ago had accepted, others have (docs, "Healing")."""


@dataclass
class Shape:
    """How large the cluster's load is."""

    clients: int = 200
    channels: int = 6
    channels_each: int = 3
    every_s: float = 0.05
    drain_s: float = 3.0
    has_visitors: bool = True
    transports: tuple[type[Witness], ...] = TRANSPORTS
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """What all processes of River have beside their own."""
    settings_later: Mapping[str, str] = field(default_factory=dict[str, str])
    """What they have after a fault that replaces them."""


@dataclass
class FaultOutcome:
    """What a fault did to the clients."""

    fault: str
    lost: int
    duplicated: int
    reordered: int
    told: int
    live_after_s: float
    agreed_after_s: float
    """From then on, until all were right about the quiet channel: its place and its members."""
    counted_after_s: float
    """From then on, until the receiver of webhooks was right about its members."""
    published: int
    slowest_refusal_s: float
    errors: list[str]
    """What River's processes logged as errors."""
    doubles: list[Doubled]
    """What `duplicated` counts."""
    remark: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing happened in silence, and nothing that nobody expected."""
        return not (self.lost or self.duplicated or self.reordered or self.errors)


class Cluster:
    """Processes and load; `close` ends all of them."""

    def __init__(self, shape: Shape, servers: BrokerServers | None = None) -> None:
        self.shape = shape
        self.servers = servers
        """Instead of one Redis."""
        self._folder = tempfile.TemporaryDirectory()
        self.redis = self._new_redis(Path(self._folder.name))
        self.programs: list[ServerProcess] = [self.redis]
        self._errors_seen = 0
        self._stored_twice: set[StoredTwice] = set()
        self.gateways: list[GatewayProcess] = []
        self.witnesses: list[Witness] = []
        self.publishers: list[FaultPublisher] = []
        self.receiver = WebhookWitness(HOOKED, lambda: (self.speaker.accepted, self.speaker.number))
        self._pages = PageHost()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Bring everything up, and wait until every client is live."""
        apps = PUSHER_SETTINGS if PusherWitness in self.shape.transports else {}
        elsewhere = {**await self._start_broker(), **apps, **self.shape.settings}
        self.gateways = self._new_gateways(elsewhere)
        self.receiver.start()
        self.api = ApiProcess(self.api_proxy.port, self.receiver.settings | elsewhere)
        self.balancer = BalancerProcess(self.gateways, Path(self._folder.name))
        self.speaker = Speaker(self.url, HOOKED)
        for program in (*self.gateways, self.api, self.balancer):
            self.programs.append(program)
            await asyncio.to_thread(program.start)
        self._load()
        await self.until_live()

    def _new_redis(self, folder: Path) -> Redis:
        return Redis(folder)

    def _new_gateways(self, settings: Mapping[str, str]) -> list[GatewayProcess]:
        ports = [self.proxy.port, *[self.redis.port] * (GATEWAYS - 1)]
        return [GatewayProcess(port, self.shape.drain_s, settings) for port in ports]

    async def _start_broker(self) -> dict[str, str]:
        """What processes are set to, where the broker is not one Redis."""
        self.proxy, self.api_proxy = Proxy(self.redis.port), Proxy(self.redis.port)
        if self.servers is not None:
            await asyncio.to_thread(self.servers.start)
            return {"RIVER_BROKER": self.servers.url}
        await asyncio.to_thread(self.redis.start)
        self.proxy.start()
        self.api_proxy.start()
        return {}

    def _load(self) -> None:
        shape = self.shape
        names = [f"chaos-{number}" for number in range(shape.channels)]
        contents: dict[str, dict[tuple[str, int], int]] = {name: {} for name in (*names, CROWD)}
        self.contents = contents
        for number in range(shape.clients):
            kind = shape.transports[number % len(shape.transports)]
            channels = random.sample(names, shape.channels_each)
            # Pusher's clients are members only with a signature of the app's back end.
            channels += [CROWD] * (kind is not PusherWitness)
            witness = kind(self.url, f"user-{number}", channels, contents)
            if isinstance(witness, PageWitness):
                witness.host = self._pages
            if number < RECORDED_MAX:
                witness.record()
            self.add(witness)
        self.visitors = Visitors(self.url, HOOKED)
        if self.shape.has_visitors:
            for one in (self.visitors, self.speaker):
                self._tasks.append(asyncio.create_task(one.run()))
        for name in names:
            publisher = FaultPublisher(f"http://127.0.0.1:{self.api.port}", name, shape.every_s)
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

    async def until_nobody_is_missed(self) -> None:
        """Until no process of River has ended a short while ago: else nothing would be healed."""
        newest = max(one.ended_at for one in (*self.gateways, self.api))
        await asyncio.sleep(max(0.0, newest + MISSED_S - time.monotonic()))

    async def until_live(self, *, but: type[Witness] | None = None) -> float:
        """Seconds until every client has what was published after this was called.

        `but` those of one kind.
        """
        began = time.monotonic()
        # A book without a number says nothing, and publishers pause later on.
        await until(lambda: not self._without_number())
        await until_live(self.publishers, partial(self.behind, but=but))
        return time.monotonic() - began

    def _without_number(self) -> list[str]:
        quiet = [one for one in self.witnesses if isinstance(one, NumberWitness)]
        return [
            f"{type(one).__name__} {one.user} {channel}"
            for one in quiet
            for channel, book in one.numbers.items()
            if book.is_new and channel != CROWD
        ]

    async def until_agreed(self) -> float:
        """Seconds until every client is right about the quiet channel: its place, its members."""
        began = time.monotonic()
        await until(lambda: not self.mistaken())
        return time.monotonic() - began

    async def until_counted(self) -> float:
        """Seconds until the receiver of webhooks has everybody who is there, and nobody else."""
        began = time.monotonic()
        self.visitors.pausing = self.speaker.pausing = True
        try:
            await until(lambda: not self.miscounted())
        finally:
            self.visitors.pausing = self.speaker.pausing = False
        return time.monotonic() - began

    def miscounted(self) -> list[str]:
        """Of whom the receiver of webhooks is wrong; then of whom River itself is."""
        here = self.visitors.here
        mistakes = self.receiver.mistakes(here)
        if mistakes:
            try:
                listed = get_json(self.api.port, f"/channels/{HOOKED}/presence")["members"]
                members = {str(one["user"]) for one in listed}
            except OSError:
                return [*mistakes, "the API does not answer"]
            lacking = sorted(here - members)
            mistakes += [f"River lacks {self.visitors.state_of(user)}" for user in lacking]
            mistakes += [f"River has {user}" for user in sorted(members - here)]
        return mistakes

    def behind(self, but: type[Witness] | None = None) -> list[str]:
        """Clients that do not stand where their channels' logs stand, and logs that lack an end."""
        places = self._places([one.channel for one in self.publishers])
        if places is None:
            return ["the API does not answer"]
        behind: list[str] = []
        newest = {one.channel: one.number - 1 for one in self.publishers}
        for publisher in self.publishers:
            epoch, offset = places[publisher.channel]
            last = publisher.last
            if last is not None and last[0] == epoch and last[1] != offset:
                behind.append(f"the log of {publisher.channel}: {offset}, {last} was accepted")
        for witness in self.witnesses:
            if but is not None and isinstance(witness, but):
                continue
            for channel, book in witness.books.items():
                if channel in places and not book.is_at(places[channel], newest[channel]):
                    behind.append(f"{witness.user} {channel} {book.place} {places[channel]}")
        return behind

    def silent(self) -> list[str]:
        """Clients that are not served, and why."""
        return [silence for one in self.witnesses if (silence := one.silence())]

    def mistaken(self) -> list[str]:
        """Clients that are wrong about the quiet channel."""
        members = [one for one in self.witnesses if CROWD in one.books]
        users, places = {one.user for one in members}, self._places([CROWD])
        if places is None:
            return ["the API does not answer"]
        mistakes = [one.mistake_about(users, places[CROWD], CROWD) for one in members]
        return [mistake for mistake in mistakes if mistake]

    def _places(self, channels: list[str]) -> dict[str, Place] | None:
        """Where logs stand; None if the API does not say."""
        try:
            told = {name: get_json(self.api.port, f"/channels/{name}") for name in channels}
        except OSError:
            return None
        return {name: (str(one["epoch"]), int(str(one["offset"]))) for name, one in told.items()}

    def outcome(self, fault: str) -> FaultOutcome:
        """What was lost, doubled, reordered or told since the last call."""
        books = [book for witness in self.witnesses for book in witness.books.values()]
        wrong = sum(
            self.contents[one.channel].get(position, number) != number
            for one in self.publishers
            for position, number in one.accepted.items()
        )
        doubles = self._doubles()
        errors = [line for program in self.programs for line in program.errors()]
        outcome = FaultOutcome(
            fault,
            lost=sum(book.holes for book in books),
            duplicated=sum(one.count for one in doubles),
            reordered=sum(book.wrong for book in books)
            + wrong
            + self.receiver.forged
            + self.receiver.wrong_numbers()[1],
            told=sum(book.told for book in books),
            live_after_s=0.0,
            agreed_after_s=0.0,
            counted_after_s=0.0,
            published=sum(len(one.accepted) for one in self.publishers),
            slowest_refusal_s=max(one.slowest_refusal_s for one in self.publishers),
            errors=errors[self._errors_seen :],
            doubles=doubles,
        )
        self._errors_seen = len(errors)
        for book in books:
            book.forgive()
        self.receiver.forgive()
        for publisher in self.publishers:
            publisher.slowest_refusal_s = publisher.doubled = 0
        return outcome

    def _doubles(self) -> list[Doubled]:
        """What came twice since the last call, by kind: each kind has another cause."""
        stored = [one for one in stored_twice(self.contents) if one not in self._stored_twice]
        self._stored_twice |= set(stored)
        receiver = self.receiver
        return [
            *delivered_twice(self.witnesses),
            *(one.seen_by(self.witnesses) for one in stored),
            *given_twice(self.publishers),
            *sent_twice(receiver),
        ]

    def violations(self) -> list[BrokenRule]:
        """What the checker says of everything that was sent and heard."""
        now, sent = time.monotonic(), [one for each in self.publishers for one in each.sent]
        # A publication may be accepted and its answer still be on the way.
        under_way = [
            Attempt(str(one.number), one.channel, now, now, Fate.UNKNOWN) for one in self.publishers
        ]
        readings = [one for witness in self.witnesses for one in witness.readings.values()]
        for one in readings:
            one.until_s = now
        return violations(RunHistory([*sent, *under_way], readings))

    async def close(self) -> None:
        """End everything."""
        await end(*self._tasks)
        await self._pages.close()
        for program in reversed(self.programs):
            program.close()
        self.receiver.close()
        if self.servers is None:
            self.proxy.close()
            self.api_proxy.close()
        else:
            self.servers.close()
        self._folder.cleanup()
