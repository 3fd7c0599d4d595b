"""Webhooks from the broker's queues to a receiver, over real HTTP."""

import asyncio
import hmac
import json
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path

import pytest
from doctor_certificates import Certificates
from river_feed import Notes, until
from webhook_receiver import Receiver, receiving

from riverd.auth.webhooks import PRIVATE_NETWORKS, WebhookEndpoint, endpoints_of, parse_webhooks
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.broker.memory.webhooks import WebhookStore
from riverd.broker.webhooks import SENDER_S
from riverd.channels.rules import ChannelRules
from riverd.http.proxies import Network
from riverd.model.log import Member, Message
from riverd.model.webhook_events import WebhookKind
from riverd.webhooks import posting
from riverd.webhooks.dispatcher import Dispatcher, chosen
from riverd.webhooks.forms import WebhookRequest
from riverd.webhooks.posting import Poster
from riverd.webhooks.sender import SenderSurroundings, WebhookTally

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


class World:
    """A broker in memory whose wall clock a test sets forward, and a process that sends."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        store = WebhookStore(new_id=lambda: "n", wall=self.wall)
        rules = ChannelRules(history_size=10, history_ttl_s=60)
        self.board = Switchboard(Store(rules, new_epoch=lambda: "e"), store)
        self.node = MemoryBroker(self.board, time.monotonic)
        self.tally = WebhookTally()
        self.failures: list[BaseException] = []

    def wall(self) -> float:
        return time.time() + self.ahead_s

    def dispatcher(self, endpoint: WebhookEndpoint, poster: Poster) -> Dispatcher:
        nothing = SenderSurroundings(
            self.tally, lambda: 0.0, self.wall, lambda *_: None, lambda _: None
        )
        return Dispatcher(
            self.node.webhook_queues,
            "one",
            endpoints=lambda: [endpoint],
            post=poster.post,
            surroundings=nothing,
            failed=self.failures.append,
        )

    @asynccontextmanager
    async def sending(
        self, endpoint: WebhookEndpoint, *, allowed: tuple[Network, ...] = PRIVATE_NETWORKS
    ) -> AsyncIterator[Dispatcher]:
        poster = Poster(allowed)
        dispatcher = self.dispatcher(endpoint, poster)
        running = asyncio.create_task(dispatcher.run())
        try:
            await until(lambda: bool(self.node.webhooks.interests.all))
            yield dispatcher
        finally:
            await dispatcher.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await poster.close()
            assert self.failures == []


@pytest.fixture
async def world() -> World:
    made = World()
    await made.node.attach(Notes())
    return made


def endpoint_at(url: str, *, secret: str = SECRET) -> WebhookEndpoint:
    webhook = {"url": url, "events": list(WebhookKind), "secret": secret, "name": "w1"}
    return endpoints_of(parse_webhooks("RIVER_WEBHOOKS", json.dumps([webhook])))[0]


async def test_a_receiver_is_sent_what_happens_signed_and_in_order(
    world: World, receiver: Receiver
) -> None:
    async with world.sending(endpoint_at(receiver.url)):
        await world.node.report({"presence-1": 1})
        await world.node.join("presence-1", Member("ann", b'{"a":1}'))
        await world.node.webhooks.publish(
            Message("presence-1", "typed", b'{"x":"y"}', user="ann"), "s1"
        )
        await world.node.webhooks.count({"#user:ann": 1})
        await until(lambda: len(receiver.events) == 6)
    reset, *others = receiver.events
    assert reset["type"] == "reset"
    assert reset["state"] == {"channels": [], "users": [], "complete": True}
    by_channel = [one for one in others if one.get("channel") == "presence-1"]
    assert [one["type"] for one in by_channel] == [
        "channel_occupied",
        "subscription_count",
        "member_joined",
        "client_event",
    ]
    assert by_channel[1]["subscribers"] == 1
    assert (by_channel[2]["user"], by_channel[2]["info"]) == ("ann", {"a": 1})
    said = {name: by_channel[3][name] for name in ("event", "data", "session", "user")}
    assert said == {"event": "typed", "data": {"x": "y"}, "session": "s1", "user": "ann"}
    assert [one["user"] for one in others if one["type"] == "user_connected"] == ["ann"]
    for headers, body in receiver.requests:
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        made = "v1," + b64encode(hmac.digest(SECRET.encode(), text, sha256)).decode()
        assert headers["webhook-signature"] == made
        assert headers["content-type"] == "application/json"


async def test_what_is_true_at_a_reset_is_said_with_it(world: World, receiver: Receiver) -> None:
    receiver.status = 500
    async with world.sending(endpoint_at(receiver.url)):
        await world.node.report({"presence-1": 2})
        await world.node.join("presence-1", Member("ann"))
        await world.node.webhooks.count({"#user:ann": 1})
        await until(lambda: receiver.refused > 0)
        receiver.status = 200
        await until(lambda: "reset" in receiver.types)
    assert receiver.events[0]["state"] == {
        "channels": [{"channel": "presence-1", "subscribers": 2, "members": ["ann"]}],
        "users": ["ann"],
        "complete": True,
    }


async def test_a_reset_takes_nobody_for_gone_who_may_still_come_back(
    world: World, receiver: Receiver
) -> None:
    receiver.status = 500
    async with world.sending(endpoint_at(receiver.url)):
        await world.node.join("presence-1", Member("ann"))
        await until(lambda: receiver.refused > 0)
        await world.node.leave("presence-1", "ann")
        receiver.status = 200
        await until(lambda: "reset" in receiver.types)
        # The return cancels the leave: neither is sent, and the reset stands.
        await world.node.join("presence-1", Member("ann"))
        world.ahead_s = 3.0
        await world.node.webhooks.publish(Message("presence-1", "said", b"1"), "s1")
        await until(lambda: "client_event" in receiver.types)
    [reset] = [one for one in receiver.events if one["type"] == "reset"]
    assert [one["members"] for one in reset["state"]["channels"]] == [["ann"]]
    assert "member_left" not in receiver.types


async def test_a_leave_is_sent_after_three_seconds_unless_there_was_a_return(
    world: World, receiver: Receiver
) -> None:
    async with world.sending(endpoint_at(receiver.url)):
        for channel in ("gone", "back"):
            await world.node.report({channel: 1})
            await world.node.report({channel: 0})
        await world.node.report({"back": 1})
        world.ahead_s = 3.0
        await until(lambda: "channel_vacated" in receiver.of("gone"))
    assert "channel_vacated" not in receiver.of("back")
    assert receiver.of("back").count("channel_occupied") == 1


async def test_what_is_refused_is_sent_again_until_it_is_taken(
    world: World, receiver: Receiver
) -> None:
    receiver.status = 500
    async with world.sending(endpoint_at(receiver.url)):
        await world.node.report({"chat-1": 1})
        await until(lambda: receiver.refused > 0)
        receiver.status = 302
        await until(lambda: world.tally.failures.get("w1", 0) > 1)
        notes = await world.node.webhook_queues.notes()
        assert b"500" in notes["w1"] or b"302" in notes["w1"]
        receiver.status = 200
        await until(lambda: receiver.of("chat-1") == ["channel_occupied", "subscription_count"])
    assert all("elsewhere" not in headers.get("path", "") for headers, _ in receiver.requests)


async def test_what_fails_for_a_day_is_kept_and_can_be_replayed(
    world: World, receiver: Receiver
) -> None:
    queues = world.node.webhook_queues
    receiver.status = 500
    async with world.sending(endpoint_at(receiver.url)):
        await world.node.webhooks.publish(Message("chat-1", "said", b"1"), "s1")
        await until(lambda: receiver.refused > 0)
        world.ahead_s = 86_401.0
        buried = world.board.webhooks.queue("w1").dead
        await until(lambda: any(one.event.kind == "client_event" for one in buried.values()))
        receiver.status = 200
        dead = [one for one in await queues.dead("w1", 10) if one.event.kind == "client_event"]
        assert [one.error for one in dead] == ["status 500"]
        assert await queues.replay("w1", [dead[0].event.id], limit=10) == 1
        await until(lambda: receiver.of("chat-1") == ["client_event"])
    assert receiver.events[-1]["id"] == dead[0].event.id


@pytest.mark.parametrize(
    ("url", "allowed", "says"),
    [
        ("http://localhost:1/", (), "RIVER_WEBHOOK_NETWORKS"),
        ("https://localhost:1/", (ip_network("10.0.0.0/8"),), "not a public address"),
        ("http://169.254.169.254/", PRIVATE_NETWORKS, "RIVER_WEBHOOK_NETWORKS"),
        ("https://[fd00:ec2::254]/", PRIVATE_NETWORKS, "not a public address"),
        ("https://[::ffff:127.0.0.1]:1/", (), "not a public address"),
        ("https://no-such-host.invalid/", (), "cannot be resolved"),
        ("http://1.1.1.1/", PRIVATE_NETWORKS, "in clear"),
        ("http://localhost:1/", PRIVATE_NETWORKS, ""),
    ],
)
async def test_only_addresses_that_may_be_called_are_called(
    url: str, allowed: tuple[Network, ...], says: str
) -> None:
    poster = Poster(allowed)
    outcome = await poster.post(url, WebhookRequest({}, b"{}"))
    await poster.close()
    assert outcome.error is not None
    assert says in outcome.error


async def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # First what may not be called beside what may, then another answer: as rebinding does it.
    answers = [["169.254.169.254", "10.0.0.1", "127.0.0.1"], ["10.0.0.1"]]

    async def resolve(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (address, port)) for address in answers.pop(0)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    poster = Poster((ip_network("127.0.0.0/8"),))
    url = receiver.url.replace("127.0.0.1", "rebinding.test")
    first = await poster.post(url, WebhookRequest({}, b'{"events":[]}'))
    assert (first.error, len(receiver.requests), len(answers)) == (None, 1, 1)
    other = url.replace("rebinding", "another")
    second = await poster.post(other, WebhookRequest({}, b'{"events":[]}'))
    assert "10.0.0.1" in (second.error or "")
    assert len(receiver.requests) == 1
    await poster.close()


async def test_a_receiver_that_speaks_no_tls_is_not_spoken_to(receiver: Receiver) -> None:
    poster = Poster(PRIVATE_NETWORKS)
    outcome = await poster.post(receiver.url.replace("http:", "https:"), WebhookRequest({}, b"{}"))
    await poster.close()
    assert outcome.error is not None
    assert receiver.requests == []


@pytest.mark.parametrize("fault", ["unknown authority", "expired", "another host", "old", "silent"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_receiver_that_speaks_tls_badly_gets_nothing_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    authority = Certificates(tmp_path)
    days = {"expired": {"first_day": -9, "last_day": -1}}.get(fault, {})
    name = "other.example" if fault == "another host" else "localhost"
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(authority.file(name, **days))
    if fault == "old":
        served.minimum_version = served.maximum_version = ssl.TLSVersion.TLSv1_1
        served.set_ciphers("ALL:@SECLEVEL=0")
    if fault != "unknown authority":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.authority))
    monkeypatch.setattr(posting, "CONNECT_S_MAX", 1.0)
    monkeypatch.setattr(posting, "_TIMEOUTS", {**posting._TIMEOUTS, "connect": 1.0})
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if fault != "silent":
            got.append(await reader.read(1))
        await reader.read(-1)
        writer.close()

    tls = None if fault == "silent" else served
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    poster = Poster(PRIVATE_NETWORKS)
    outcome = await poster.post(f"https://localhost:{port}/", WebhookRequest({}, b"{}"))
    await poster.close()
    server.close()
    assert outcome.error
    assert "\n" not in outcome.error
    assert len(outcome.error) <= 200
    assert [one for one in got if one] == []


async def test_nothing_is_lost_where_a_receiver_is_down_for_most_of_a_day(
    world: World, receiver: Receiver
) -> None:
    lanes = ("chat-1", "chat-2", "chat-3")
    receiver.status = 503
    async with world.sending(endpoint_at(receiver.url)):
        for hour in range(23):
            for lane in lanes:
                await world.node.webhooks.publish(Message(lane, "said", b"%d" % hour), "s1")
            refused = receiver.refused
            await until(lambda refused=refused: receiver.refused > refused)
            world.ahead_s += 3_600.0
        receiver.status = 200
        await until(lambda: receiver.types.count("client_event") == 23 * len(lanes))
    for lane in lanes:
        said = [one["data"] for one in receiver.events if one.get("channel") == lane]
        assert said == list(range(23))
    assert world.tally.buried == {}


@pytest.mark.parametrize("is_answered", [True, False])
async def test_a_webhook_is_left_once_its_last_request_was_answered_or_its_lease_is_over(
    world: World, receiver: Receiver, *, is_answered: bool
) -> None:
    endpoint, poster = endpoint_at(receiver.url), Poster(PRIVATE_NETWORKS)
    dispatcher, queues = world.dispatcher(endpoint, poster), world.node.webhook_queues
    receiver.hangs.clear()
    await dispatcher.turn()
    sender = dispatcher._running[endpoint.id].sender
    await until(lambda: not sender.is_answered)
    closing = asyncio.create_task(dispatcher.close())
    if is_answered:
        await asyncio.sleep(0)
        receiver.hangs.set()
    await closing
    # What is on its way may arrive still: what another process sends would overtake it.
    assert await queues.lease(endpoint.id, "two") is is_answered
    world.ahead_s = SENDER_S
    assert await queues.lease(endpoint.id, "two")
    receiver.hangs.set()
    await poster.close()


def test_each_webhook_falls_to_one_of_the_senders_and_few_move_when_one_goes() -> None:
    webhooks = [f"w{number}" for number in range(100)]
    before = {one: chosen(one, ["a", "b", "c"]) for one in webhooks}
    after = {one: chosen(one, ["a", "b"]) for one in webhooks}
    assert {*before.values()} == {"a", "b", "c"}
    assert all(after[one] == where for one, where in before.items() if where != "c")
    assert chosen("w", []) is None


async def test_a_leave_waits_as_long_where_the_brokers_clock_was_set_back(
    world: World, receiver: Receiver
) -> None:
    def told() -> list[str]:
        return [one["type"] for one in receiver.events if one["type"].startswith("member")]

    async with world.sending(endpoint_at(receiver.url)):
        for user in ("ann", "bob"):
            await world.node.join("presence-1", Member(user))
        await until(lambda: len(told()) == 2)
        await world.node.leave("presence-1", "ann")
        world.ahead_s = -300.0
        await until(lambda: told()[2:] == ["member_left"])
        # What is written from now on waits too: a page that only reloads has not left.
        await world.node.leave("presence-1", "bob")
        await asyncio.sleep(1.0)
        await world.node.join("presence-1", Member("bob"))
        await world.node.join("presence-1", Member("cleo"))
        await until(lambda: len(told()) == 4)
    assert told() == ["member_joined", "member_joined", "member_left", "member_joined"]


async def test_a_leave_is_sent_by_who_came_after_the_brokers_clock_was_set_back(
    world: World, receiver: Receiver
) -> None:
    async with world.sending(endpoint_at(receiver.url)):
        await world.node.join("presence-1", Member("ann"))
        await until(lambda: any(one["type"] == "member_joined" for one in receiver.events))
        await world.node.leave("presence-1", "ann")
    world.ahead_s = -300.0
    async with world.sending(endpoint_at(receiver.url)):
        await until(lambda: any(one["type"] == "member_left" for one in receiver.events))
