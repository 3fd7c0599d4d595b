"""A deployment's life, with the real commands, against the fake AWS: in the order of the file."""

import sys
from collections.abc import Iterator

import pytest
from cloud import Cloud, Inventory

pytestmark = pytest.mark.deploy


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def empty(cloud: Cloud) -> Inventory:
    """What a bootstrapped account holds before anything is deployed; the first test fills it."""
    del cloud
    return {}


def deploy(cloud: Cloud, *words: str, code: int = 0) -> str:
    return cloud.river("deploy", "aws", "--yes", "--no-smoke", *words, code=code)


def gateways(cloud: Cloud, stack: str = "River") -> dict[str, str]:
    """The names of the gateways' service and its cluster."""
    told = cloud.client("cloudformation").describe_stack_resources(StackName=stack)
    found = {
        one["ResourceType"]: one["PhysicalResourceId"]
        for one in told["StackResources"]
        if one["ResourceType"] in {"AWS::ECS::Service", "AWS::ECS::Cluster"}
    }
    return {"service": found["AWS::ECS::Service"], "cluster": found["AWS::ECS::Cluster"]}


def service(cloud: Cloud, stack: str = "River") -> dict[str, object]:
    where = gateways(cloud, stack)
    told = cloud.client("ecs").describe_services(
        cluster=where["cluster"], services=[where["service"]]
    )
    found: dict[str, object] = told["services"][0]
    return found


def current(cloud: Cloud, secret: str) -> str:
    return str(cloud.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])


def test_a_deployment_that_fails_is_explained_and_leaves_nothing(
    cloud: Cloud, empty: Inventory
) -> None:
    said = deploy(cloud, "-c", "image=example/does-not-exist:1", code=1)
    assert "the deployment failed; all that was made is removed again" in said
    assert "ECS Deployment Circuit Breaker was triggered" in said
    assert "Does the image exist" in said
    left = cloud.inventory()
    # What the bootstrap made stays by design; it was made by this command.
    assert "Bootstrapping 123456789012 in us-east-1" in said
    assert left["StackSummaries"] == {"CDKToolkit"}
    assert all("River" not in one for ones in left.values() for one in ones)
    empty.update(left)


def test_one_command_builds_river(cloud: Cloud) -> None:
    said = deploy(cloud)
    sys.stdout.write(said)  # `make deploy-test` shows it.
    assert "Bootstrapping" not in said
    assert "About what a month costs, idle (USD" in said
    assert "River runs." in said
    outputs = cloud.outputs()
    for value in outputs.values():
        assert value in said
    assert outputs["WebSocketUrl"].startswith("wss://")
    assert outputs["WebSocketUrl"].endswith(".cloudfront.net/ws")
    assert outputs["PublishUrl"].startswith("https://")
    for name in ("TokenSecretName", "ApiKeyName"):
        kept = current(cloud, outputs[name])
        assert len(bytes.fromhex(kept)) == 32
        assert kept not in said
    there = cloud.inventory()
    assert len(there["Clusters"]) == len(there["LoadBalancers"]) == 1
    assert len(there["ReplicationGroups"]) == len(there["Distributions"]) == 1
    assert service(cloud)["desiredCount"] == 2


def test_the_same_again_changes_nothing(cloud: Cloud) -> None:
    before, revision = cloud.inventory(), service(cloud)["taskDefinition"]
    said = deploy(cloud)
    assert "nothing to change" in said
    assert cloud.outputs()["WebSocketUrl"] in said
    assert cloud.inventory() == before
    assert service(cloud)["taskDefinition"] == revision


@pytest.mark.parametrize("name", ["TokenSecretName", "ApiKeyName"])
def test_a_secret_is_rotated_by_the_deployed_function(cloud: Cloud, name: str) -> None:
    secret, client = cloud.outputs()[name], cloud.client("secretsmanager")
    before = current(cloud, secret)
    client.rotate_secret(SecretId=secret)
    after = current(cloud, secret)
    assert after != before
    assert len(bytes.fromhex(after)) == 32
    previous = client.get_secret_value(SecretId=secret, VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == before
    stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"].values()
    assert ["AWSPENDING"] not in stages


def test_a_change_is_shown_and_made_without_making_anything_else_anew(cloud: Cloud) -> None:
    before, revision = cloud.inventory(), service(cloud)["taskDefinition"]
    secrets = {one: current(cloud, one) for one in before["SecretList"]}
    said = deploy(cloud, "-c", "gateways=3", "-c", "drain_s=40")
    assert "Will be changed:" in said
    assert "AWS::ECS::TaskDefinition" in said
    now = service(cloud)
    assert now["taskDefinition"] != revision
    assert now["desiredCount"] == 3
    after = cloud.inventory()
    changed = {kind for kind in after if after[kind] != before[kind]}
    assert changed == {"taskDefinitionArns"}
    assert {one: current(cloud, one) for one in secrets} == secrets


def test_a_change_that_fails_is_taken_back(cloud: Cloud) -> None:
    before, revision = cloud.inventory(), service(cloud)["taskDefinition"]
    said = deploy(cloud, "-c", "image=example/does-not-exist:2", code=1)
    assert "the change was taken back: what ran before runs on" in said
    assert service(cloud)["taskDefinition"] == revision
    assert cloud.inventory() == before


def test_a_second_river_lives_beside_the_first_and_goes_alone(cloud: Cloud) -> None:
    names = cloud.client("route53")
    zone = names.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    before = cloud.inventory()
    deploy(cloud, "--name", "Second", "-c", "domain=rt.example.com")
    assert cloud.outputs("Second")["WebSocketUrl"] == "wss://rt.example.com/ws"
    assert cloud.outputs()["WebSocketUrl"] != "wss://rt.example.com/ws"
    listed = names.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    targets = {
        one["AliasTarget"]["DNSName"]
        for one in listed
        if one["Name"] == "rt.example.com." and one["Type"] in {"A", "AAAA"}
    }
    assert len(targets) == 1
    assert targets.pop().rstrip(".").endswith(".cloudfront.net")
    said = cloud.river("destroy", "aws", "--yes", "--name", "Second")
    assert "Nothing is left that costs" in said
    assert cloud.inventory() == before
    left = names.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    # The certificate's proof stays, as on AWS: other certificates of the domain use the same.
    assert {one["Type"] for one in left} == {"NS", "SOA", "CNAME"}


def test_one_command_removes_it_and_lists_what_it_removed(cloud: Cloud, empty: Inventory) -> None:
    functions = cloud.client("lambda").list_functions()["Functions"]
    there = cloud.inventory()
    said = cloud.river("destroy", "aws", "--yes")
    for name in (*there["LoadBalancers"], *there["ReplicationGroups"], *there["Distributions"]):
        assert name in said
    for function in functions:
        assert function["FunctionName"] in said
    assert "Nothing is left that costs" in said
    assert cloud.inventory() == empty
    sys.stdout.write(said)


def test_there_is_nothing_to_remove_then(cloud: Cloud) -> None:
    said = cloud.river("destroy", "aws", "--yes", code=1)
    assert "there is no River in us-east-1 of account 123456789012" in said
