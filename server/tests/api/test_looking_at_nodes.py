"""`GET /nodes`, `/users`, `/access` and `/channels/C/rule`; how nodes are asked."""

import asyncio
from typing import Any

import pytest
from api_server import KEY, Served, new_channel, run, serving
from river_feed import Notes

from riverd.auth.api_keys import Keys
from riverd.model.facts import ConnectedUsers, NodeState
from riverd.model.log import Publication
from riverd.model.orders import Question, UserConnection, encode, order_of

STATE = NodeState("gw-a", "1.2.3", 1_700_000_000.0, 7, 5, 3, 100, 1, 0, 0.01, "digest")


class Answering(Notes):
    """A node that answers what it is asked."""

    def __init__(self, api: Served, name: str, **answers: object) -> None:
        super().__init__()
        self._answers = answers
        self._door: Any = api.door(self, name=name)

    def on_question(self, question: Question) -> None:
        answer = self._answers.get(question.kind)
        if answer is not None:
            self._task = asyncio.ensure_future(
                self._door.control.answer(question.id, encode(answer))
            )


class OddOrders(Notes):
    """A node that answers orders as no version does."""

    def __init__(self, api: Served, name: str) -> None:
        super().__init__()
        self._door: Any = api.door(self, name=name)

    def on_publication(self, channel: str, epoch: str, publication: Publication) -> None:
        super().on_publication(channel, epoch, publication)
        order = order_of(publication.data)
        assert order is not None
        answer = self._door.control.answer(order.id, b"all of them")
        self._task = asyncio.ensure_future(answer)


def test_nodes_say_how_they_are_and_the_silent_are_named(api: Served) -> None:
    Answering(api, "gw-a", node=STATE)
    api.door(Notes(), name="gw-silent")
    # One of a newer version answers in other words.
    Answering(api, "gw-odd", node=["?"])
    found = api.ask("GET", "/nodes").json
    assert [one["node"] for one in found["nodes"]] == ["gw-a"]
    assert found["nodes"][0]["connections"] == 7
    assert found["unanswered"] == ["gw-odd", "gw-silent"]
    assert found["gone"] == []


def test_a_node_that_describes_connections_in_other_words_has_not_answered(api: Served) -> None:
    Answering(api, "gw-plain", connections=[UserConnection("s1", 1.0, ["dogs"])])
    Answering(api, "gw-foreign", connections={"?": 1})
    found = api.ask("GET", "/users/ann").json
    assert [one["node"] for one in found["connections"]] == ["gw-plain"]
    assert "gw-foreign" in found["unanswered"]
    assert "gw-plain" not in found["unanswered"]


def test_a_node_that_says_in_other_words_whom_an_order_reached_has_not_answered(
    api: Served,
) -> None:
    OddOrders(api, "gw-uncounting")
    found = api.ask("POST", "/users/ann/disconnect")
    assert (found.status, found.json["reached"]) == (200, 0)
    assert "gw-uncounting" in found.json["unanswered"]


def test_users_of_all_nodes_are_added_up(api: Served) -> None:
    Answering(api, "gw-a", users=ConnectedUsers({"ann": 2, "bob": 1}))
    Answering(api, "gw-b", users=ConnectedUsers({"ann": 1, "cat": 1}, more=True))
    found = api.ask("GET", "/users?limit=2").json
    assert found["users"] == {"ann": 3, "bob": 1}
    assert found["more"] is True
    assert api.ask("GET", "/users?limit=0").status == 400


def test_rule_of_a_channel_is_shown(api: Served) -> None:
    found = api.ask("GET", "/channels/private-x/rule").json
    assert (found["rule"], found["access"], found["presence"]) == (None, "grant", False)
    assert api.ask("GET", "/channels/x%20y/rule").status == 400


def test_list_of_channels_can_be_short(api: Served) -> None:
    prefix = new_channel()
    door = api.door(Notes())
    run(door.report({f"{prefix}-{number}": 1 for number in range(3)}))
    found = api.ask("GET", f"/channels?prefix={prefix}&limit=2").json
    assert list(found["channels"]) == [f"{prefix}-0", f"{prefix}-1"]
    assert found["more"] is True
    assert "more" not in api.ask("GET", f"/channels?prefix={prefix}").json


@pytest.mark.parametrize(("key", "writes"), [(KEY, True), ("a-reading-key", False)])
def test_what_a_key_may_do_is_said(key: str, writes: bool) -> None:  # noqa: FBT001
    with serving(read_keys=Keys(["a-reading-key"])) as api:
        answer = api.ask("GET", "/access", key=key)
        assert answer.json == {"writes": writes}
        assert api.ask("GET", "/access", key="none").status == 401
