"""A second River beside the first: with other options, in the same account, it comes and goes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from cloud import Cloud, Inventory
from river_life import Step, deploy

pytestmark = pytest.mark.deploy

PROVIDER = "https://login.example.com"


def options(**chosen: str) -> list[str]:
    return [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]


@pytest.fixture(scope="module")
def before(cloud: Cloud, built: Step) -> Inventory:
    """Return what there is without it."""
    del built
    return cloud.inventory()


@pytest.fixture(scope="module")
def zone(cloud: Cloud) -> Iterator[str]:
    """Return a zone for its domain."""
    names = cloud.client("route53")
    made = names.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    yield made
    for one in records(cloud, made):
        change = {"Action": "DELETE", "ResourceRecordSet": one}
        if one["Type"] not in {"NS", "SOA"}:
            names.change_resource_record_sets(HostedZoneId=made, ChangeBatch={"Changes": [change]})
    names.delete_hosted_zone(Id=made)


@pytest.fixture(scope="module")
def second(cloud: Cloud, before: Inventory, zone: str) -> str:
    """Return what was said when it was deployed with all options that go together."""
    del before, zone
    chosen = options(
        domain="rt.example.com",
        publish="service",
        resilient="true",
        cognito="true",
        alarm_email="you@example.com",
        allowed_origins="https://app.example.com",
    )
    return deploy(cloud, "--name", "Second", *chosen)


def records(cloud: Cloud, zone: str) -> list[dict[str, Any]]:
    told = cloud.client("route53").list_resource_record_sets(HostedZoneId=zone)
    found: list[dict[str, Any]] = told["ResourceRecordSets"]
    return found


def group(cloud: Cloud, river: str) -> dict[str, Any]:
    """Its Valkey."""
    told = cloud.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    (found,) = [one for one in told if one["ReplicationGroupId"].startswith(river.lower())]
    return dict(found)


def commands(cloud: Cloud) -> dict[str, dict[str, str]]:
    """The settings of its services, by what their containers run."""
    ecs = cloud.client("ecs")
    (cluster,) = [one for one in ecs.list_clusters()["clusterArns"] if "/Second-" in one]
    found: dict[str, dict[str, str]] = {}
    for name in ecs.list_services(cluster=cluster)["serviceArns"]:
        running = ecs.describe_services(cluster=cluster, services=[name])["services"][0]
        if running["status"] == "INACTIVE":  # What was removed is listed for a while.
            continue
        told = ecs.describe_task_definition(taskDefinition=running["taskDefinition"])
        (container,) = told["taskDefinition"]["containerDefinitions"]
        settings = {one["name"]: one["value"] for one in container["environment"]}
        found[" ".join(container["command"])] = settings
    return found


def test_its_domain_leads_to_its_own_distribution(cloud: Cloud, second: str, zone: str) -> None:
    assert cloud.outputs("Second")["WebSocketUrl"] == "wss://rt.example.com/ws"
    assert "wss://rt.example.com/ws" in second
    assert cloud.outputs()["WebSocketUrl"] != "wss://rt.example.com/ws"
    targets = {
        one["AliasTarget"]["DNSName"]
        for one in records(cloud, zone)
        if one["Name"] == "rt.example.com." and one["Type"] in {"A", "AAAA"}
    }
    assert len(targets) == 1
    assert targets.pop().rstrip(".").endswith(".cloudfront.net")


def test_its_publish_api_is_a_service_behind_the_same_address(cloud: Cloud, second: str) -> None:
    del second
    assert cloud.outputs("Second")["PublishUrl"] == "https://rt.example.com"
    assert set(commands(cloud)) == {"gateway", "api"}
    names = {one["FunctionName"] for one in cloud.client("lambda").list_functions()["Functions"]}
    assert {"Second-drain", "Second-rotation"} <= names
    assert "Second-publish" not in names


def test_its_valkey_has_a_replica_that_takes_over(cloud: Cloud, second: str) -> None:
    del second
    made = cloud.control("made", {"stack": "Second"})["AWS::ElastiCache::ReplicationGroup"]
    (wanted,) = made.values()
    assert (wanted["NumCacheClusters"], wanted["AutomaticFailoverEnabled"]) == (2, True)
    assert group(cloud, "second")["AutomaticFailover"] == "enabled"
    assert group(cloud, "river")["AutomaticFailover"] == "disabled"


def test_its_gateways_take_tokens_of_its_user_pool(cloud: Cloud, second: str) -> None:
    outputs = cloud.outputs("Second")
    assert outputs["UserPoolId"] in second
    pool = cloud.client("cognito-idp").describe_user_pool(UserPoolId=outputs["UserPoolId"])
    assert pool["UserPool"]["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{outputs['UserPoolId']}"
    for settings in commands(cloud).values():
        assert settings["RIVER_JWT_ISSUER"] == issuer
        assert settings["RIVER_JWT_AUDIENCE"] == outputs["UserPoolClientId"]
        assert settings["RIVER_JWKS_URL"] == f"{issuer}/.well-known/jwks.json"
    assert commands(cloud)["gateway"]["RIVER_ALLOWED_ORIGINS"] == "https://app.example.com"


def test_its_alarms_are_sent_by_mail(cloud: Cloud, second: str) -> None:
    del second
    told = cloud.client("sns").list_subscriptions()["Subscriptions"]
    assert [(one["Protocol"], one["Endpoint"]) for one in told] == [("email", "you@example.com")]


def test_it_is_changed_to_functions_and_another_identity_provider(
    cloud: Cloud, second: str
) -> None:
    del second
    chosen = options(
        domain="rt.example.com",
        resilient="true",
        oidc_issuer=PROVIDER,
        oidc_audience="river",
        alarm_email="you@example.com",
    )
    deploy(cloud, "--name", "Second", *chosen)
    publish_url = cloud.outputs("Second")["PublishUrl"]
    assert re.fullmatch(r"https://\w+\.execute-api\.us-east-1\.amazonaws\.com/?", publish_url)
    assert list(commands(cloud)) == ["gateway"]
    assert commands(cloud)["gateway"]["RIVER_JWT_ISSUER"] == PROVIDER
    assert cloud.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
    gate = cloud.client("apigatewayv2")
    api = publish_url.removeprefix("https://").partition(".")[0]
    routes = {one["RouteKey"]: one for one in gate.get_routes(ApiId=api)["Items"]}
    (guarded,) = [key for key, one in routes.items() if one.get("AuthorizationType") == "JWT"]
    assert guarded == "ANY /oidc/{proxy+}"
    checks = gate.get_authorizer(ApiId=api, AuthorizerId=routes[guarded]["AuthorizerId"])
    assert checks["JwtConfiguration"] == {"Audience": ["river"], "Issuer": PROVIDER}


def test_it_goes_alone(cloud: Cloud, before: Inventory, zone: str, second: str) -> None:
    del second
    said = cloud.river("destroy", "aws", "--yes", "--name", "Second")
    assert "Nothing is left that costs" in said
    assert cloud.inventory() == before
    # The certificate's proof stays, as on AWS: other certificates of the domain use the same.
    assert {one["Type"] for one in records(cloud, zone)} == {"NS", "SOA", "CNAME"}
