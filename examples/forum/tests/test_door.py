"""Coming in, going out, and the token for River."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from flask import Flask
from forum_visitor import Clock, Visitor

from forum.app import create_app
from forum.settings import ForumSettings, RiverPlace

SECRET = "5ec2e7" * 8


@pytest.fixture
def reader(settings: ForumSettings, clock: Clock) -> Visitor:
    """Return somebody who reads a forum that has a River."""
    river = RiverPlace(url="http://r:8000", api_url="http://r:8001", api_key="key", secret=SECRET)
    return Visitor(create_app(replace(settings, river=river), clock_s=clock).test_client())


def read_token(reader: Visitor, path: str) -> dict[str, Any]:
    token = json.loads(reader.see(path))["token"]
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"])
    return claims


@pytest.mark.parametrize("name", ["Ana", "  Ana  Bell ", "Mr. Okafor", "Zoë", "李雷", "x"])
def test_a_name_is_enough_to_come_in(guest: Visitor, name: str) -> None:
    answer = guest.log_in(name)
    assert answer.status_code == 303
    assert " ".join(name.split()) in guest.see("/")


@pytest.mark.parametrize("name", ["", " ", "<b>", "a" * 25, "-", "a\nb\x00", "a/b", "\u202eevil"])
def test_what_is_no_name_is_refused_with_a_word_why(guest: Visitor, name: str) -> None:
    answer = guest.log_in(name)
    assert answer.status_code == 422
    assert "A name has up to 24" in answer.text


def test_after_logging_in_the_reader_is_where_they_were(guest: Visitor) -> None:
    answer = guest.send("/login?then=/b/dogs/8", "/login", name="Ana")
    assert answer.location == "/b/dogs/8"


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example", "/\t/evil", "/\\evil"])
def test_logging_in_never_leads_to_another_site(guest: Visitor, then: str) -> None:
    assert guest.send("/login", "/login", name="Ana", then=then).location == "/"


def test_logging_out_ends_the_session(ana: Visitor) -> None:
    ana.send("/", "/logout")
    assert "Log in" in ana.see("/")


def test_the_door_does_not_turn_for_ever(app: Flask) -> None:
    codes = {Visitor(app.test_client()).log_in("Ana").status_code for _ in range(40)}
    assert codes == {303, 429}


def test_the_token_lets_a_reader_hear_one_board_and_say_only_that_they_type(
    reader: Visitor,
) -> None:
    reader.log_in("Ana Bell")
    claims = read_token(reader, "/river-token?board=dogs")
    assert claims["sub"] == "Ana Bell"
    assert claims["river"]["subscribe"] == ["board-dogs", "presence-board-dogs", "typing-dogs"]
    assert claims["river"]["publish"] == ["typing-dogs"]
    assert claims["river"]["info"]["initials"] == "AB"


def test_the_token_of_the_front_page_lets_nobody_publish(reader: Visitor) -> None:
    reader.log_in("Ana")
    claims = read_token(reader, "/river-token")
    assert claims["river"] == {"subscribe": ["board-*"]}


def test_the_token_is_for_who_is_logged_in(reader: Visitor) -> None:
    assert reader.client.get("/river-token?board=dogs").status_code == 401


def test_there_is_no_token_for_a_board_that_is_not_there(reader: Visitor) -> None:
    reader.log_in("Ana")
    assert reader.client.get("/river-token?board=private-x").status_code == 404


def test_without_river_there_is_no_token_and_no_trace_of_it(
    visit: Callable[[str], Visitor],
) -> None:
    ana = visit("Ana")
    assert ana.client.get("/river-token?board=dogs").status_code == 404
    assert "live.js" not in ana.see("/b/dogs")
    assert "data-river" not in ana.see("/b/dogs")
    assert "/river" not in ana.client.get("/").headers["Content-Security-Policy"]


def test_a_page_with_river_may_load_its_client_and_speak_with_it(reader: Visitor) -> None:
    reader.log_in("Ana")
    answer = reader.client.get("/b/dogs")
    assert 'data-river="http://r:8000"' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' http://r:8000" in policy
    assert "connect-src 'self' http://r:8000 ws://r:8000" in policy
