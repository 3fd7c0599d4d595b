"""Streams and polls of one gateway: who gets one, what is on it, how it ends."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import cast

import pytest
from river_client import SECRET, token
from stream_client import path_of, requested
from stream_site import Site, bearer

from riverd.auth.tokens import Verifier
from riverd.broker.memory.broker import MemoryBroker
from riverd.gateway.streams import event_stream, streams
from riverd.model.log import Member, Message, Position
from riverd.model.orders import Order, OrderKind

LISTED = "https://app.example"


@pytest.fixture
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """Return a gateway; a parameter may name its origins and whether it reads tokens of URLs."""
    origins, query_token = getattr(request, "param", (("*",), False))
    site = Site(origins, query_token=query_token)
    await site.start()
    yield site
    await site.close()


async def test_what_was_missed_comes_after_the_cursor_and_once(site: Site) -> None:
    path = path_of("dogs", "cats")
    async with requested(site.url, path, headers=bearer()) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        for _ in range(2):
            await stream.message("subscribed")
        await site.publish("dogs", 1)
        assert (await stream.message("event"))["data"] == 1
        cursor = stream.last_id
    await site.publish("cats", 2)
    await site.publish("dogs", 3)
    headers = {**bearer(), "last-event-id": cursor}
    async with requested(site.url, path, headers=headers) as stream:
        got = [await stream.message("event") for _ in range(2)]
        assert sorted(one["data"] for one in got) == [2, 3]
        await site.publish("dogs", 4)
        assert (await stream.message("event"))["data"] == 4


async def test_one_that_cannot_go_on_is_sent_a_gap_and_a_cursor_of_what_is_now(site: Site) -> None:
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        await stream.message("subscribed")
        cursor = stream.last_id.replace("epoch", "other")
    headers = {**bearer(), "last-event-id": cursor}
    async with requested(site.url, path_of("dogs"), headers=headers) as stream:
        assert (await stream.message("gap"))["channel"] == "dogs"
        assert stream.last_id.endswith(".epoch:0")


async def test_bare_data_is_a_string_s_text_and_other_values_json(site: Site) -> None:
    path = path_of("dogs", shape="event")
    async with requested(site.url, path, headers=bearer()) as stream:
        await stream.next()
        await site.publish("dogs", "<p>\r\nÜ</p>\0", event="html\nx")
        await site.publish("dogs", {"a": [1]})
        first, second = await stream.next(), await stream.next()
    assert first is not None
    assert second is not None
    assert (first["event"], first["data"]) == ("html x", "<p>\nÜ</p>\N{REPLACEMENT CHARACTER}")
    assert (second["event"], json.loads(second["data"])) == ("e", {"a": [1]})


@pytest.mark.parametrize(
    "cursor",
    ["x", "x.epoch:1", "{}.epoch:1,epoch:2", "{}.epoch:-1", "{}.e p:1", "{}.", "a" * 8_000],
)
async def test_a_cursor_that_is_not_of_these_channels_is_refused(site: Site, cursor: str) -> None:
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        await stream.message("subscribed")
        digest = stream.last_id.partition(".")[0]
    headers = {**bearer(), "last-event-id": cursor.format(digest)}
    async with requested(site.url, path_of("dogs"), headers=headers) as answer:
        assert answer.status == 400
        assert "Last-Event-ID" in (await answer.body())["error"]["message"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (path_of("dogs"), {}, 401),
        (path_of("dogs"), {"authorization": "Bearer nonsense"}, 401),
        (path_of("dogs", token="nonsense"), {}, 401),
        (path_of("dogs", "private-a"), bearer(river={"subscribe": ["dogs"]}), 403),
        (path_of(), None, 400),
        (path_of(*[f"c{n}" for n in range(51)]), None, 400),
        (path_of("no spaces?"), None, 400),
        (path_of("dogs", chanel="x"), None, 400),
        (path_of("dogs", mode="pol"), None, 400),
        (path_of("dogs", mode="poll", wait_s="26"), None, 400),
        (path_of("dogs", mode="poll", shape="event"), None, 400),
    ],
)
async def test_what_will_never_work_is_answered_with_a_status(
    site: Site, path: str, headers: Mapping[str, str] | None, status: int
) -> None:
    async with requested(
        site.url, path, headers=bearer() if headers is None else headers
    ) as answer:
        assert answer.status == status
        assert set((await answer.body())["error"]) == {"code", "message"}


async def test_fifty_channels_fit_into_a_cursor(site: Site) -> None:
    names = [f"channel-{number}" for number in range(50)]
    async with requested(site.url, path_of(*names), headers=bearer()) as stream:
        for _ in names:
            await stream.message("subscribed")
        assert len(stream.last_id) <= 2_048


async def test_methods_are_answered_as_http_wants_it(site: Site) -> None:
    async with requested(site.url, path_of("dogs"), headers=bearer(), method="HEAD") as answer:
        assert answer.status == 200
    for path, allowed in (
        (path_of("dogs"), "GET, HEAD, OPTIONS"),
        ("/client/publish", "POST, OPTIONS"),
    ):
        async with requested(site.url, path, headers=bearer(), method="PUT") as answer:
            assert (answer.status, answer.headers["allow"]) == (405, allowed)
    headers = {"origin": "https://any.example"}
    async with requested(site.url, "/events", headers=headers, method="OPTIONS") as answer:
        assert answer.status == 204
        assert "authorization" in answer.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("site", [((LISTED,), False)], indirect=True)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": LISTED}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "cross-site"}, 401),
        ({}, 401),
        ({"origin": "https://other.example"}, 403),
    ],
)
async def test_a_cookie_counts_for_pages_that_are_listed_or_of_this_origin(
    site: Site, headers: dict[str, str], status: int
) -> None:
    sent = {**headers, "cookie": f"a=b; river_token={token('ada')}"}
    async with requested(site.url, path_of("dogs"), headers=sent) as answer:
        assert answer.status == status
        has_credentials = answer.headers.get("access-control-allow-credentials") == "true"
        assert has_credentials == (headers.get("origin") == LISTED)


async def test_a_cookie_is_nobody_s_where_every_page_may_connect(site: Site) -> None:
    sent = {"origin": "https://any.example", "cookie": f"river_token={token('ada')}"}
    async with requested(site.url, path_of("dogs"), headers=sent) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("site", [(("*",), True)], indirect=True)
async def test_a_token_in_the_url_counts_where_that_is_set(site: Site) -> None:
    async with requested(site.url, path_of("dogs", token=token("ada"))) as answer:
        assert answer.status == 200


async def test_full_draining_and_not_ready_are_a_bye_and_a_time_to_come_again(site: Site) -> None:
    site.health.reason = "the broker is away"
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        assert (await stream.message("bye"))["reason"] == "unavailable"
        assert stream.retry_ms > 0
        assert await stream.ended()
    async with requested(site.url, path_of("dogs", mode="poll"), headers=bearer()) as answer:
        assert (await answer.body())["events"][0]["type"] == "bye"
    site.health.reason = None
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        await stream.message("subscribed")
        draining = asyncio.ensure_future(site.gateway.drain(0))
        assert (await stream.message("bye"))["reason"] == "draining"
        assert await stream.ended()
        await draining


async def test_a_stream_ends_before_its_token_with_the_code_of_that(site: Site) -> None:
    site.verifier = Verifier([SECRET], leeway_s=3600)
    headers = bearer(exp=int(time.time()) + 1)
    async with requested(site.url, path_of("dogs"), headers=headers) as stream:
        assert (await stream.message("bye"))["code"] == 4401
        assert await stream.ended()


async def test_a_guest_listens_where_a_rule_opens_the_channel_and_nowhere_else(site: Site) -> None:
    async with requested(site.url, path_of("scores-1")) as stream:
        await stream.message("subscribed")
        await site.publish("scores-1", 1)
        assert (await stream.message("event"))["data"] == 1
    async with requested(site.url, path_of("scores-1", "dogs")) as answer:
        assert answer.status == 401


async def test_an_event_that_is_not_kept_leaves_the_cursor_where_it_is(site: Site) -> None:
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        await stream.message("subscribed")
        cursor = stream.last_id
        await site.broker.publish(Message("dogs", "typing", b"1", keep=False))
        assert (await stream.message("event"))["after"] == 0
        assert stream.last_id == cursor


async def test_a_disconnected_user_s_stream_says_so(site: Site) -> None:
    async with requested(site.url, path_of("dogs"), headers=bearer("bob")) as stream:
        await stream.message("subscribed")
        await site.broker.control.order(Order("1", OrderKind.DISCONNECT, user="bob"))
        assert (await stream.message("bye"))["code"] == 4403


async def test_silence_is_broken_by_comments(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "COMMENT_S", 0.01)
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        await stream.message("subscribed")
        await asyncio.sleep(streams.TICK_S * 1.5)
        await site.publish("dogs", 1)
        await stream.message("event")
        assert stream.comments > 0
    assert event_stream.COMMENT == b":\n\n"


async def test_a_poll_is_answered_when_there_is_something_and_goes_on_from_its_cursor(
    site: Site,
) -> None:
    path = path_of("dogs", mode="poll")
    async with requested(site.url, path_of("dogs", mode="poll", wait_s=0), headers=bearer()) as one:
        first = await one.body()
    await site.publish("dogs", 1)
    headers = {**bearer(), "last-event-id": first["id"]}
    async with requested(site.url, path, headers=headers) as answer:
        second = await answer.body()
    assert [one["data"] for one in second["events"] if one["type"] == "event"] == [1]
    waiting = asyncio.ensure_future(polled(site, {**bearer(), "last-event-id": second["id"]}))
    while not site.gateway.streams or not site.gateway.streams.open:
        await asyncio.sleep(0.001)
    await site.publish("dogs", 2)
    third = await waiting
    assert [one["data"] for one in third["events"] if one["type"] == "event"] == [2]


async def test_one_poll_is_given_a_part_of_much_and_the_next_ones_the_rest(site: Site) -> None:
    names = [f"c{number}" for number in range(20)]
    path = path_of(*names, mode="poll", wait_s=0)
    async with requested(site.url, path, headers=bearer()) as one:
        answer = await one.body()
    for name in names:
        for number in range(3):
            await site.publish(name, f"{name} {number} {'x' * 30_000}")
    got: list[str] = []
    while len(got) < 60:
        headers = {**bearer(), "last-event-id": answer["id"]}
        async with requested(site.url, path, headers=headers) as one:
            assert int(one.headers["content-length"]) < 300_000
            answer = await one.body()
        events = [found for found in answer["events"] if found["type"] == "event"]
        assert events, "each answer has something"
        got += [found["data"].partition(" x")[0] for found in events]
    assert sorted(got) == sorted(f"{name} {number}" for name in names for number in range(3))


async def polled(site: Site, headers: Mapping[str, str]) -> dict[str, object]:
    async with requested(site.url, path_of("dogs", mode="poll"), headers=headers) as answer:
        body: dict[str, object] = await answer.body()
        return body


async def test_who_polls_stays_present_between_two_polls(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of("presence-a", mode="poll", wait_s=0)
    async with requested(site.url, path_of("presence-a"), headers=bearer("bob")) as watcher:
        await watcher.message("subscribed")
        for _ in range(3):
            async with requested(site.url, path, headers=bearer()) as answer:
                await answer.body()
        assert (await watcher.message("joined"))["user"] == "ada"
        monkeypatch.setattr(streams, "PARKED_S", 0.01)
        async with requested(site.url, path, headers=bearer()) as answer:
            await answer.body()
        event = await watcher.next()
        assert event is not None
        assert json.loads(event["data"]) == {"type": "left", "channel": "presence-a", "user": "ada"}


async def asked(
    site: Site, kind: str, body: object, headers: Mapping[str, str]
) -> tuple[int, dict[str, object]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json", **headers}
    path = f"/client/{kind}"
    async with requested(site.url, path, headers=sent, method="POST", body=data) as answer:
        return answer.status, await answer.body()


async def test_clients_publish_and_look_by_post(site: Site) -> None:
    headers = bearer(river={"publish": ["dogs"]})
    message = {"channel": "dogs", "event": "e", "data": {"n": 1}}
    assert await asked(site, "publish", message, headers) == (200, {"epoch": "epoch", "offset": 1})
    status, told = await asked(site, "history", {"channel": "dogs"}, headers)
    assert (status, told["publications"]) == (
        200,
        [{"offset": 1, "event": "e", "data": {"n": 1}, "user": "ada"}],
    )
    status, told = await asked(site, "presence", {"channel": "presence-a"}, headers)
    assert (status, told) == (200, {"channel": "presence-a", "count": 0, "members": []})


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ({"channel": "cats", "event": "e", "data": 1}, {}, 403, "forbidden"),
        ({"chanel": "dogs", "event": "e"}, {}, 400, "invalid_field"),
        ({"channel": "dogs"}, {}, 400, "invalid_field"),
        ([], {}, 400, "not_an_object"),
        (b"{", {}, 400, "not_json"),
        ({"channel": "dogs"}, {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        ({"channel": "dogs"}, {"content-encoding": "gzip"}, 415, "unsupported_media_type"),
        ({"channel": "dogs"}, {"authorization": "Bearer x"}, 401, "token_invalid"),
        (b" " * 200_000, {}, 413, "too_large"),
    ],
)
async def test_a_request_that_is_wrong_is_an_error_with_a_code(
    site: Site, body: object, headers: dict[str, str], status: int, code: str
) -> None:
    sent = {**bearer(river={"publish": ["dogs"]}), **headers}
    answered, told = await asked(site, "publish", body, sent)
    assert (answered, told["error"]["code"]) == (status, code)  # type: ignore[index]


async def test_requests_of_one_token_share_a_budget(site: Site) -> None:
    headers = bearer()
    statuses: list[int] = []
    # A slow machine earns some of the budget again meanwhile.
    while 429 not in statuses and len(statuses) < 1_000:
        statuses.append((await asked(site, "history", {"channel": "dogs"}, headers))[0])
    assert (statuses[0], statuses[-1]) == (200, 429)


async def test_a_client_that_reads_nothing_is_bounded_and_gets_the_rest_or_a_gap(
    site: Site,
) -> None:
    async with requested(site.url, path_of("dogs"), headers=bearer()) as stream:
        await stream.message("subscribed")
        transport = cast("asyncio.Transport", stream.writer.transport)
        transport.pause_reading()
        for number in range(150):
            await site.publish("dogs", [number, "x" * 60_000])
        transport.resume_reading()
        await site.publish("dogs", "last")
        offsets: list[int] = []
        while True:
            event = await stream.next()
            assert event is not None
            told = json.loads(event["data"])
            if told["type"] == "event":
                offsets.append(told["offset"])
                if told["data"] == "last":
                    break
            else:
                assert told["type"] == "gap"
                offsets.append(told["offset"])
    assert offsets == sorted(set(offsets))


async def test_poll_is_answered_when_all_its_channels_are(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise busy channels would end each poll before a slow one has said what was missed."""
    join = MemoryBroker.join

    async def slow_join(
        broker: MemoryBroker, channel: str, member: Member, *, limit: int | None = None
    ) -> Position:
        await asyncio.sleep(0.2)
        return await join(broker, channel, member, limit=limit)

    monkeypatch.setattr(MemoryBroker, "join", slow_join)
    await site.publish("dogs", 1)
    path = path_of("presence-x", "dogs", mode="poll")
    headers = {**bearer(), "last-event-id": ".-,epoch:0"}
    async with requested(site.url, path, headers=headers) as answer:
        events = (await answer.body())["events"]
    assert {(one["type"], one["channel"]) for one in events} >= {
        ("subscribed", "presence-x"),
        ("subscribed", "dogs"),
        ("event", "dogs"),
    }
