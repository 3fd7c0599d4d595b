"""What a user may choose, and the one line for each mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from riverd_aws.options import NAMES, Options, OptionsError, check_region, parse

WRONG = {
    "gatewys=3": "gatewys: there is no such option; there are name, image,",
    "task-cpu=512": "task-cpu: there is no such option",
    "gateways=two": "gateways=two: that is no whole number",
    "gateways=0": "gateways=0: it must be from 1 to 100",
    "gateways=20": "gateways_max=10: it must not be less than gateways=20",
    "task_cpu=300": "task_cpu=300: Fargate has 256, 512, 1024, 2048, 4096",
    "task_memory=4096": "task_memory=4096: with task_cpu=256 Fargate has 512, 1024, 2048",
    "cache_node=cache.t4g.mikro": "cache_node=cache.t4g.mikro: it must be one of cache.t3.micro,",
    "resilient=perhaps": "resilient=perhaps: it must be true or false",
    "name=my river": "name=my river: it must be letters, digits and dashes",
    "domain=rt.example.com": "domain: pass hosted_zone_id too",
    "domain=https://rt.example.com": "it must be a domain, for example rt.example.com",
    "hosted_zone_id=Z0123": "hosted_zone_id: it is of use only with domain",
    "certificate_arn=arn:aws:acm:eu-west-1:123456789012:certificate/a": "certificate in us-east-1",
    "oidc_issuer=http://login.example.com": "login.example.com: it must be an https:// address",
    "oidc_issuer=https://login.example.com": "oidc_issuer: pass oidc_audience too",
    "oidc_audience=river": "oidc_audience: it is of use only with oidc_issuer",
    "publish=cloud": "publish=cloud: it must be lambda or service",
    "drain_s=300": "drain_s=300: it must be from 5 to 90",
    "zones=us-east-1a": "zones=us-east-1a: it must be two zones",
    "zones=us-east-1a,us-east-1a": "it must be two zones",
    "alarm_email=you": "alarm_email=you: it must be an e-mail address",
    "webhooks_secret=river/webhooks": "it must be the whole ARN of a secret in Secrets Manager",
    "webhooks_secret=arn:aws:secretsmanager:eu-west-1:123456789012:secret:river/hooks": "whole ARN",
    "prefix_list_id=sg-1": "it must be the id of a prefix list",
    "image=river image": "image=river image: it must be an image's name",
}


@pytest.mark.parametrize("given", WRONG)
def test_mistake_is_one_line_that_names_the_option(given: str) -> None:
    name, _, value = given.partition("=")
    with pytest.raises(OptionsError) as error:
        parse({name: value})
    assert WRONG[given] in str(error.value)
    assert "\n" not in str(error.value)


def test_one_identity_provider_is_enough() -> None:
    given = {"cognito": "true", "oidc_issuer": "https://login.example.com", "oidc_audience": "a"}
    with pytest.raises(OptionsError, match="one identity provider"):
        parse(given)


def test_texts_of_the_command_line_and_values_of_a_file_are_the_same() -> None:
    typed = parse({"gateways": "3", "resilient": "true", "allowed_origins": "https://a, https://b"})
    written = parse(
        {"gateways": 3, "resilient": True, "allowed_origins": ["https://a", "https://b"]}
    )
    assert typed == written
    assert typed.allowed_origins == ("https://a", "https://b")


def test_empty_options_are_as_if_absent() -> None:
    assert parse({"domain": "", "gateways": None}) == Options()


def test_the_toolkits_own_context_is_not_ours() -> None:
    context = {"aws:cdk:bundling-stacks": ["**"], "@aws-cdk/core:x": True, "gateways": "3"}
    assert parse(context) == Options(gateways=3)


def test_every_option_is_explained() -> None:
    assert list(NAMES) == list(Options.__dataclass_fields__)


def test_certificate_is_made_in_one_region_only() -> None:
    chosen = parse({"domain": "rt.example.com", "hosted_zone_id": "Z0123456789ABC"})
    check_region(chosen, "us-east-1")
    check_region(chosen, None)
    with pytest.raises(
        OptionsError, match=r"goes to eu-west-1: make a certificate for rt\.example"
    ):
        check_region(chosen, "eu-west-1")


def test_app_ends_with_the_line_and_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "CDK_CONTEXT_JSON": json.dumps({"gateways": "none"})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "river: gateways=none: that is no whole number\n"


def test_the_command_starts_no_construct() -> None:
    # They start a process of Node.js, which is slow, and complains when Ctrl-C ends it first.
    program = (
        "import sys, riverd_aws.command, riverd_aws.deployment, riverd_aws.removal\n"
        "print([name for name in sys.modules if name in ('jsii', 'aws_cdk')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
