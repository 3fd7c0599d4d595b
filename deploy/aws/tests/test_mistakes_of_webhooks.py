"""Mistakes about webhooks and the paths of the API, planted one by one: a check catches each."""

from collections.abc import Callable

import pytest
from aws_template import Template
from aws_variants import Synthesised
from test_stack import CHECKS

Plant = Callable[[Template], None]
MISTAKES: dict[str, tuple[Plant, str, str]] = {}


def mistake(found_by: str, variant: str) -> Callable[[Plant], Plant]:
    """A mistake in a variant, and which check must find it: not just any."""

    def note(plant: Plant) -> Plant:
        MISTAKES[plant.__name__] = (plant, found_by, variant)
        return plant

    return note


@mistake("check_services", "resilient")
def sender_that_does_not_run(template: Template) -> None:
    template.one("ECS::Service", "Webhooks")["DesiredCount"] = 0


@mistake("check_webhooks", "resilient")
def sender_that_is_a_gateway(template: Template) -> None:
    (container,) = template.one("ECS::TaskDefinition", "Webhooks")["ContainerDefinitions"]
    container["Command"] = ["gateway"]


@mistake("check_webhooks", "service")
def gateways_that_know_the_webhooks(template: Template) -> None:
    (container,) = template.one("ECS::TaskDefinition", "Gateways")["ContainerDefinitions"]
    container["Environment"].append(
        {"Name": "RIVER_WEBHOOKS_FROM", "Value": "aws-secretsmanager:x"}
    )


@mistake("check_ways_out", "resilient")
def sender_that_reaches_no_receiver(template: Template) -> None:
    template.one("EC2::SecurityGroup", "WebhooksTasks")["SecurityGroupEgress"] = []


@mistake("check_readers", "resilient")
def sender_that_reads_the_api_key(template: Template) -> None:
    policy = template.one("IAM::Policy", "WebhooksTasksTaskTaskRole")["PolicyDocument"]
    policy["Statement"][0]["Resource"] = {"Ref": template.id_of("SecretsManager::Secret", "ApiKey")}


@mistake("check_alarms", "resilient")
def nobody_hears_of_what_was_given_up(template: Template) -> None:
    del template.raw["Resources"][template.id_of("CloudWatch::Alarm", "WebhooksGivenUp")]


@mistake("check_filters", "resilient")
def event_that_a_sender_does_not_log(template: Template) -> None:
    one = template.one("Logs::MetricFilter", "WebhookLossesWebhooksGivenUp")
    one["FilterPattern"] = '{ $.event = "webhook_buried" }'


@mistake("check_console", "service")
def console_for_everybody(template: Template) -> None:
    config = template.one("CloudFront::Distribution")["DistributionConfig"]
    config["CacheBehaviors"][0]["PathPattern"] = "/console*"


@mistake("check_rules", "service")
def list_of_users_that_reaches_a_gateway(template: Template) -> None:
    config = template.one("CloudFront::Distribution")["DistributionConfig"]
    config["CacheBehaviors"] = [
        one for one in config["CacheBehaviors"] if one["PathPattern"] != "/users"
    ]
    for rule in template.of("ElasticLoadBalancingV2::ListenerRule").values():
        values = rule["Conditions"][0]["PathPatternConfig"]["Values"]
        values[:] = [path for path in values if path != "/users"]


@mistake("check_rules", "default")
def clients_without_a_socket_that_cannot_publish(template: Template) -> None:
    template.one("CloudFront::Distribution")["DistributionConfig"]["CacheBehaviors"] = []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught(name: str, synthesised: dict[str, Synthesised]) -> None:
    plant, found_by, variant = MISTAKES[name]
    correct = synthesised[variant].template
    broken = correct.copy()
    plant(broken)
    check = next(one for one in CHECKS if one.__name__ == found_by)
    assert set(check(broken)) - set(check(correct))
