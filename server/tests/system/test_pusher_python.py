"""Unmodified `pusher` and `pysher` of PyPI against a River."""

import json
from collections.abc import Iterator

import pytest
from protocol_server import Server
from pusher.errors import PusherBadAuth, PusherBadRequest
from pusher_page import Page, library
from pusher_runner import SETTINGS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(SETTINGS, tmp_path_factory.mktemp("python"))
    yield running
    running.stop()


@pytest.mark.parametrize("channel", ["dogs", "private-dogs", "presence-dogs"])
def test_an_event_reaches_a_client_of_pysher(server: Server, channel: str) -> None:
    page = Page(server, channel)
    try:
        assert page.next()[0] == "pusher_internal:subscription_succeeded"
        assert library(server).trigger(channel, "post", {"text": "Grüße"}) == {}
        event, data = page.next()
        assert (event, json.loads(data)) == ("post", {"text": "Grüße"})
    finally:
        page.close()


def test_the_library_can_look_at_channels_and_users(server: Server) -> None:
    page = Page(server, "presence-python")
    try:
        _, data = page.next()
        assert json.loads(data)["presence"]["hash"] == {"ann": {"name": "ann"}}
        users = library(server).users_info("presence-python")
        assert users == {"users": [{"id": "ann"}]}
        occupied = {"channels": {}}
        while not occupied["channels"]:
            occupied = library(server).channels_info("presence-python", ["user_count"])
        assert occupied == {"channels": {"presence-python": {"user_count": 1}}}
        state = library(server).channel_info("presence-python", ["user_count"])
        assert state == {"occupied": True, "user_count": 1}
    finally:
        page.close()


def test_a_batch_and_a_user_are_accepted(server: Server) -> None:
    batch = [{"channel": "dogs", "name": "post", "data": {"n": n}} for n in range(10)]
    assert library(server).trigger_batch(batch) == {}
    assert library(server).send_to_user("ann", "note", {"hello": 1}) == {}
    assert library(server).terminate_user_connections("ann") == {}


def test_the_library_raises_what_it_raises_for_pusher(server: Server) -> None:
    with pytest.raises(PusherBadAuth):
        library(server, secret="the-secret-of-nobody").trigger("dogs", "post", {})
    with pytest.raises(PusherBadRequest):
        library(server).users_info("dogs-that-are-public")
