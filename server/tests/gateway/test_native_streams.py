"""Streams in the shape of River's own protocol: what client libraries fall back to."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from stream_client import EventReader, path_of, requested
from stream_site import WITH_USERS, Site, bearer

from riverd.channels.names import user_channel
from riverd.errors import ErrorCode, TokenError
from riverd.model.log import Message

JSON = Mapping[str, Any]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Return a gateway that serves streams."""
    site = Site(("*",), query_token=False)
    await site.start()
    yield site
    await site.close()


async def read(stream: EventReader, count: int) -> list[dict[str, Any]]:
    """The next messages, each with the id that came with it, if one did."""
    found: list[dict[str, Any]] = []
    for _ in range(count):
        event = await stream.next()
        assert event is not None
        found.append({**json.loads(event["data"]), "cursor": event.get("id")})
    return found


async def polled(site: Site, path: str, cursor: str = "") -> JSON:
    headers = {**bearer(), **({"last-event-id": cursor} if cursor else {})}
    async with requested(site.url, path, headers=headers) as answer:
        body: JSON = await answer.body()
        return body


async def test_a_stream_begins_like_a_websocket(site: Site) -> None:
    path = path_of("dogs", "private-x", "cats", shape="native")
    headers = bearer(river={"subscribe": ["dogs", "cats"]})
    async with requested(site.url, path, headers=headers) as stream:
        messages = await read(stream, 5)
    by_type: dict[str, dict[str, Any]] = {one["type"]: one for one in messages}
    assert [one["type"] for one in messages[:2]] == ["welcome", "authenticated"]
    assert by_type["authenticated"]["user"] == "ada"
    assert {one["channel"]: one["id"] for one in messages if one["type"] == "subscribed"} == {
        "dogs": 0,
        "cats": 2,
    }
    assert (by_type["error"]["id"], by_type["error"]["code"]) == (1, "forbidden")


async def test_a_client_connects_before_it_has_subscribed_to_anything(site: Site) -> None:
    headers = {**bearer(), "last-event-id": "."}
    async with requested(site.url, path_of(shape="native"), headers=headers) as stream:
        await stream.message("authenticated")
    async with requested(site.url, path_of(), headers=bearer()) as answer:
        assert answer.status == 400


async def test_a_client_writes_positions_of_its_own_into_a_cursor(site: Site) -> None:
    for number in range(3):
        await site.publish("dogs", number)
    path = path_of("cats", "dogs", shape="native")
    for cursor, told in ((".-,epoch:1", [1, 2]), (".-,-2", [1, 2]), (".-", [])):
        headers = {**bearer(), "last-event-id": cursor}
        async with requested(site.url, path, headers=headers) as stream:
            messages = await read(stream, 4 + len(told))
        assert [one["data"] for one in messages if one["type"] == "event"] == told
        [dogs] = [one for one in messages if one.get("channel") == "dogs" and "id" in one]
        assert dogs["recovered"] is (cursor == ".-,epoch:1")


async def test_a_lost_position_is_said_once(site: Site) -> None:
    headers = {**bearer(), "last-event-id": ".other:1"}
    async with requested(site.url, path_of("dogs", shape="native"), headers=headers) as stream:
        assert (await stream.message("subscribed"))["reason"] == "epoch"
        await site.publish("dogs", 1)
        assert [one["type"] for one in await read(stream, 1)] == ["event"]


async def test_an_excluded_session_is_known_by_its_cursor(site: Site) -> None:
    path = path_of("dogs", shape="native")
    async with requested(site.url, path, headers=bearer()) as stream:
        session = (await stream.message("welcome"))["session"]
        await stream.message("subscribed")
        cursor = stream.last_id
        await site.broker.publish(Message("dogs", "e", b'"mine"', exclude=session))
        await site.publish("dogs", "theirs")
        assert [one["data"] for one in await read(stream, 1)] == ["theirs"]
    # Another connection of the page leaves out what that one had published, too.
    headers = {**bearer(), "last-event-id": cursor}
    async with requested(site.url, path, headers=headers) as stream:
        assert (await stream.message("authenticated"))["session"] == session
        assert (await stream.message("event"))["data"] == "theirs"
        assert stream.last_id.endswith(cursor.partition(".")[2].partition(".")[2])


async def test_a_forged_session_is_nobody_s(site: Site) -> None:
    headers = {**bearer(), "last-event-id": ".-.somebody.0123456789abcdef"}
    async with requested(site.url, path_of("dogs", shape="native"), headers=headers) as stream:
        welcome = await stream.message("welcome")
        assert (await stream.message("authenticated"))["session"] == welcome["session"]
        await stream.message("subscribed")
        assert stream.last_id.endswith(welcome["resume_session"])


async def test_a_poll_that_waits_for_nothing_has_what_was_missed(site: Site) -> None:
    await site.publish("dogs", 1)
    path = path_of("dogs", shape="native", mode="poll", wait_s=0)
    answer = await polled(site, path, ".epoch:0")
    types = [one["type"] for one in answer["events"]]
    assert types == ["welcome", "authenticated", "subscribed", "event"]
    # With its own cursor it goes on, as the same session.
    again = await polled(site, path, answer["id"])
    session = answer["events"][0]["session"]
    assert [one["session"] for one in again["events"] if one["type"] == "authenticated"] == [
        session
    ]
    assert again["id"] == answer["id"]


async def test_a_stream_begins_with_the_last_events_that_it_asks_for(site: Site) -> None:
    for number in range(5):
        await site.publish("dogs", number)
    path = path_of("dogs", history=2)
    async with requested(site.url, path, headers=bearer()) as stream:
        messages = await read(stream, 3)
    assert [one.get("data") for one in messages] == [None, 3, 4]
    # Until the first of them is there the client would have to ask for them again.
    assert messages[0]["cursor"] is None
    async with requested(
        site.url, path, headers={**bearer(), "last-event-id": messages[1]["cursor"]}
    ) as stream:
        assert (await stream.message("event"))["data"] == 4


@pytest.mark.parametrize(
    "fields", [{"history": 1001}, {"history": "x"}, {"history": -1}, {"shape": "other"}]
)
async def test_a_wrong_field_is_refused(site: Site, fields: dict[str, object]) -> None:
    async with requested(site.url, path_of("dogs", **fields), headers=bearer()) as answer:
        assert answer.status == 400


async def test_a_login_just_after_a_log_out_comes_again_a_little_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_early(_token: str, _now: float) -> None:
        error = TokenError(ErrorCode.TOKEN_REVOKED_RECENTLY, "log in again")
        error.retry_after_ms = 700
        raise error

    monkeypatch.setattr(site.verifier, "verify", too_early)
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        bye = await stream.message("bye")
        assert (stream.status, stream.retry_ms) == (200, 700)
        assert bye == {"type": "bye", "reason": "token_revoked_recently", "retry_after_ms": 700}
        assert await stream.ended()
    assert (await polled(site, path_of("dogs", mode="poll")))["events"] == [bye]


@pytest.fixture
async def users_site() -> AsyncIterator[Site]:
    """Return one where users have channels of their own."""
    site = Site(("*",), query_token=False, rules=WITH_USERS)
    await site.start()
    yield site
    await site.close()


async def test_what_is_published_to_the_user_comes_and_is_resumed(users_site: Site) -> None:
    own, path = user_channel("ada"), path_of("dogs", shape="native")
    async with requested(users_site.url, path, headers=bearer()) as stream:
        messages = await read(stream, 4)
        assert {(one["channel"], one.get("id")) for one in messages[2:]} == {
            ("dogs", 0),
            ("#user", None),
        }
        await users_site.publish(own, 1)
        event = await stream.message("event")
        assert (event["channel"], event["data"]) == ("#user", 1)
        cursor = stream.last_id
    await users_site.publish(own, 2)
    # Its own cursor, and one that a library writes.
    for given in (cursor, ".-,@epoch:1"):
        headers = {**bearer(), "last-event-id": given}
        async with requested(users_site.url, path, headers=headers) as stream:
            assert (await stream.message("event"))["data"] == 2
        polled_path = path_of("dogs", shape="native", mode="poll", wait_s=0)
        answer = await polled(users_site, polled_path, given)
        assert [one["data"] for one in answer["events"] if one["type"] == "event"] == [2]
    headers = {**bearer(), "last-event-id": ".-,@other:1"}
    async with requested(users_site.url, path, headers=headers) as stream:
        subscribed = await read(stream, 4)
    [said] = [one for one in subscribed if one.get("channel") == "#user"]
    assert (said["recovered"], said["reason"]) == (False, "epoch")


async def test_a_client_without_channels_gets_what_is_its_user_s(users_site: Site) -> None:
    headers = {**bearer(), "last-event-id": ".@epoch:0"}
    async with requested(users_site.url, path_of(shape="native"), headers=headers) as stream:
        await stream.message("subscribed")
        await users_site.publish(user_channel("ada"), 1)
        assert (await stream.message("event"))["data"] == 1


async def test_a_guest_may_send_a_position_of_a_user_and_gets_nothing_of_it(
    users_site: Site,
) -> None:
    headers = {"last-event-id": ".-,@epoch:0"}
    path = path_of("scores-1", shape="native")
    async with requested(users_site.url, path, headers=headers) as stream:
        assert [one["type"] for one in await read(stream, 2)] == ["welcome", "subscribed"]
