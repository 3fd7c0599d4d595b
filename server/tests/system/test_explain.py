"""Why a user did not get an event: reasons that were planted, and what `river explain` says.

Ten of them over each of the three protocols, between processes.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from mute_proxy import mute_proxy
from redis_server import RedisServer, running
from river_client import condition, enter, member, opened, token
from river_process import API_KEY, Start, address, ask, publish, run
from stream_client import path_of, requested
from subscribers import KINDS, PUSHER_SETTINGS, WRONG, pusher, subscriber

BLOCKING = "x" * 60_000
ASKED_MAX = 20


class Deployment:
    """Two gateways, an API and a Redis. The first pings its clients often."""

    def __init__(self, start: Start, redis: RedisServer) -> None:
        assert redis.password is not None
        self.broker = {
            "RIVER_BROKER": redis.url,
            "RIVER_BROKER_PASSWORD": redis.password,
            **PUSHER_SETTINGS,
        }
        often = {"RIVER_PING_INTERVAL_S": "1.5", "RIVER_NODE_NAME": "often"}
        self.often = start("gateway", settings={**self.broker, **often})
        calm = {"RIVER_NODE_NAME": "calm", "RIVER_HISTORY_SIZE": "3"}
        self.calm = start("gateway", settings={**self.broker, **calm})
        self.api = start("api", settings=self.broker)

    def explain(self, user: str, channel: str, offset: int, **more: str) -> Any:
        """What is said of a user; with `session` of that, and the user is "-".

        Nodes that are busy may answer too late: all are asked again then.
        """
        query = urlencode({"user": user, "channel": channel, **more})
        path = f"/channels/-/publications/{offset}/users/-"
        found: Any = None
        for _ in range(ASKED_MAX):
            status, text = ask(f"{self.api.api_url}{path}?{query}", key=API_KEY)
            assert status == 200, text
            found = json.loads(text)
            if not found["unanswered"]:
                break
        return found

    async def becomes(self, reason: str, user: str, channel: str, offset: int) -> Any:
        """The explanation, once it has this reason."""
        found: list[Any] = [None]

        def holds() -> bool:
            found[0] = self.explain(user, channel, offset)
            return bool(found[0]["reason"] == reason)

        try:
            await condition(holds)
        except TimeoutError:
            raise AssertionError(found[0]) from None
        return found[0]

    def session_of(self, user: str, channel: str, offset: int) -> Any:
        """The first connection that an explanation is about."""
        return self.explain(user, channel, offset)["subscriptions"][0]["session"]

    def publish(self, channel: str, **fields: object) -> int:
        body = {"channel": channel, "event": "post", "data": 1, **fields}
        _, text = ask(f"{self.api.api_url}/publish", body, key=API_KEY)
        return int(json.loads(text)["offset"])


@pytest.fixture(scope="module")
def lone_redis() -> Iterator[RedisServer]:
    """Of these tests alone: a gateway that another test has ended may have known of a user."""
    with running(requirepass="of explain alone") as server:
        yield server


@pytest.fixture(scope="module")
def river(lone_redis: RedisServer, start_shared: Start) -> Deployment:
    return Deployment(start_shared, lone_redis)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return one of the protocols."""
    return str(request.param)


# The ten.


async def test_user_without_a_grant_is_named(river: Deployment, kind: str) -> None:
    channel, user = f"private-grant-{kind}", f"bob-{kind}"
    proof = token(user, river={"subscribe": ["why-*"]})
    if kind == "native":
        async with member(river.calm.url, proof) as bob:
            await bob.send(type="subscribe", id=1, channel=channel)
            await bob.until("error")
    elif kind == "pusher":
        bob = await pusher(river.calm.url, user=user)
        await bob.subscribe(channel, auth=WRONG)
        await bob.close()
    else:
        path = path_of("why-open", channel)
        status, _ = ask(f"{river.calm.url}{path}", token=proof)
        assert status == 403
        opened = river.explain(user, "why-open", river.publish("why-open"))
        assert opened["reason"] == "not_connected"
    found = await river.becomes("no_grant", user, channel, river.publish(channel))
    assert "forbidden" in found["sentence"]


async def test_wrong_name_is_found_from_both_sides(river: Deployment, kind: str) -> None:
    dog, user = f"private-dog-{kind}", f"cat-{kind}"
    cat = await subscriber(kind, river.calm.url, user=user, channel=f"{dog}s")
    offset = river.publish(dog)
    published, waited_for = (river.explain(user, name, offset) for name in (dog, f"{dog}s"))
    await cat.close()
    assert published["reason"] == "not_subscribed"
    assert f"{dog}s" in published["sentence"]
    assert waited_for["reason"] == "not_published"
    assert f"Similar channels: {dog}s" not in waited_for["sentence"]


async def test_who_subscribed_later_is_named(river: Deployment, kind: str) -> None:
    channel, user = f"private-later-{kind}", f"dan-{kind}"
    offset = river.publish(channel)
    dan = await subscriber(kind, river.calm.url, user=user, channel=channel)
    found = river.explain(user, channel, offset)
    await dan.close()
    assert found["reason"] == "subscribed_later"
    assert f"stood at {offset} by then" in found["sentence"]


async def test_connection_that_was_gone_is_named(river: Deployment, kind: str) -> None:
    channel, user = f"private-gone-{kind}", f"eve-{kind}"
    eve = await subscriber(kind, river.calm.url, user=user, channel=channel)
    first = river.publish(channel)
    await eve.event()
    await river.becomes("written", user, channel, first)
    await eve.close()
    await condition(lambda: river.session_of(user, channel, first).get("ended_at", 0) > 0)
    found = river.explain(user, channel, river.publish(channel))
    assert found["reason"] == "ended_before"
    why = "the stream ended" if kind == "stream" else "without a close frame"
    assert why in found["sentence"]
    assert f"up to {first}" in found["sentence"]


async def test_blocked_socket_and_the_gap_that_follows_are_named(
    river: Deployment, kind: str
) -> None:
    channel, user = f"private-slow-{kind}", f"hal-{kind}"
    hal = await subscriber(kind, river.calm.url, user=user, channel=channel, receive_bytes=4_096)
    offset = 0

    def is_blocked() -> bool:
        nonlocal offset
        offset = river.publish(channel, data=BLOCKING)
        return bool(river.explain(user, channel, offset)["reason"] == "blocked")

    await condition(is_blocked)
    found = river.explain(user, channel, offset)
    assert "takes no more since" in found["sentence"]
    # Its gateway keeps three: what comes before them is lost to it.
    for _ in range(5):
        river.publish(channel)
    await hal.gap()
    gap = await river.becomes("gap", user, channel, offset)
    await hal.close()
    assert "was sent a gap" in gap["sentence"]


async def test_killed_gateway_makes_it_unknown(
    river: Deployment, start: Start, kind: str, tmp_path: Path
) -> None:
    channel, user = f"private-killed-{kind}", f"jon-{kind}"
    doomed = start("gateway", settings={**river.broker, "RIVER_NODE_NAME": f"doomed-{kind}"})
    jon = await subscriber(kind, doomed.url, user=user, channel=channel)
    offset = river.publish(channel)
    await river.becomes("written", user, channel, offset)
    doomed.kill()
    await jon.close()
    # It came back without a position: what it had before only the dead one knew.
    jon = await subscriber(kind, river.calm.url, user=user, channel=channel)
    found = await river.becomes("unknown", user, channel, offset)
    assert f"doomed-{kind}" in found["sentence"]
    settings = {"RIVER_API_KEY": API_KEY, "RIVER_API_URL": river.api.api_url}
    which = ["--user", user, "--channel", channel, "--offset", str(offset)]
    code, out, _ = await asyncio.to_thread(
        lambda: run("explain", *which, settings=settings, folder=tmp_path)
    )
    await jon.close()
    assert code == 0
    assert out.startswith("Unknown: ")
    assert f"doomed-{kind}" in out.splitlines()[0]
    assert "session" in out


async def test_excluded_session_is_named(river: Deployment, kind: str) -> None:
    channel, user = f"private-left-out-{kind}", f"gil-{kind}"
    gil = await subscriber(kind, river.calm.url, user=user, channel=channel)
    offset = river.publish(channel, exclude=gil.session)
    found = await river.becomes("excluded", user, channel, offset)
    await gil.close()
    assert gil.session in found["sentence"]


async def test_right_that_ended_is_named(river: Deployment, kind: str) -> None:
    channel, user = f"private-expired-{kind}", f"flo-{kind}"
    # Of a Pusher client nothing expires: its back end ends it.
    ends_at = int(time.time()) + (3600 if kind == "pusher" else 1 - 4)
    flo = await subscriber(kind, river.calm.url, user=user, channel=channel, exp=ends_at)
    if kind == "pusher":
        ask(f"{river.api.api_url}/users/{user}/disconnect", {}, key=API_KEY)
    await flo.ends()
    await flo.close()
    found = await river.becomes("ended_before", user, channel, river.publish(channel))
    why = "disconnected by the back end" if kind == "pusher" else "the token has expired"
    assert why in found["sentence"]


async def test_proxy_that_swallows_shows_in_what_is_not_proven(
    river: Deployment, kind: str
) -> None:
    channel, user = f"private-swallowed-{kind}", f"ida-{kind}"
    with mute_proxy(address(river.often.url)[1]) as proxy:
        ida = await subscriber(kind, f"http://127.0.0.1:{proxy.port}", user=user, channel=channel)
        proxy.forget()
        offset = river.publish(channel)
        found = await river.becomes("written", user, channel, offset)
        assert "Written is not received" in found["sentence"]
        if kind == "stream":
            # It has no pings: nothing there ever proves anything.
            assert "nothing has proven since" in found["sentence"]
        else:
            await condition(
                lambda: "no sign of life" in river.explain(user, channel, offset)["sentence"]
            )
        await ida.close()


# And what proves that it arrived.


@pytest.mark.parametrize("kind", ["native", "pusher"], indirect=True)
async def test_pong_proves_that_it_arrived(river: Deployment, kind: str) -> None:
    channel, user = f"private-proof-{kind}", f"ann-{kind}"
    ann = await subscriber(kind, river.often.url, user=user, channel=channel)
    offset = river.publish(channel)
    await ann.event()
    reading = asyncio.create_task(ann.ends())
    found = await river.becomes("confirmed", user, channel, offset)
    reading.cancel()
    await ann.close()
    assert "a pong to a ping that was sent after it" in found["sentence"]
    [one] = found["subscriptions"]
    assert one["node"] == "often"
    assert one["subscription"]["confirmed"] >= offset
    assert one["session"]["protocol"] == kind


async def test_stream_that_goes_on_behind_it_had_it(river: Deployment) -> None:
    headers = {"authorization": f"Bearer {token('lea')}"}
    async with requested(river.calm.url, path_of("why-read"), headers=headers) as stream:
        await stream.message("subscribed")
        offset = river.publish("why-read")
        await stream.message("event")
        headers["last-event-id"] = stream.last_id
    async with requested(river.often.url, path_of("why-read"), headers=headers) as stream:
        await stream.message("subscribed")
        found = await river.becomes("had", "lea", "why-read", offset)
    assert "with position" in found["sentence"]


# Who has no user.


async def test_connection_without_a_user_is_asked_about_by_its_session(
    river: Deployment, tmp_path: Path
) -> None:
    channel = "private-nobody"
    nobody = await pusher(river.calm.url)
    await nobody.subscribe(channel, auth=WRONG)
    refused = river.publish(channel)
    found = river.explain("-", channel, refused, session=nobody.session)
    assert found["reason"] == "no_grant"
    assert found["user"] == ""
    await nobody.subscribe(channel)
    offset = river.publish(channel)
    await nobody.event()
    assert river.explain("-", channel, offset, session=nobody.session)["reason"] == "written"
    later = river.explain("-", channel, refused, session=nobody.session)
    assert later["reason"] == "subscribed_later"
    await nobody.close()
    last = river.publish(channel)
    settings = {"RIVER_API_KEY": API_KEY, "RIVER_API_URL": river.api.api_url}
    which = ["--session", nobody.session, "--channel", channel, "--offset", str(last)]

    def says() -> bool:
        code, out, _ = run("explain", *which, settings=settings, folder=tmp_path)
        return code == 0 and "The subscription of the client on session" in out

    await condition(says)
    which[-1] = str(last + 1)
    for more in ((), ("--json",)):
        code, out, _ = run("explain", *which, *more, settings=settings, folder=tmp_path)
        assert code == 1
        assert f"has no publication {last + 1}" in out
    code, _, complaint = run("explain", *which, "--user", "ann", folder=tmp_path)
    assert code == 2
    assert "one of them" in complaint
    unknown = river.explain("-", channel, last, session="1.1")
    assert unknown["reason"] in ("not_connected", "unknown")


async def test_member_that_was_refused_is_found_by_the_name_that_it_gave(
    river: Deployment,
) -> None:
    channel, data = "presence-why", json.dumps({"user_id": "mia"})
    mia = await pusher(river.calm.url)
    await mia.subscribe(channel, auth=WRONG, channel_data=data)
    offset = river.publish(channel)
    found = river.explain("mia", channel, offset)
    assert found["reason"] == "no_grant"
    assert "said it was mia, and did not prove it" in found["sentence"]
    assert river.explain("may", channel, offset)["reason"] in ("not_connected", "unknown")
    await mia.subscribe(channel, channel_data=data)
    offset = river.publish(channel)
    await mia.event()
    await river.becomes("written", "mia", channel, offset)
    await mia.close()
    ended = await river.becomes("ended_before", "mia", channel, river.publish(channel))
    [one] = [each for each in ended["subscriptions"] if "subscription" in each]
    assert one["session"]["protocol"] == "pusher"


async def test_client_that_comes_back_behind_it_had_it(river: Deployment) -> None:
    async with member(river.calm.url, token("kim"), "why-resumed") as kim:
        offset = river.publish("why-resumed")
        await kim.until("event")
    client = await opened(river.often.url)
    try:
        await enter(client, token("kim"))
        _, text = ask(f"{river.api.api_url}/channels/why-resumed", key=API_KEY)
        position = {name: json.loads(text)[name] for name in ("epoch", "offset")}
        await client.send(type="subscribe", id=1, channel="why-resumed", **position)
        assert (await client.until("subscribed"))["recovered"] is True
        found = await river.becomes("had", "kim", "why-resumed", offset)
    finally:
        await client.close()
    assert "with position" in found["sentence"]


def test_what_cannot_be_asked_is_refused(river: Deployment) -> None:
    for path, status in (
        ("/channels/why/publications/x/users/ann", 400),
        ("/channels/why/publications/1/users/ann?app=7", 404),
        ("/channels/wh%23y/publications/1/users/ann", 400),
        ("/channels/why/publications/1/users/ann?session=1.1", 400),
        (f"/channels/why/publications/1/users/-?session={'1' * 65}", 400),
    ):
        assert ask(f"{river.api.api_url}{path}", key=API_KEY)[0] == status
    assert ask(f"{river.api.api_url}/channels/why/publications/1/users/ann")[0] == 401
    publish(river.api, "why-none", 1)
    nobody = river.explain("nobody", "why-none", 1)
    assert nobody["reason"] in ("not_connected", "unknown")
    never = river.explain("nobody", "why-none", 2)
    assert never["reason"] == "not_published"
    assert not any("no longer has it" in note for note in never["notes"])
