"""What the chart keeps pods from: connecting anywhere, images that change, a broker that evicts."""

import json

import pytest
from chart import TRIAL, Rendered, Resource, rendered

BROKER = {"broker.url": "rediss://valkey.example.com:6379"}


def egress(made: Rendered, part: str) -> list[Resource]:
    policy = made.one("NetworkPolicy", f"-{part}")["spec"]
    assert "Egress" in policy["policyTypes"]
    rules: list[Resource] = policy["egress"]
    return rules


@pytest.mark.parametrize("part", ["gateway", "api"])
def test_pods_connect_to_nothing_but_dns_and_the_broker(part: str) -> None:
    dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    there = {"networkPolicy.egress.broker": '[{"ipBlock":{"cidr":"10.1.0.0/16"}}]'}
    broker = {"ports": [{"port": 6379}], "to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}
    assert egress(rendered({**BROKER, **there}), part) == [dns, broker]
    first, second = egress(rendered(TRIAL), part)
    assert (first, second["ports"]) == (dns, [{"port": "valkey"}])


def test_key_sets_are_fetched_from_outside_and_credentials_of_the_cloud_are_not() -> None:
    settings = {"settings.JWKS_URL": "https://id.example.com/jwks"}
    *_, last = egress(rendered({**BROKER, **settings}), "gateway")
    assert last["ports"] == [{"port": 443}]
    assert "169.254.0.0/16" in json.dumps(last["to"])


WEBHOOKS = {
    "a secret": {"webhooks.existingSecret": "hooks"},
    "a secret kept elsewhere": {"settings.WEBHOOKS_FROM": "aws-sm://hooks"},
    "an app": {"settings.APPS": json.dumps('[{"id":"1","webhooks":[]}]')},
    "apps kept elsewhere": {"settings.APPS_FROM": "aws-sm://apps"},
}


@pytest.mark.parametrize("values", WEBHOOKS.values(), ids=WEBHOOKS)
def test_only_the_api_reaches_receivers_of_webhooks(values: dict[str, str]) -> None:
    made = rendered({**BROKER, **values})
    *_, last = egress(made, "api")
    assert last["ports"] == [{"port": 443}]
    assert "169.254.0.0/16" in json.dumps(last["to"])
    assert len(egress(made, "gateway")) == 2


def test_receivers_within_the_cluster_can_be_named() -> None:
    shop = {"podSelector": {"matchLabels": {"app": "shop"}}}
    values = {"webhooks.ports": "[8080]", "webhooks.to": json.dumps([shop])}
    made = rendered({**BROKER, "webhooks.existingSecret": "hooks", **values})
    assert egress(made, "api")[-1] == {"ports": [{"port": 8080}], "to": [shop]}


def test_secrets_of_webhooks_are_a_file_of_the_api_alone() -> None:
    made = rendered({**BROKER, "webhooks.existingSecret": "hooks", "webhooks.key": "all"})
    source = {"RIVER_WEBHOOKS_FROM": "file:///run/river/webhooks/webhooks"}
    assert source.items() <= made.environment("api").items()
    [volume] = [one for one in made.pod("api")["volumes"] if one["name"] == "webhooks"]
    assert volume["secret"]["items"] == [{"key": "all", "path": "webhooks"}]
    assert "webhooks" not in json.dumps(made.pod("gateway"))


def test_apps_without_webhooks_open_nothing() -> None:
    made = rendered({**BROKER, "settings.APPS": json.dumps('[{"id":"1"}]')})
    assert len(egress(made, "api")) == 2


def test_image_is_named_by_its_digest_where_one_is_given() -> None:
    digest = f"sha256:{64 * 'a'}"
    text = rendered({**BROKER, "image.digest": digest}).text
    assert f"riverlive/river@{digest}" in text
    assert "riverlive/river:" not in text


def test_a_full_valkey_of_the_trial_refuses_writes() -> None:
    (script,) = rendered(TRIAL).container("valkey")["args"]
    assert "--maxmemory 192mb --maxmemory-policy noeviction" in script
