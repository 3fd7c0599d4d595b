"""Webhooks through two gateways, two APIs and a Redis, with faults on all sides."""

import asyncio
import json
import random
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from redis_cluster_servers import cluster
from redis_server import RedisServer
from river_client import Client, condition, enter, let_in, member, token
from river_process import API_KEY, River, Start, ask, publish
from webhook_receiver import Receiver, receiving

SECRET = "the-secret-of-webhooks-0123456789"
CHANNELS = [f"presence-{number}" for number in range(3)]
PAIRS = {
    "member_left": "member_joined",
    "channel_vacated": "channel_occupied",
    "user_disconnected": "user_connected",
}
ALL = [
    *PAIRS,
    *PAIRS.values(),
    "client_event",
    "subscription_count",
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def settings_for(receiver: Receiver, broker: str, **more: str) -> dict[str, str]:
    webhook = {"url": receiver.url, "events": ALL, "secret": SECRET, "name": "all"}
    return {
        "RIVER_BROKER": broker,
        "RIVER_WEBHOOKS": json.dumps([webhook]),
        "RIVER_WEBHOOK_NETWORKS": "private",
        "RIVER_LEAVE_DELAY_S": "0",
        **more,
    }


class Counted:
    """Who is where, as a receiver counts that believes what it is sent."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.members: dict[str, set[str]] = {}
        self.occupied: set[str] = set()
        self.users: set[str] = set()
        for one in events:
            self._take(one)

    def _take(self, event: dict[str, Any]) -> None:
        channel, user = event.get("channel", ""), event.get("user", "")
        match event["type"]:
            case "reset":
                self._replace(event["state"])
            case "member_joined":
                self.members.setdefault(channel, set()).add(user)
            case "member_left":
                self.members.setdefault(channel, set()).discard(user)
            case "channel_occupied":
                self.occupied.add(channel)
            case "channel_vacated":
                self.occupied.discard(channel)
            case "user_connected":
                self.users.add(user)
            case "user_disconnected":
                self.users.discard(user)

    def _replace(self, state: dict[str, Any]) -> None:
        assert state["complete"]
        self.members = {one["channel"]: set(one.get("members", ())) for one in state["channels"]}
        self.occupied = {one["channel"] for one in state["channels"] if one["subscribers"]}
        self.users = set(state["users"])


def assert_in_order(events: list[dict[str, Any]]) -> None:
    """After the last reset nobody leaves who is not there, or comes who is."""
    last = max(number for number, one in enumerate(events) if one["type"] == "reset")
    said: dict[tuple[str, str], str] = {}
    for one in events[last + 1 :]:
        for left, joined in PAIRS.items():
            if one["type"] in (left, joined):
                key = (joined, f"{one.get('channel')} {one.get('user')}")
                assert said.get(key) != one["type"], f"{key}: {one['type']} twice"
                said[key] = one["type"]


class Crowd:
    """Users who come and go at gateways, each in some channels."""

    def __init__(self) -> None:
        self.dice = random.Random(7)  # noqa: S311  chance, not secrets
        self.here: dict[str, tuple[River, Client, list[str]]] = {}

    async def comes(self, gateway: River, user: str) -> None:
        client = await let_in(gateway.url)
        channels = self.dice.sample(CHANNELS, self.dice.randint(1, len(CHANNELS)))
        await enter(client, token(user), *channels)
        self.here[user] = (gateway, client, channels)

    async def goes(self, user: str) -> None:
        with suppress(OSError):
            await self.here.pop(user)[1].close()

    async def churns(self, gateways: list[River], turns: int) -> None:
        for _ in range(turns):
            user = f"user-{self.dice.randrange(8)}"
            if user in self.here:
                await self.goes(user)
            else:
                await self.comes(self.dice.choice(gateways), user)

    async def loses(self, gateway: River) -> None:
        for user in [user for user, (where, _, _) in self.here.items() if where is gateway]:
            await self.goes(user)

    def members(self) -> dict[str, set[str]]:
        return {
            channel: {user for user, (_, _, channels) in self.here.items() if channel in channels}
            for channel in CHANNELS
        }


def agrees(receiver: Receiver, crowd: Crowd) -> bool:
    counted = Counted(list(receiver.events))
    wanted = crowd.members()
    return (
        {name: counted.members.get(name, set()) for name in CHANNELS} == wanted
        and counted.occupied == {name for name, users in wanted.items() if users}
        and counted.users == {*crowd.here}
    )


async def test_a_receiver_agrees_with_the_world_whatever_fails(
    own_redis: RedisServer, start: Start, receiver: Receiver
) -> None:
    settings = settings_for(receiver, own_redis.url)
    apis = [start("api", settings=settings) for _ in range(2)]
    gateways = [start("gateway", settings={"RIVER_BROKER": own_redis.url}) for _ in range(2)]
    crowd = Crowd()
    await condition(lambda: "reset" in receiver.types)
    await crowd.churns(gateways, 6)
    receiver.status = 500
    await crowd.churns(gateways, 6)
    await condition(lambda: receiver.refused > 0)
    receiver.status = 200
    receiver.hangs.clear()
    await crowd.churns(gateways, 5)
    # The one that sends dies, in the middle of a request.
    sender = next(api for api in apis if sends(api))
    sender.signal(signal.SIGKILL)
    sender.kill()
    receiver.hangs.set()
    await crowd.churns(gateways, 5)
    receiver.status = 307
    gateways[0].signal(signal.SIGKILL)
    gateways[0].kill()
    await crowd.loses(gateways[0])
    await crowd.churns(gateways[1:], 5)
    receiver.status = 200
    await condition(lambda: agrees(receiver, crowd))
    assert_in_order(receiver.events)
    ids = [one["id"] for one in receiver.events]
    assert len(ids) == len(set(ids))
    # The first, and at most one more of each gateway that learnt of the webhook late.
    assert 1 <= receiver.types.count("reset") <= 1 + len(gateways)
    [left] = [api for api in apis if api is not sender]
    status, body = ask(f"{left.api_url}/webhooks", key=API_KEY)
    [state] = json.loads(body)["webhooks"]
    assert (status, state["webhook"], state["waiting"]) == (200, "all", 0)
    assert SECRET not in body
    for user in list(crowd.here):
        await crowd.goes(user)


def sends(api: River) -> bool:
    return any(line["event"] == "webhook_sender" for line in api.log())


async def test_after_the_broker_lost_its_data_a_reset_says_what_is_true(
    own_redis: RedisServer, start: Start, receiver: Receiver
) -> None:
    start("webhooks", settings=settings_for(receiver, own_redis.url))
    gateway = start("gateway", settings={"RIVER_BROKER": own_redis.url})
    crowd = Crowd()
    await crowd.comes(gateway, "ann")
    await condition(lambda: agrees(receiver, crowd))
    for lose in (flushed, killed):
        resets = receiver.types.count("reset")
        lose(own_redis)
        await condition(lambda resets=resets: receiver.types.count("reset") > resets)
        await crowd.comes(gateway, f"bob-{resets}")
        await condition(lambda: agrees(receiver, crowd))
    for user in list(crowd.here):
        await crowd.goes(user)
    await condition(lambda: agrees(receiver, crowd))


async def test_sender_says_how_it_is(
    own_redis: RedisServer, start: Start, receiver: Receiver
) -> None:
    sender = start("webhooks", settings=settings_for(receiver, own_redis.url))
    start("gateway", settings={"RIVER_BROKER": own_redis.url})
    assert ask(f"{sender.api_url}/healthz") == (200, "alive\n")
    await condition(lambda: delivered(sender) > 0)
    assert ask(f"{sender.api_url}/publish", {"channel": "c"})[0] == 405
    assert ask(f"{sender.api_url}/nodes", key=API_KEY)[0] == 404
    own_redis.kill()
    await condition(lambda: ask(f"{sender.api_url}/readyz") == (503, "the broker is away\n"))
    assert ask(f"{sender.api_url}/healthz")[0] == 200
    own_redis.start()
    await condition(lambda: ask(f"{sender.api_url}/readyz")[0] == 200)


def delivered(sender: River) -> float:
    _, text = ask(f"{sender.api_url}/metrics")
    [line] = [one for one in text.splitlines() if one.startswith("river_webhook_delivered_total{")]
    return float(line.split()[1])


def flushed(redis: RedisServer) -> None:
    with redis.client() as client:
        client.flushall()


def killed(redis: RedisServer) -> None:
    redis.kill()
    redis.start()


async def test_webhooks_work_in_a_cluster(start: Start, receiver: Receiver) -> None:
    with cluster() as servers:
        api = start("api", settings=settings_for(receiver, servers.url))
        gateway = start("gateway", settings={"RIVER_BROKER": servers.url})
        crowd = Crowd()
        await crowd.churns([gateway], 8)
        await condition(lambda: agrees(receiver, crowd))
        for user in list(crowd.here):
            await crowd.goes(user)
        await condition(lambda: agrees(receiver, crowd))
        assert_in_order(receiver.events)
        gateway.stop()
        api.stop()


async def test_river_dev_sends_webhooks(start: Start, receiver: Receiver) -> None:
    settings = settings_for(receiver, "memory://")
    del settings["RIVER_WEBHOOK_NETWORKS"]
    river = start("dev", settings=settings)
    async with member(river.url, token("ann"), "presence-1", "chat-1") as client:
        await client.send(type="publish", id=1, channel="chat-1", event="typed", data={"a": 1})
        await client.expect("published")
        publish(river, "chat-1")
        await condition(lambda: "client_event" in receiver.of("chat-1"))
    await condition(lambda: "channel_vacated" in receiver.of("presence-1"))
    [event] = [one for one in receiver.events if one["type"] == "client_event"]
    assert (event["event"], event["data"], event["user"]) == ("typed", {"a": 1}, "ann")
    await asyncio.to_thread(river.stop)
