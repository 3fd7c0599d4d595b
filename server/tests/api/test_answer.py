"""The handlers without any server: values in, values out."""

import json
import time
from itertools import count

import pytest
from api_server import over_a_socket

from riverd.api.admission import respond
from riverd.api.context import Api
from riverd.auth.api_keys import Keys
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.store import Store
from riverd.broker.memory.switchboard import Switchboard
from riverd.channels.rules import ChannelRules
from riverd.http.request import Request
from riverd.http.response import Response

pytestmark = over_a_socket
KEY = "the-key-of-the-tests"
BODY = b'{"channel":"c","event":"e","data":1}'

RULES = ChannelRules(history_size=10, history_ttl_s=300)


@pytest.fixture
def api() -> Api:
    epochs = count(1)
    store = Store(RULES, new_epoch=lambda: f"e{next(epochs)}")
    broker = MemoryBroker(Switchboard(store), time.monotonic)
    return Api(broker, Keys([KEY]), RULES, message_bytes_max=100)


def _request(method: str, path: str, query: str = "") -> Request:
    return Request(method, path, query, {"x-api-key": KEY})


def _told(response: Response) -> tuple[int, object]:
    return response.status, json.loads(response.body)


async def test_a_request_that_is_here_as_a_whole_is_answered(api: Api) -> None:
    told = _told(await respond(api, _request("POST", "/publish"), BODY))
    assert told == (200, {"epoch": "e1", "offset": 1})
    history = await respond(api, _request("GET", "/channels/c/history", "limit=1"), b"")
    entries = [{"offset": 1, "event": "e", "data": 1}]
    assert _told(history) == (
        200,
        {"channel": "c", "epoch": "e1", "offset": 1, "publications": entries},
    )


async def test_a_body_that_is_too_large_is_refused_though_it_is_here(api: Api) -> None:
    response = await respond(api, _request("POST", "/publish"), b" " * 1_000_000 + BODY)
    assert response.status == 413


async def test_a_body_that_no_route_takes_is_passed_over(api: Api) -> None:
    response = await respond(api, _request("GET", "/channels"), b"\xff" * 1_000_000)
    assert _told(response) == (200, {"channels": {}})


async def test_a_length_of_no_number_is_no_length(api: Api) -> None:
    for length in ("", "x", "-1", "9" * 5000):
        headers = {"x-api-key": KEY, "content-length": length}
        response = await respond(api, Request("POST", "/publish", "", headers), BODY)
        assert response.status == 413


async def test_who_is_not_admitted_gets_the_same_answer(api: Api) -> None:
    assert (await respond(api, Request("POST", "/publish", "", {}), BODY)).status == 401
    assert (await respond(api, _request("GET", "/nothing"), b"")).status == 404
