"""What webhooks could not deliver: as much as is kept, and sent again."""

import asyncio
import json
import time

import pytest
from brokers import NewBroker, RedisBrokers
from redis_server import RedisServer
from webhook_nodes import ALL, node_of, waiting

from riverd.auth.webhooks import endpoints_of, parse_webhooks
from riverd.broker.redis import webhook_queues
from riverd.broker.webhooks import READ_MAX
from riverd.model.log import Message
from riverd.model.webhook_events import WebhookKind
from riverd.webhooks.forms import WebhookRequest
from riverd.webhooks.posting import PostOutcome
from riverd.webhooks.sender import WINDOW_MAX, Sender, SenderSurroundings, WebhookTally

MANY = 10_000
LANES = 20
REPLAY_S_MAX = 30.0


async def test_ten_thousand_are_replayed_once_each_and_in_order(new_broker: NewBroker) -> None:
    node = await node_of(new_broker)
    queues = node.webhook_queues
    for start in range(0, MANY, READ_MAX):
        said = [Message(f"c-{n % LANES}", "e", b"%d" % n) for n in range(start, start + READ_MAX)]
        await asyncio.gather(*[node.webhooks.publish(one, "s") for one in said])
        while events := await waiting(node):
            await queues.bury("w1", events, error="status 500")
    assert (await queues.state("w1")).dead == MANY
    got: list[tuple[str, str, int]] = []
    held = 0

    async def post(_url: str, request: WebhookRequest) -> PostOutcome:
        nonlocal held
        held = max(held, sender._outbox.size)
        events = json.loads(request.body)["events"]
        got.extend((one["id"], one["channel"], one["data"]) for one in events)
        return PostOutcome()

    webhook = {"url": "https://a.example/", "events": list(WebhookKind), "secret": "s" * 40}
    [endpoint] = endpoints_of(
        parse_webhooks("RIVER_WEBHOOKS", json.dumps([webhook | {"name": "w1"}]))
    )
    assert endpoint.id == ALL.webhook
    surroundings = SenderSurroundings(
        WebhookTally(), lambda: 0.0, time.time, lambda *_: None, lambda _: None
    )
    sender = Sender(endpoint, queues, post=post, surroundings=surroundings)
    async with asyncio.timeout(REPLAY_S_MAX):
        assert await queues.replay("w1", None, limit=MANY) == MANY
        while len(got) < MANY:
            await sender.turn()
    assert len({one for one, _, _ in got}) == MANY
    for lane in range(LANES):
        numbers = [data for _, channel, data in got if channel == f"c-{lane}"]
        assert numbers == list(range(lane, MANY, LANES))
    assert held <= WINDOW_MAX + READ_MAX * LANES
    state = await queues.state("w1")
    assert (state.waiting, state.waiting_bytes, state.dead) == (0, 0, 0)


async def test_bytes_of_the_dead_are_those_that_are_kept(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_queues, "DEAD_MAX", 3)
    brokers = RedisBrokers(server.url)
    try:
        node = await node_of(brokers)
        for number in range(8):
            await node.webhooks.publish(Message("c", "e", b"%d" % number), "s")
            await node.webhook_queues.bury("w1", await waiting(node), error="status 500")
        dead = await node.webhook_queues.dead("w1", 10)
        assert [one.event.data for one in dead] == [b"5", b"6", b"7"]
        with server.client() as client:
            [name] = client.keys("*:webhooks")
            assert int(client.hget(name, "+w1")) == sum(one.event.size for one in dead)
    finally:
        await brokers.close()
