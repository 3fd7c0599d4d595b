"""Webhooks in Pusher's form: its libraries for Python and Node verify what River really sends."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from protocol_server import API_KEY, Server
from pusher_page import Page, library
from pusher_runner import APPS
from river_client import condition
from river_process import ask
from webhook_receiver import Receiver, receiving

INTEROP = Path(__file__).parents[3] / "interop"
NODE_S_MAX = 60.0
EVENTS = [
    "channel_occupied",
    "channel_vacated",
    "member_added",
    "member_removed",
    "client_event",
    "cache_miss",
    "subscription_count",
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def app(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The app without channels of others, unless a test wants another one."""
    chosen = getattr(request, "param", APPS[1])
    return {name: value for name, value in chosen.items() if name != "previous"}


@pytest.fixture
def server(receiver: Receiver, app: dict[str, Any], tmp_path: Path) -> Iterator[Server]:
    hook = {"url": receiver.url, "events": EVENTS, "name": "all"}
    apps = [{**app, "webhooks": [hook]}, APPS[2]]
    running = Server({"RIVER_APPS": json.dumps(apps), "RIVER_LEAVE_DELAY_S": "0"}, tmp_path)
    yield running
    running.stop()


@pytest.mark.parametrize("app", APPS[:2], ids=["native", "apart"], indirect=True)
async def test_both_libraries_verify_what_is_sent_and_it_reads_as_pusher_has_it(
    server: Server, receiver: Receiver, app: dict[str, Any]
) -> None:
    hook = f"all@{app['id']}"
    assert ask(f"{server.api_url}/webhooks/test", {"webhook": hook}, key=API_KEY)[0] == 200
    await condition(lambda: bool(receiver.requests))
    assert json.loads(receiver.requests[0][1])["events"] == []
    page = Page(server, "presence-dogs", "private-cats", "cache-birds", app=app)
    for _ in range(3):
        page.next()
    page.say("presence-dogs", "client-move", {"x": 1})
    socket_id = page.client.connection.socket_id
    await condition(lambda: "client_event" in names(receiver))
    page.close()
    await condition(lambda: names(receiver).count("channel_vacated") == 3)
    told = [{key: one[key] for key in one if key != "id"} for one in receiver.events]
    for channel in ("presence-dogs", "private-cats", "cache-birds"):
        assert {"name": "channel_occupied", "channel": channel} in told
    dogs = {"channel": "presence-dogs", "user_id": "ann"}
    assert {"name": "member_added", **dogs} in told
    assert {"name": "member_removed", **dogs} in told
    assert {"name": "cache_miss", "channel": "cache-birds"} in told
    said = {"event": "client-move", "data": '{"x": 1}', "socket_id": socket_id}
    assert {"name": "client_event", **dogs, **said} in told
    counted = {one["channel"] for one in told if one["name"] == "subscription_count"}
    assert counted == {"private-cats", "cache-birds"}
    back = library(server, app=app)
    for headers, body in receiver.requests:
        key, signature = headers["x-pusher-key"], headers["x-pusher-signature"]
        assert back.validate_webhook(key, signature, body) == json.loads(body)
        assert back.validate_webhook(key, signature, body + b" ") is None
    assert by_node(receiver, app) == [json.loads(body) for _, body in receiver.requests]


async def test_what_is_refused_is_stamped_and_signed_anew(
    server: Server, receiver: Receiver, app: dict[str, Any]
) -> None:
    receiver.status = 500
    page = Page(server, "private-dogs", app=app)
    page.next()
    await condition(lambda: receiver.refused > 1)
    receiver.status = 200
    await condition(lambda: "channel_occupied" in names(receiver))
    page.close()
    stamps = {json.loads(body)["time_ms"] for _, body in receiver.refusals + receiver.requests}
    assert len(stamps) == len(receiver.refusals + receiver.requests)
    status, answer = ask(f"{server.api_url}/webhooks", key=API_KEY)
    [state] = json.loads(answer)["webhooks"]
    assert status == 200
    assert (state["webhook"], state["form"], state["app"]) == (
        f"all@{app['id']}",
        "pusher",
        app["id"],
    )
    assert state["events"] == sorted(EVENTS)
    assert app["secret"] not in answer


def names(receiver: Receiver) -> list[str]:
    return [one["name"] for one in receiver.events]


def by_node(receiver: Receiver, app: dict[str, Any]) -> list[object]:
    """What the library for Node reads in each request; None where it does not verify it."""
    sent = [{"headers": headers, "body": body.decode()} for headers, body in receiver.requests]
    done = subprocess.run(
        ["node", "verify_webhooks.js"],
        cwd=INTEROP,
        input=json.dumps({"app": app, "requests": sent}),
        capture_output=True,
        text=True,
        timeout=NODE_S_MAX,
        check=True,
    )
    found: list[object] = json.loads(done.stdout)
    return found
