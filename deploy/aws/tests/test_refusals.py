"""What `river deploy aws` says when something is wrong before it begins: it does nothing then."""

from collections.abc import Iterator

import pytest
from cloud import Cloud

pytestmark = pytest.mark.deploy


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    zones = started.client("route53")
    zones.create_hosted_zone(Name="example.org", CallerReference="1")
    template = '{"Description": "Of others", "Resources": {"P": {"Type": "AWS::SSM::Parameter", '
    template += '"Properties": {"Type": "String", "Value": "1"}}}}'
    made = started.client("cloudformation").create_change_set(
        StackName="Theirs", ChangeSetName="a", ChangeSetType="CREATE", TemplateBody=template
    )
    started.client("cloudformation").execute_change_set(ChangeSetName=made["Id"])
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def nothing_is_made(cloud: Cloud) -> Iterator[None]:
    yield
    stacks = cloud.client("cloudformation").list_stacks()["StackSummaries"]
    assert {one["StackName"] for one in stacks} == {"Theirs"}


def without(cloud: Cloud, *names: str) -> dict[str, str]:
    return {key: one for key, one in cloud.environment().items() if key not in names}


def test_no_credentials(cloud: Cloud) -> None:
    environment = without(cloud, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    said = cloud.river("deploy", "aws", "--yes", code=2, environment=environment)
    assert said.startswith("river: there are no AWS credentials: set AWS_ACCESS_KEY_ID")
    assert "aws sso login" in said


def test_no_such_profile(cloud: Cloud) -> None:
    said = cloud.river("deploy", "aws", "--yes", "--profile", "nobody", code=2)
    assert "profile (nobody) could not be found: `aws configure list-profiles`" in said


def test_no_region(cloud: Cloud) -> None:
    said = cloud.river("deploy", "aws", "--yes", code=2, environment=without(cloud, "AWS_REGION"))
    assert said.startswith("river: no region is chosen: pass --region")


def test_no_such_region(cloud: Cloud) -> None:
    said = cloud.river("deploy", "aws", "--yes", "--region", "eu-middle-1", code=2)
    assert said.startswith("river: there is no region eu-middle-1; there are eu-")


def test_a_region_without_a_service(cloud: Cloud) -> None:
    cloud.control("lack", {"elasticache": "", "lambda": ""})
    try:
        said = cloud.river("deploy", "aws", "--yes", "--region", "eu-west-1", code=2)
    finally:
        cloud.control("lack", {})
    assert "eu-west-1 has no ElastiCache and no Lambda, which River needs" in said


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("gateways=0", "-c gateways=0: it must be from 1"),
        ("gatways=2", "-c gatways: there is no such option"),
        ("gateways", "-c gateways: it must be KEY=VALUE"),
    ],
)
def test_a_wrong_option(cloud: Cloud, option: str, words: str) -> None:
    said = cloud.river("deploy", "aws", "--yes", "-c", option, code=2)
    assert words in said


def test_a_domain_that_no_zone_is_for(cloud: Cloud) -> None:
    said = cloud.river("deploy", "aws", "--yes", "-c", "domain=rt.example.com", code=2)
    assert "no Route 53 zone of this account is for it (zones: example.org)" in said


def test_a_domain_in_a_zone_of_another(cloud: Cloud) -> None:
    zone = cloud.client("route53").list_hosted_zones()["HostedZones"][0]["Id"].split("/")[-1]
    options = ["-c", "domain=rt.example.com", "-c", f"hosted_zone_id={zone}"]
    said = cloud.river("deploy", "aws", "--yes", *options, code=2)
    assert f"the zone {zone} is that of example.org, where it has no place" in said


def test_a_zone_that_is_not_there(cloud: Cloud) -> None:
    options = ["-c", "domain=rt.example.org", "-c", "hosted_zone_id=Z0NOTHERE"]
    said = cloud.river("deploy", "aws", "--yes", *options, code=2)
    assert "hosted_zone_id=Z0NOTHERE: this account has no such zone" in said


def test_a_plan_is_shown_and_nothing_is_made(cloud: Cloud) -> None:
    said = cloud.river("deploy", "aws", "--plan", "--connections", "1000")
    assert "The CDK's bootstrap is missing here" in said
    assert "Will be made, " in said
    assert "About what a month costs, with 1,000 connections" in said


def test_nobody_to_ask(cloud: Cloud) -> None:
    for command in ("deploy", "destroy"):
        said = cloud.river(command, "aws", code=2)
        assert "there is no terminal to ask in: pass --yes" in said


def test_a_stack_of_others_is_left_alone(cloud: Cloud) -> None:
    said = cloud.river("destroy", "aws", "--yes", "--name", "Theirs", code=1)
    assert "that is not River's ('Of others'): choose another --name" in said


def test_the_options_are_listed_without_an_account(cloud: Cloud) -> None:
    said = cloud.river("deploy", "aws", "-c", "help", environment=without(cloud, "AWS_REGION"))
    assert "drain_s" in said
    assert "resilient" in said
