"""Webhooks in trouble, in virtual time: users come and go, senders die, receivers fail."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from river_feed import Notes
from simulation.loop import VirtualLoop
from simulation.truth import demand
from simulation.webhook_truth import Received, Recorded, WebhookTruth

from riverd.auth.apps import Apps, parse_apps
from riverd.auth.webhooks import WebhookEndpoint, endpoints_of, parse_webhooks
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.channels.rules import ChannelRules
from riverd.errors import BrokerError
from riverd.model.log import Member, Message
from riverd.model.webhook_events import WebhookKind
from riverd.webhooks.dispatcher import Dispatcher
from riverd.webhooks.forms import WebhookRequest
from riverd.webhooks.outbox import GIVE_UP_MS
from riverd.webhooks.posting import PostOutcome
from riverd.webhooks.sender import SenderSurroundings, WebhookTally

EPOCH_S = 1_700_000_000.0
STEP_S = 0.05
STORY_S = 60.0
DAY_S = 86_401.0
CALM_S = 400.0
SECRET = "0123456789abcdef0123456789abcdef"
CHANNELS = ("presence-1", "presence-2", "#app:1:presence-3")
USERS = ("ann", "bob", "cleo")


def endpoints() -> list[WebhookEndpoint]:
    """One webhook of each form."""
    webhook = {"url": "https://a.test/", "events": list(WebhookKind), "secret": SECRET}
    hook = {
        "url": "https://b.test/",
        "events": ["channel_occupied", "channel_vacated", "member_added", "member_removed"],
    }
    hook["events"].append("client_event")  # type: ignore[attr-defined]
    app = {"id": "1", "key": "key", "secret": "s" * 16, "webhooks": [hook]}
    return [
        *endpoints_of(parse_webhooks("A", json.dumps([webhook]))),
        *Apps(parse_apps("B", json.dumps([app]))).webhook_endpoints(),
    ]


class Queues:
    """The queues as one process reaches them: it may be cut off, and not know what was done."""

    def __init__(self, world: WebhookWorld, real: Any) -> None:
        self._world = world
        self._real = real
        self.is_cut = False

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._real, name)

        async def called(*given: Any, **named: Any) -> Any:
            world = self._world
            await asyncio.sleep(world.dice.choice((0.0, 0.0, 0.05, 0.3)))
            if self.is_cut or world.fails(0.04):
                raise BrokerError("it was not asked")
            answer = await method(*given, **named)
            if world.fails(0.04):
                raise BrokerError("its answer was lost")
            return answer

        return called


class Receiver:
    """One back end: it takes events, refuses them, or does not answer."""

    def __init__(self, world: WebhookWorld) -> None:
        self._world = world
        self.mood = "takes"
        self.received = Received()

    async def post(self, _url: str, request: WebhookRequest) -> PostOutcome:
        """Answer one request, or not."""
        world, mood = self._world, self.mood
        if mood == "takes" and world.fails(0.15):
            mood = world.dice.choice(("refuses", "hangs", "answers in vain"))
        takes = mood in ("takes", "answers in vain") or (mood == "hangs" and world.fails(0.5))
        on_its_way = asyncio.create_task(self._arrive(request.body if takes else b"{}"))
        world.note("receiver", mood, request.body)
        # Whoever sends may be gone meanwhile: what is on its way arrives all the same.
        await asyncio.shield(on_its_way)
        if mood == "hangs":
            await asyncio.sleep(10.0)
        return PostOutcome(None if mood == "takes" else mood)

    async def _arrive(self, body: bytes) -> None:
        await asyncio.sleep(self._world.dice.choice((0.0, 0.05, 0.4)))
        for event in json.loads(body).get("events", ()):
            self._world.note("receiver", "gets", event)
            self.received.got.setdefault(event["id"], (event, self._world.now))


class WebhookWorld:
    """One run: what happens follows from the seed alone."""

    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        self.dice = random.Random(seed)  # noqa: S311  chance, not secrets
        self.loop = VirtualLoop(step_s=STEP_S)
        self._trace = trace
        self.calm = False
        self.ahead_s = 0.0
        self.is_tight = self.dice.random() < 0.2
        self.has_bad_day = self.dice.random() < 0.2
        numbers = count()
        self.store = Recorded(
            new_id=lambda: f"n{next(numbers)}",
            wall=lambda: self.now,
            bytes_max=1_500 if self.is_tight else 1 << 26,
        )
        rules = ChannelRules(history_size=10, history_ttl_s=60)
        self.board = Switchboard(Store(rules, new_epoch=lambda: "e"), self.store)
        self.nodes: list[MemoryBroker] = []
        self.here: dict[tuple[str, str], MemoryBroker] = {}
        self.said = dict.fromkeys(CHANNELS, 0)
        self.endpoints = endpoints()
        self.receivers = {one.id: Receiver(self) for one in self.endpoints}
        self.processes: list[tuple[Dispatcher, asyncio.Task[None], Queues]] = []
        self.unexpected: list[BaseException] = []
        self._names = count()

    @property
    def now(self) -> float:
        """In unix seconds."""
        return EPOCH_S + self.ahead_s + self.loop.time()

    def fails(self, chance: float) -> bool:
        """Whether something goes wrong now."""
        return not self.calm and self.dice.random() < chance

    def note(self, who: str, *what: object) -> None:
        """A line of the trace."""
        if self._trace is not None:
            self._trace(f"{self.now - EPOCH_S:10.2f} {who:>9} {' '.join(map(str, what))}")

    def run(self) -> None:
        """All of it, until the end is looked at."""
        try:
            self.loop.run_until_complete(self._story())
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.close()

    async def _story(self) -> None:
        for _ in range(2):
            await self._new_node()
            self._new_process()
        while not self.store.interests.all:
            await asyncio.sleep(STEP_S)
        ends_at = self.now + STORY_S
        while self.now < ends_at:
            await asyncio.sleep(self.dice.choice((0.05, 0.3, 1.0, 4.0)))
            await self._something()
        for receiver in self.receivers.values():
            receiver.mood = "takes"
        if self.has_bad_day:
            await self._bad_day()
        self._calm_down()
        deadline = self.now + CALM_S
        while any(queue.entries for queue in self.store.queues.values()):
            demand(self.now < deadline, "events still wait in their queues")
            await asyncio.sleep(1.0)
        demand(not self.unexpected, "a process failed: {}", self.unexpected)
        truth = WebhookTruth(
            self.store, self.here, self.said, has_bad_day=self.has_bad_day, is_tight=self.is_tight
        )
        for endpoint in self.endpoints:
            truth.check(endpoint, self.receivers[endpoint.id].received)

    def _calm_down(self) -> None:
        self.calm = True
        self.note("world", "CALM")
        for _, _, queues in self.processes:
            queues.is_cut = False

    async def _bad_day(self) -> None:
        """Nobody takes anything for over a day; then what was given up is replayed."""
        for receiver in self.receivers.values():
            receiver.mood = "refuses"
        channel = self.dice.choice(CHANNELS)
        await self._say(channel)
        await asyncio.sleep(STORY_S)
        # A day of waiting is one step: there would be nothing else to see.
        self.ahead_s = DAY_S
        await asyncio.sleep(STORY_S)
        for endpoint in self.endpoints:
            self.receivers[endpoint.id].mood = "takes"
            for dead in self.store.queue(endpoint.id).dead.values():
                waited_ms = dead.dead_at_ms - dead.event.since_ms
                demand(waited_ms >= GIVE_UP_MS, "given up after {} ms", waited_ms)
        self._calm_down()
        await asyncio.sleep(CALM_S)
        queues = self.nodes[0].webhook_queues
        for endpoint in self.endpoints:
            await queues.replay(endpoint.id, None, limit=1_000)

    # What happens.

    async def _something(self) -> None:
        match self.dice.randrange(16):
            case 0:
                await self._crash_node()
            case 1:
                self._kill_process()
            case 2:
                queues = self.dice.choice(self.processes)[2]
                queues.is_cut = not queues.is_cut
                self.note("storm", "a process is cut off" if queues.is_cut else "it is not")
            case 3 | 4:
                receiver = self.dice.choice(list(self.receivers.values()))
                receiver.mood = self.dice.choice(("takes", "takes", "refuses", "hangs"))
            case 5 | 6 | 7:
                await self._say(self.dice.choice(CHANNELS))
            case _:
                await self._comes_or_goes(self.dice.choice(CHANNELS), self.dice.choice(USERS))

    async def _new_node(self) -> None:
        node = MemoryBroker(self.board, self.loop.time)
        await node.attach(Notes())
        self.nodes.append(node)

    async def _crash_node(self) -> None:
        node = self.nodes.pop(self.dice.randrange(len(self.nodes)))
        self.note("storm", "crash node")
        self.here = {key: where for key, where in self.here.items() if where is not node}
        await node.close()
        await self._new_node()

    def _new_process(self) -> None:
        queues = Queues(self, self.nodes[0].webhook_queues)
        surroundings = SenderSurroundings(
            WebhookTally(), self.dice.random, lambda: self.now, lambda *_: None, lambda _: None
        )
        receivers = {one.url: self.receivers[one.id] for one in self.endpoints}

        async def post(url: str, request: WebhookRequest) -> PostOutcome:
            return await receivers[url].post(url, request)

        dispatcher = Dispatcher(
            queues,  # type: ignore[arg-type]  it is as good
            f"s{next(self._names)}",
            endpoints=lambda: self.endpoints,
            post=post,
            surroundings=surroundings,
            failed=self.unexpected.append,
        )
        running = self.loop.create_task(dispatcher.run())
        self.processes.append((dispatcher, running, queues))

    def _kill_process(self) -> None:
        """At once: it leaves its leases to run out."""
        dispatcher, running, queues = self.processes.pop(self.dice.randrange(2))
        queues.is_cut = True
        self.note("storm", "kill process")
        running.cancel()
        del dispatcher
        self._new_process()

    async def _say(self, channel: str) -> None:
        self.said[channel] += 1
        self.note("client", "says", self.said[channel], "in", channel)
        message = Message(channel, "client-x", str(self.said[channel]).encode(), user="ann")
        await self.nodes[0].webhooks.publish(message, "1.1")

    async def _comes_or_goes(self, channel: str, user: str) -> None:
        node = self.here.pop((channel, user), None)
        self.note(user, "joins" if node is None else "leaves", channel)
        if node is not None:
            await node.leave(channel, user)
        else:
            node = self.here[channel, user] = self.dice.choice(self.nodes)
            await node.join(channel, Member(user))
        number = sum(name == channel and at is node for (name, _), at in self.here.items())
        await node.report({channel: number})


def failure_of(seed: int) -> str | None:
    """What went wrong in one run."""
    try:
        WebhookWorld(seed).run()
    except Exception as error:  # noqa: BLE001  whatever it is, it is the result
        return f"{type(error).__name__}: {error}"
    return None
