"""RIVER_WEBHOOKS: what is accepted, and what is said of the rest."""

import json
from ipaddress import ip_address, ip_network

import pytest

from riverd.auth.webhooks import (
    PRIVATE_NETWORKS,
    check_networks,
    endpoints_of,
    is_allowed,
    parse_webhooks,
    sign,
)
from riverd.errors import SettingsError

SECRET = "a-secret-of-webhooks-0123456789"
GOOD = {"url": "https://example.com/hook?a=b", "events": ["cache_miss"], "secret": SECRET}


def refusal(*webhooks: object, text: str | None = None) -> str:
    with pytest.raises(SettingsError) as refused:
        parse_webhooks("RIVER_WEBHOOKS", json.dumps(webhooks) if text is None else text)
    assert SECRET not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"events": ["chanel_occupied"]}, "events are channel_occupied, channel_vacated"),
        ({"events": []}, "events"),
        ({"url": "ftp://example.com/"}, "webhook 1: url: not an http(s) URL"),
        ({"url": "https:///hook"}, "url: not an http(s) URL"),
        ({"url": "https://exa mple.com/"}, "url: not an http(s) URL"),
        ({"url": "https://example.com:0/"}, "url: not an http(s) URL"),
        ({"url": "https://ann:pw@example.com/"}, "has a user or password"),
        ({"url": "https://example.com/#here"}, "has a fragment"),
        ({"secret": "short"}, "secret: shorter than 24 bytes"),
        ({"secret": "whsec_***"}, "secret: what follows whsec_ is not Base64"),
        ({"name": "a b"}, "name"),
        ({"chanels": "*"}, "chanels"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(change: dict[str, object], says: str) -> None:
    said = refusal({**GOOD, **change})
    assert said.startswith("RIVER_WEBHOOKS: ")
    assert says in said
    assert "\n" not in said


def test_what_is_no_list_of_webhooks_is_refused() -> None:
    assert "RIVER_WEBHOOKS" in refusal(text="{")
    assert "RIVER_WEBHOOKS" in refusal(text="[" * 100_000)
    assert "two webhooks" in refusal(GOOD, GOOD)
    assert "more than 100" in refusal(*[{**GOOD, "name": f"w{n}"} for n in range(101)])


def test_a_webhook_keeps_its_queue_under_its_name_or_its_url_and_channels() -> None:
    named = {**GOOD, "name": "mine"}
    other = {**GOOD, "channels": "chat-*"}
    first, second, third = endpoints_of(
        parse_webhooks("RIVER_WEBHOOKS", json.dumps([named, GOOD, other]))
    )
    assert first.id == "mine"
    assert second.id != third.id
    rotated = {**GOOD, "secret": SECRET[::-1], "events": ["test", "cache_miss"][1:]}
    assert endpoints_of(parse_webhooks("X", json.dumps([rotated])))[0].id == second.id
    assert first.shown_url == "https://example.com/hook"


@pytest.mark.parametrize(
    ("address", "with_private"),
    [
        ("10.1.2.3", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("100.64.0.1", True),
        ("fd12::1", True),
        ("::ffff:10.1.2.3", True),
        ("169.254.169.254", False),
        ("fd00:ec2::254", False),
        ("fd20:ce::254", False),
        ("fd00:c1::a9fe:a9fe", False),
        ("100.100.100.200", False),
        ("168.63.129.16", False),
        ("::ffff:168.63.129.16", False),
        ("64:ff9b:1::a9fe:a9fe", False),
        ("::127.0.0.1", False),
        ("fec0::1", False),
        ("fe80::1", False),
        ("0.0.0.0", False),  # noqa: S104  nobody listens here
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:a9fe:a9fe::1", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("::ffff:169.254.169.254", False),
    ],
)
def test_addresses_that_are_not_public_are_refused_unless_they_are_allowed(
    address: str, *, with_private: bool
) -> None:
    found = ip_address(address)
    assert not is_allowed(found, ())
    assert is_allowed(found, PRIVATE_NETWORKS) == with_private


def test_metadata_has_to_be_allowed_by_its_own_address() -> None:
    found = ip_address("168.63.129.16")
    assert not is_allowed(found, (ip_network("168.63.0.0/16"),))
    assert is_allowed(found, (ip_network("168.63.129.16"),))


def test_public_addresses_are_allowed() -> None:
    assert all(is_allowed(ip_address(one), ()) for one in ("1.1.1.1", "2606:4700::1111"))


def test_an_address_in_a_url_is_looked_at_with_the_settings() -> None:
    made = endpoints_of(
        parse_webhooks("X", json.dumps([{**GOOD, "url": "http://10.0.0.7/hook?token=x"}]))
    )
    with pytest.raises(SettingsError, match="RIVER_WEBHOOK_NETWORKS") as refused:
        check_networks("RIVER_WEBHOOKS", made, allowed=())
    assert "token" not in str(refused.value)
    check_networks("RIVER_WEBHOOKS", made, allowed=PRIVATE_NETWORKS)


def test_signatures_are_those_of_standard_webhooks() -> None:
    # The example of its specification.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    made = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
