"""What the API says while the broker is away, silent or broken."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import closing
from typing import Any

import pytest
from api_server import (
    DEADLINE_S,
    Answer,
    Served,
    head,
    over_a_socket,
    read_answer,
    serving,
)
from pusher_runner import APPS, signed_query

from riverd.api.context import ANSWER_S_MAX
from riverd.auth.apps import Apps, parse_apps
from riverd.broker.memory.broker import MemoryBroker
from riverd.broker.memory.control import MemoryControl
from riverd.broker.memory.switchboard import Switchboard
from riverd.errors import BrokerError, OutcomeUnknownError
from riverd.model.log import Message, Position
from riverd.model.orders import Order

ORDERING = [
    ("POST", "/users/u/disconnect", None),
    ("POST", "/users/u/disconnect", b'{"revoke":true}'),
    ("POST", "/users/u/block", b"{}"),
    ("DELETE", "/users/u/block", None),
    ("POST", "/users/u/channels/c/remove", None),
]
ASKING = [
    ("POST", "/publish", b'{"channel":"c","event":"e","id":"k"}'),
    ("POST", "/publish", b'{"channels":["c"],"event":"e"}'),
    ("POST", "/publish/batch", b'{"messages":[{"channel":"c","event":"e"}]}'),
    ("GET", "/channels", None),
    ("GET", "/channels/c", None),
    ("GET", "/channels/c/history", None),
    ("GET", "/channels/presence-c/presence", None),
    ("GET", "/blocks", None),
    ("GET", "/readyz", None),
    *ORDERING,
]


class TroubledControl(MemoryControl):
    """Orders of which every answer is trouble."""

    def __init__(self, board: Switchboard, trouble: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(board, "nobody", publish=lambda _: Position("", 0), clock=time.monotonic)
        self._trouble = trouble

    async def order(self, _order: Order) -> Any:
        return await self._trouble()

    async def nodes(self) -> Any:
        return await self._trouble()

    async def standings(self, _kinds: Any = ()) -> AsyncIterator[Any]:
        yield await self._trouble()

    async def standings_of(self, _user: str) -> Any:
        return await self._trouble()


class Troubled(MemoryBroker):
    """A broker whose every answer is trouble."""

    def __init__(self, board: Switchboard, *surroundings: Any) -> None:
        super().__init__(board, *surroundings)
        self.control = TroubledControl(board, self.trouble)

    async def trouble(self) -> Any:
        raise NotImplementedError

    async def publish(self, _message: Message) -> Any:
        return await self.trouble()

    async def publish_many(self, _messages: Any) -> Any:
        return await self.trouble()

    async def read(
        self,
        _channel: str,
        *,
        after: Any = None,  # noqa: ARG002  its name is the interface's
        limit: Any = None,  # noqa: ARG002
        keep: Any = None,  # noqa: ARG002
    ) -> Any:
        return await self.trouble()

    async def positions(self, _channels: Any) -> Any:
        return await self.trouble()

    async def members(
        self,
        _channel: str,
        *,
        limit: Any = None,  # noqa: ARG002
        keep: Any = None,  # noqa: ARG002
    ) -> Any:
        return await self.trouble()

    async def occupied(self, _prefix: str, *, limit: Any = None) -> Any:  # noqa: ARG002
        return await self.trouble()

    async def occupancy(self, _channel: str) -> Any:
        return await self.trouble()

    async def ping(self) -> Any:
        return await self.trouble()


class AwayBroker(Troubled):
    async def trouble(self) -> Any:
        raise BrokerError("connection refused")


class SilentBroker(Troubled):
    async def trouble(self) -> Any:
        await asyncio.Event().wait()


class BrokenBroker(Troubled):
    async def trouble(self) -> Any:
        raise ZeroDivisionError("the secret detail")


class UnknowingBroker(Troubled):
    async def trouble(self) -> Any:
        raise OutcomeUnknownError("the connection was lost")


def test_without_a_broker_nothing_is_accepted_for_certain() -> None:
    with serving(AwayBroker) as api:
        for method, path, body in ASKING:
            answer = api.ask(method, path, body)
            assert (answer.status, answer.code) == (503, "broker_unavailable")
            assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("broker", [SilentBroker, UnknowingBroker])
def test_what_a_silent_broker_made_of_a_publication_is_unknown(broker: type[Troubled]) -> None:
    # The limit itself is checked where the time is given; here a slow machine may take its time.
    with serving(broker, answer_s_max=0.05) as api:
        for method, path, body in ASKING[:3]:
            answer = api.ask(method, path, body)
            assert (answer.status, answer.code) == (504, "unknown")
            assert answer.headers["retry-after"] == "1"


def test_what_a_silent_broker_made_of_an_order_is_unknown() -> None:
    with serving(SilentBroker, answer_s_max=0.05) as api:
        for method, path, body in ORDERING:
            answer = api.ask(method, path, body)
            assert (answer.status, answer.code) == (504, "unknown")


def test_what_is_only_asked_of_a_silent_broker_is_refused() -> None:
    with serving(SilentBroker, answer_s_max=0.05, list_s_max=0.05) as api:
        for method, path, body in ASKING[3 : -len(ORDERING)]:
            answer = api.ask(method, path, body)
            assert (answer.status, answer.code) == (503, "broker_unavailable")


class PonderingBroker(Troubled):
    async def trouble(self) -> Any:
        await asyncio.sleep(0.2)
        return {}


def test_a_list_of_many_channels_may_take_longer_than_what_somebody_waits_for() -> None:
    apps = Apps(parse_apps("RIVER_APPS", json.dumps(APPS)))
    with serving(PonderingBroker, answer_s_max=0.05, apps=apps) as api:
        answer = api.ask("GET", "/channels")
        assert (answer.status, answer.json) == (200, {"channels": {}})
        query = signed_query("GET", "/apps/1/channels", b"", {})
        assert api.ask("GET", f"/apps/1/channels?{query}").status == 200
        assert api.ask("GET", "/channels/c/history").status == 503


def test_what_a_silent_broker_made_of_an_event_of_an_app_is_unknown_and_a_look_is_refused() -> None:
    apps = Apps(parse_apps("RIVER_APPS", json.dumps(APPS)))
    asking = [
        ("POST", "/apps/1/events", b'{"name":"e","channel":"c","data":"1"}', 504),
        ("POST", "/apps/1/batch_events", b'{"batch":[{"name":"e","channel":"c","data":"1"}]}', 504),
        ("POST", "/apps/1/users/u/terminate_connections", b"{}", 504),
        ("GET", "/apps/1/channels", b"", 503),
        ("GET", "/apps/1/channels/c", b"", 503),
        ("GET", "/apps/1/channels/presence-c/users", b"", 503),
    ]
    with serving(SilentBroker, answer_s_max=0.05, list_s_max=0.05, apps=apps) as api:
        for method, path, body, status in asking:
            query = signed_query(method, path, body, {})
            answer = api.ask(method, f"{path}?{query}", body or None)
            assert (path, answer.status) == (path, status)
            assert answer.headers["retry-after"] == "1"
            # Their events have no ids that could settle it.
            assert b"same id" not in answer.body


class HalfAwareBroker(MemoryBroker):
    """Refused one message, and knows nothing of the other."""

    async def publish_many(self, _messages: Any) -> Any:
        return [BrokerError("refused"), OutcomeUnknownError("lost")]


def test_a_batch_of_which_some_may_be_accepted_is_not_called_refused() -> None:
    with serving(HalfAwareBroker) as api:
        answer = api.publish(channels=["a", "b"], event="e")
        assert (answer.status, answer.code) == (504, "unknown")


def test_the_brokers_answer_is_waited_for_less_than_a_second() -> None:
    assert ANSWER_S_MAX < 1
    began = time.monotonic()
    with serving(SilentBroker) as api:
        assert api.publish(channel="c", event="e").status == 504
    assert time.monotonic() - began >= ANSWER_S_MAX


def test_alive_is_who_has_no_broker() -> None:
    with serving(SilentBroker) as api:
        assert api.get("/healthz").json == {"status": "alive"}
        assert api.get("/metrics").status == 200


def test_ready_is_who_has_one(api: Served) -> None:
    answer = api.get("/readyz")
    assert (answer.status, answer.json) == (200, {"status": "ready"})


def test_a_silent_brokers_refusals_are_counted() -> None:
    with serving(SilentBroker, answer_s_max=0.05) as api:
        api.publish(channel="c", event="e")
        assert (api.tally.count, api.tally.codes) == (0, ["unknown"])


def test_an_unexpected_error_is_told_without_details_and_handed_to_the_log() -> None:
    with serving(BrokenBroker) as api:
        answers: list[Answer] = [api.ask(method, path, body) for method, path, body in ASKING]
        assert {(answer.status, answer.code) for answer in answers} == {(500, "internal")}
        assert not [answer for answer in answers if b"detail" in answer.body]
        assert api.failures == ["ZeroDivisionError('the secret detail')"] * len(ASKING)
        assert api.get("/healthz").status == 200


class SlowBroker(MemoryBroker):
    """Takes a publication when the test lets it."""

    def __init__(self, *surroundings: Any) -> None:
        super().__init__(*surroundings)
        self.asked = threading.Event()
        self.released = threading.Event()

    async def publish(self, message: Message) -> Position:
        self.asked.set()
        await asyncio.to_thread(self.released.wait, DEADLINE_S)
        return await super().publish(message)


@over_a_socket
def test_more_requests_than_the_limit_are_told_to_come_again() -> None:
    brokers: list[SlowBroker] = []

    def door(*surroundings: Any) -> SlowBroker:
        brokers.append(SlowBroker(*surroundings))
        return brokers[0]

    body = b'{"channel":"c","event":"e"}'
    limits: Mapping[str, float] = {"requests_max": 1, "answer_s_max": DEADLINE_S}
    with serving(door, **limits) as api, closing(api.connect()) as connection:
        connection.sendall(head("POST /publish", f"content-length: {len(body)}") + body)
        assert brokers[0].asked.wait(DEADLINE_S)
        refused = api.publish(channel="c", event="e")
        assert (refused.status, refused.code) == (429, "too_fast")
        assert refused.headers["retry-after"] == "1"
        assert api.get("/healthz").status == 200
        brokers[0].released.set()
        assert read_answer(connection).status == 200
        assert api.publish(channel="c", event="e").json["offset"] == 2
