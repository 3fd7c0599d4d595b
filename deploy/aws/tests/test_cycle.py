"""A deployment's life, with the real commands, against the fake AWS: in the order of the file.

How it ends is in `test_removal`, which comes later: what runs meanwhile is looked at.
"""

import re
import sys

import pytest
from cloud import Cloud, Inventory
from river_life import CHANGES, Interruption, Step, deploy

pytestmark = pytest.mark.deploy


def service(cloud: Cloud) -> dict[str, object]:
    """The gateways' service."""
    there = cloud.resources()
    told = cloud.client("ecs").describe_services(
        cluster=there["ECS::Cluster"], services=[there["ECS::Service"]]
    )
    found: dict[str, object] = told["services"][0]
    return found


def image(cloud: Cloud) -> str:
    """What the gateways' tasks run."""
    wanted = service(cloud)["taskDefinition"]
    told = cloud.client("ecs").describe_task_definition(taskDefinition=wanted)
    (container,) = told["taskDefinition"]["containerDefinitions"]
    return str(container["image"])


def current(cloud: Cloud, secret: str) -> str:
    return str(cloud.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])


def changed_kinds(before: Inventory, after: Inventory) -> set[str]:
    return {kind for kind in after if after[kind] != before[kind]}


def test_a_deployment_that_fails_is_explained_and_leaves_nothing(failed: Step) -> None:
    assert "the deployment failed; all that was made is removed again" in failed.said
    assert "ECS Deployment Circuit Breaker was triggered" in failed.said
    assert "Does the image exist" in failed.said
    # What the bootstrap made stays by design; it was made by this command.
    assert "Bootstrapping 123456789012 in us-east-1" in failed.said
    assert failed.there["StackSummaries"] == {"CDKToolkit"}
    assert all("River" not in one for ones in failed.there.values() for one in ones)


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(failed: Step) -> None:
    counts = re.findall(r"^  Making: (\d+) of (\d+)$", failed.said, re.MULTILINE)
    assert [int(done) for done, _ in counts][:3] == [10, 20, 30]
    assert len({of for _, of in counts}) == 1


def test_one_command_builds_river(cloud: Cloud, built: Step) -> None:
    sys.stdout.write(built.said[built.said.rindex("River runs.") :])  # `make deploy-test` shows it.
    assert "Bootstrapping" not in built.said
    assert "About what a month costs, idle (USD" in built.said
    outputs = cloud.outputs()
    for value in outputs.values():
        assert value in built.said
    assert outputs["WebSocketUrl"].startswith("wss://")
    assert outputs["WebSocketUrl"].endswith(".cloudfront.net/ws")
    assert outputs["PublishUrl"].startswith("https://")
    for name in ("TokenSecretName", "ApiKeyName"):
        kept = current(cloud, outputs[name])
        assert len(bytes.fromhex(kept)) == 32
        assert kept not in built.said
    there = built.there
    assert len(there["Clusters"]) == len(there["LoadBalancers"]) == 1
    assert len(there["ReplicationGroups"]) == len(there["Distributions"]) == 1


def test_its_progress_is_a_bar_in_a_terminal(built: Step) -> None:
    bars = re.findall(r"^Making +[━╸╺ ]+ *(\d+)/(\d+) \d:\d\d:\d\d", built.said, re.MULTILINE)
    counts = [int(done) for done, _ in bars]
    assert counts == sorted(counts)
    # How many steps are seen between the two is up to how fast the stand-in is.
    assert len(set(counts)) > 1
    assert {of for _, of in bars} == {"96"}


@pytest.mark.parametrize("name", ["TokenSecretName", "ApiKeyName"])
def test_a_secret_is_rotated_by_the_deployed_function(cloud: Cloud, built: Step, name: str) -> None:
    del built
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


def test_a_change_is_shown_and_makes_nothing_else_anew(cloud: Cloud, changed: Interruption) -> None:
    assert "Will be changed:" in changed.shown
    assert "AWS::ECS::TaskDefinition" in changed.shown
    assert service(cloud)["desiredCount"] == 3
    assert changed_kinds(changed.before, changed.there) == {"taskDefinitionArns"}


def test_its_image_is_built_pushed_and_run(cloud: Cloud, changed: Interruption) -> None:
    del changed
    registry, _, rest = image(cloud).partition("/")
    assert registry == "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    repository, _, tag = rest.partition(":")
    there = cloud.client("ecr").list_images(repositoryName=repository)["imageIds"]
    assert [one["imageTag"] for one in there] == [tag]


def test_a_deployment_that_is_stopped_says_so_and_goes_on(changed: Interruption) -> None:
    assert changed.code == 1
    assert "river: stopped here; what CloudFormation has begun goes on" in changed.shown
    assert "Traceback" not in changed.shown
    assert "River is being changed just now (UPDATE_IN_PROGRESS)" in changed.meanwhile


def test_the_same_again_changes_nothing(cloud: Cloud, changed: Interruption) -> None:
    before, revision = cloud.inventory(), service(cloud)["taskDefinition"]
    assert before == changed.there
    # No engine runs now, and none is needed: only that there is a command is looked at.
    words = ("deploy", "aws", "--yes", "--no-smoke", *CHANGES)
    said = cloud.river(*words, environment=cloud.environment(CDK_DOCKER="true"))
    assert "nothing to change" in said
    assert cloud.outputs()["WebSocketUrl"] in said
    assert cloud.inventory() == before
    assert service(cloud)["taskDefinition"] == revision


def test_a_change_that_fails_is_taken_back(cloud: Cloud, changed: Interruption) -> None:
    del changed
    before, revision = cloud.inventory(), service(cloud)["taskDefinition"]
    said = deploy(cloud, "-c", "image=example/does-not-exist:2", code=1)
    assert "the change was taken back: what ran before runs on" in said
    assert service(cloud)["taskDefinition"] == revision
    assert cloud.inventory() == before
