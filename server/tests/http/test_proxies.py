"""Whose connection it is, when proxies stand in front."""

import pytest

from riverd.http.proxies import ClientAddresses, counted_as, parse_proxies
from riverd.http.request import Request

PROXY = "10.0.0.2"
OUTER = "10.0.0.3"
CLIENT = "198.51.100.7"
LISTED = ("10.0.0.0/28", "2001:db8:1::/64")


def request(peer: str, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("GET", "/ws", "", named, peer=peer)


def addresses(*entries: str) -> ClientAddresses:
    return ClientAddresses(parse_proxies(entries))


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("2606:4700:1:2:3:4:5:6", "2606:4700:1:2::/64"),
        ("127.0.0.1", None),
        ("192.168.1.7", None),
        ("fe80::1%eth0", None),
        ("", None),
    ],
)
def test_without_the_setting_public_peers_are_counted_and_private_ones_may_be_proxies(
    peer: str, expected: str | None
) -> None:
    found = addresses()
    assert found.of(request(peer)) == expected
    assert found.unlisted is None


@pytest.mark.parametrize("peer", ["8.8.8.8", PROXY])
@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded"])
def test_without_the_setting_what_looks_like_a_proxy_is_not_counted_but_noted(
    peer: str, header: str
) -> None:
    found = addresses()
    assert found.of(request(peer, **{header: f"for={CLIENT}"})) is None
    assert found.unlisted == peer


def test_where_there_is_no_proxy_every_peer_is_counted_whatever_it_sends() -> None:
    found = addresses("none")
    assert found.of(request(PROXY, x_forwarded_for=CLIENT)) == PROXY
    assert found.of(request("8.8.8.8", forwarded=f"for={CLIENT}")) == "8.8.8.8"
    assert found.unlisted is None


@pytest.mark.parametrize(
    "header",
    [
        CLIENT,
        f"1.1.1.1, {CLIENT}",
        f"1.1.1.1, {CLIENT}, {OUTER}",
        f"{CLIENT}:4711",
        f"10.0.0.9, {CLIENT}",
        f'",{CLIENT}',
        f"{'9.9.9.9,' * 3_000}{CLIENT}",
    ],
)
def test_newest_address_that_is_no_proxy_is_the_client(header: str) -> None:
    assert addresses(*LISTED).of(request(PROXY, x_forwarded_for=header)) == CLIENT


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"for={CLIENT}", CLIENT),
        (f"For={CLIENT};proto=https;by=203.0.113.43", CLIENT),
        (f"proto=https ; for = {CLIENT}", CLIENT),
        (f"for=1.1.1.1, for={CLIENT}", CLIENT),
        (f"for={CLIENT}, for={OUTER}", CLIENT),
        (f'for="{CLIENT}:80"', CLIENT),
        (f'for="1.1.1.1, for={CLIENT}', CLIENT),
        ('for="[2606:4700:1:2::5]:4711"', "2606:4700:1:2::/64"),
        ("for=_hidden", None),
        ("for=unknown", None),
        ("proto=https", None),
        ("", None),
    ],
)
def test_forwarded_is_read_where_there_is_no_other(header: str, expected: str | None) -> None:
    assert addresses(*LISTED).of(request(PROXY, forwarded=header)) == expected


def test_forwarded_that_the_client_invented_does_not_count_beside_the_proxys_header() -> None:
    both = request(PROXY, forwarded="for=1.1.1.1", x_forwarded_for=CLIENT)
    assert addresses(*LISTED).of(both) == CLIENT


def test_header_of_a_peer_that_is_not_listed_does_not_count() -> None:
    assert addresses(*LISTED).of(request("8.8.8.8", x_forwarded_for=CLIENT)) == "8.8.8.8"
    assert addresses(*LISTED).of(request("10.0.0.16", x_forwarded_for=CLIENT)) == "10.0.0.16"


def test_proxy_that_does_not_say_whom_it_forwards_is_noted_and_its_clients_are_not_counted() -> (
    None
):
    found = addresses(*LISTED)
    assert found.of(request(PROXY)) is None
    assert found.silent == PROXY
    assert found.of(request(PROXY, x_forwarded_for=f"{OUTER}, 10.0.0.5")) is None


def test_clients_of_one_network_of_ipv6_are_one() -> None:
    found = addresses(*LISTED)
    peers = ["2606:4700:1:2::1", "2606:4700:1:2:ffff::1", "2606:4700:1:3::1"]
    assert [found.of(request("2001:db8:1::9", x_forwarded_for=peer)) for peer in peers] == [
        "2606:4700:1:2::/64",
        "2606:4700:1:2::/64",
        "2606:4700:1:3::/64",
    ]


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("proxy.example", "no address"),
        ("10.0.0.1/24", "10.0.0.0/24"),
        ("10.0.0.0/33", "no address"),
        ("0.0.0.0/0", "everybody"),
        ("::/0", "everybody"),
        ("None", "no address"),
    ],
)
def test_entry_that_is_wrong_is_refused_with_what_was_meant(entry: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_proxies(["127.0.0.1", entry])


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        (CLIENT, CLIENT),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
    ],
)
def test_a_client_is_asked_for_by_its_address_or_as_it_is_counted(text: str, counted: str) -> None:
    assert counted_as(text) == counted
