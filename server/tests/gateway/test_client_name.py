"""What a client calls itself, from its query and its headers."""

import pytest

from riverd.gateway.client_name import client_name
from riverd.http.request import Request

AGENT = "Mozilla/5.0"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", AGENT),
        ("protocol=7&client=js&version=8.4.0&flash=false", f"js/8.4.0 {AGENT}"),
        ("client=river-js%2F0.1.0", f"river-js/0.1.0 {AGENT}"),
        ("version=8.4.0", AGENT),
        ("client=", AGENT),
        ("client=" + "x" * 5_000, f"{'x' * 40} {AGENT}"),
        ("client=a" + "&b=c" * 100, AGENT),
    ],
)
def test_library_of_the_query_stands_before_the_user_agent(query: str, name: str) -> None:
    assert client_name(Request("GET", "/ws", query, {"user-agent": AGENT})) == name


def test_client_without_any_name_has_an_empty_one() -> None:
    assert client_name(Request("GET", "/ws", "", {})) == ""
    assert client_name(Request("GET", "/ws", "client=curl", {})) == "curl"
