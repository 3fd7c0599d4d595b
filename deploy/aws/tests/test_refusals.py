"""What `river deploy aws` says when something is wrong before it begins: it does nothing then."""

from collections.abc import Iterator

import pytest
from cloud import Cloud

pytestmark = pytest.mark.deploy


PLACE = "eu-west-1"
"""Another region than that of the other tests: here nothing is bootstrapped, and nothing made."""


@pytest.fixture(scope="module", autouse=True)
def others(cloud: Cloud) -> Iterator[str]:
    """Return the zone of a domain, beside which there is a stack of somebody else."""
    names = cloud.client("route53")
    zone = names.create_hosted_zone(Name="example.org", CallerReference="2")["HostedZone"]["Id"]
    template = '{"Description": "Of others", "Resources": {"P": {"Type": "AWS::SSM::Parameter", '
    template += '"Properties": {"Type": "String", "Value": "1"}}}}'
    stacks = cloud.client("cloudformation", PLACE)
    made = stacks.create_change_set(
        StackName="Theirs", ChangeSetName="a", ChangeSetType="CREATE", TemplateBody=template
    )
    stacks.execute_change_set(ChangeSetName=made["Id"])
    yield zone.rpartition("/")[2]
    stacks.delete_stack(StackName="Theirs")
    names.delete_hosted_zone(Id=zone)


@pytest.fixture(autouse=True)
def nothing_is_made(cloud: Cloud) -> Iterator[None]:
    yield
    stacks = cloud.client("cloudformation", PLACE).list_stacks()["StackSummaries"]
    assert {one["StackName"] for one in stacks} == {"Theirs"}


def without(cloud: Cloud, *names: str) -> dict[str, str]:
    here = cloud.environment(AWS_REGION=PLACE)
    return {key: one for key, one in here.items() if key not in names}


def refused(cloud: Cloud, *words: str, code: int = 2) -> str:
    """What `river deploy aws` says in this region, where it does nothing."""
    here = without(cloud)
    return cloud.river("deploy", "aws", *words, code=code, environment=here)


def test_no_credentials(cloud: Cloud) -> None:
    environment = without(cloud, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    said = cloud.river("deploy", "aws", "--yes", code=2, environment=environment)
    assert said.startswith("river: there are no AWS credentials: set AWS_ACCESS_KEY_ID")
    assert "aws sso login" in said


def test_no_such_profile(cloud: Cloud) -> None:
    said = refused(cloud, "--yes", "--profile", "nobody")
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
    said = refused(cloud, "--yes", "-c", option)
    assert words in said


def test_a_domain_that_no_zone_is_for(cloud: Cloud) -> None:
    said = refused(cloud, "--yes", "-c", "domain=rt.example.com")
    assert "no Route 53 zone of this account is for it (zones: example.org)" in said


def test_a_domain_in_a_zone_of_another(cloud: Cloud, others: str) -> None:
    options = ["-c", "domain=rt.example.com", "-c", f"hosted_zone_id={others}"]
    said = refused(cloud, "--yes", *options)
    assert f"the zone {others} is that of example.org, where it has no place" in said


def test_a_zone_that_is_not_there(cloud: Cloud) -> None:
    options = ["-c", "domain=rt.example.org", "-c", "hosted_zone_id=Z0NOTHERE"]
    said = refused(cloud, "--yes", *options)
    assert "hosted_zone_id=Z0NOTHERE: this account has no such zone" in said


def test_a_plan_is_shown_and_nothing_is_made(cloud: Cloud) -> None:
    said = refused(cloud, "--plan", "--connections", "1000", code=0)
    assert "The CDK's bootstrap is missing here" in said
    assert "Will be made, " in said
    assert "About what a month costs, with 1,000 connections" in said


def test_nobody_to_ask(cloud: Cloud) -> None:
    for command in ("deploy", "destroy"):
        said = cloud.river(command, "aws", code=2)
        assert "there is no terminal to ask in: pass --yes" in said


def test_a_stack_of_others_is_left_alone(cloud: Cloud) -> None:
    said = cloud.river(
        "destroy", "aws", "--yes", "--name", "Theirs", code=1, environment=without(cloud)
    )
    assert "that is not River's ('Of others'): choose another --name" in said


def test_the_options_are_listed_without_an_account(cloud: Cloud) -> None:
    said = cloud.river("deploy", "aws", "-c", "help", environment=without(cloud, "AWS_REGION"))
    assert "drain_s" in said
    assert "resilient" in said


def test_expired_credentials(cloud: Cloud) -> None:
    cloud.control("refuse", {"sts": "ExpiredToken"})
    try:
        said = refused(cloud, "--yes")
        gone = cloud.river("destroy", "aws", "--yes", code=2)
    finally:
        cloud.control("refuse", {})
    assert said == gone == "river: the AWS credentials have expired: sign in again\n"


def test_credentials_that_may_not_deploy(cloud: Cloud) -> None:
    cloud.control("refuse", {"ssm": "AccessDeniedException", "ec2": "UnauthorizedOperation"})
    try:
        said = refused(cloud, "--yes", code=1)
    finally:
        cloud.control("refuse", {})
    assert "these credentials may not ec2:describe_managed_prefix_lists: ec2 says" in said
    assert said.endswith("Deploying needs an administrator\n")


def test_credentials_that_may_not_ask_for_stacks(cloud: Cloud) -> None:
    cloud.control("refuse", {"cloudformation": "AccessDenied"})
    try:
        said = refused(cloud, "--yes", code=1)
    finally:
        cloud.control("refuse", {})
    assert "these credentials may not cloudformation:describe_stacks: " in said


def test_an_image_that_cannot_be_built_here(cloud: Cloud) -> None:
    here = cloud.environment(AWS_REGION=PLACE, CDK_DOCKER="false")
    words = ("deploy", "aws", "--yes", "-c", "build_image=true")
    said = cloud.river(*words, code=2, environment=here)
    assert "build_image: Docker does not answer here (`false version`): start it, or leave" in said
