"""Checks of rights: each role has those that it uses, on what it uses them on."""

from collections.abc import Iterator
from typing import Any

from aws_template import WEBHOOKS, Check, Finding, Template, listed, target, text

READ = "secretsmanager:GetSecretValue"
READERS = {
    "Gateways": {"Token", "Broker"},
    "Drain": {"Broker"},
    "PublishApi": {"Token", "ApiKey", "Broker"},
    "PublishService": {"Token", "ApiKey", "Broker"},
    "Rotation": {"Token", "ApiKey"},
    "Webhooks": {"Webhooks", "Broker"},
}
"""Which secrets each part reads."""

ANYTHING = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "ecr:GetAuthorizationToken",
}
"""Actions that know no resources."""

SERVICES = {"lambda.amazonaws.com", "ecs-tasks.amazonaws.com"}
Statement = dict[str, Any]


def statements(template: Template) -> Iterator[tuple[str, Statement]]:
    """All that is allowed or denied to roles, by the id of the role."""
    for name, role in template.of("IAM::Role").items():
        for policy in role.get("Policies", []):
            for one in policy["PolicyDocument"]["Statement"]:
                yield name, one
    for policy in template.of("IAM::Policy").values():
        for one in policy["PolicyDocument"]["Statement"]:
            for role in policy["Roles"]:
                yield target(role), one


def check_actions(template: Template) -> Iterator[Finding]:
    for role, one in statements(template):
        actions = set(listed(one["Action"]))
        if "NotAction" in one or any("*" in action for action in actions):
            yield f"{role}: may do more than it says: {actions}"
        everywhere = any(resource == "*" for resource in listed(one.get("Resource")))
        if everywhere and one["Effect"] == "Allow" and not actions <= ANYTHING:
            yield f"{role}: may do {actions} to everything"


def check_functions_leave_the_network_alone(template: Template) -> Iterator[Finding]:
    allowed: dict[str, set[str]] = {}
    denied: dict[str, set[str]] = {}
    for role, one in statements(template):
        network = {action for action in listed(one["Action"]) if action.startswith("ec2:")}
        where = allowed if one["Effect"] == "Allow" else denied
        where.setdefault(role, set()).update(network)
    for role, actions in allowed.items():
        if actions - denied.get(role, set()):
            yield f"{role}: the code of the function may change the network"


def check_roles(template: Template) -> Iterator[Finding]:
    for name, role in template.of("IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            yield f"{name}: has rights that somebody else chooses"
        for one in role["AssumeRolePolicyDocument"]["Statement"]:
            principal = one["Principal"]
            if set(principal) != {"Service"} or principal["Service"] not in SERVICES:
                yield f"{name}: {principal} may take it"


def check_readers(template: Template) -> Iterator[Finding]:
    secrets = {
        name: next(part for part in ("Token", "ApiKey", "Broker") if part in name)
        for name in template.of("SecretsManager::Secret")
    }
    names = {WEBHOOKS: "Webhooks"}
    read: dict[str, set[str]] = {}
    for role, one in statements(template):
        if READ in listed(one["Action"]):
            part = next(part for part in READERS if role.startswith(part))
            found = {
                secrets.get(target(one)) or names.get(text(one), text(one))
                for one in listed(one["Resource"])
            }
            read.setdefault(part, set()).update(found)
    api = "PublishService" if template.has_service() else "PublishApi"
    sender = ["Webhooks"] if template.has_sender() else []
    for part in ("Gateways", "Drain", "Rotation", api, *sender):
        wanted = set(READERS[part])
        if part == "PublishService" and template.has_webhooks():
            wanted.add("Webhooks")
        if read.get(part) != wanted:
            yield f"{part} reads {read.get(part)}, not {wanted}"


def check_tasks_take_roles(template: Template) -> Iterator[Finding]:
    for name, task in template.of("ECS::TaskDefinition").items():
        running, starting = target(task.get("TaskRoleArn")), target(task.get("ExecutionRoleArn"))
        if not running or running == starting:
            yield f"{name}: River runs with the rights that start it"
        for role, one in statements(template):
            if role == starting and READ in listed(one["Action"]):
                yield f"{name}: what starts it reads secrets"


def check_door(template: Template) -> Iterator[Finding]:
    endpoint = template.one("EC2::VPCEndpoint")
    if not endpoint.get("PrivateDnsEnabled"):
        yield "functions look for Secrets Manager where they cannot reach it"
    for one in endpoint.get("PolicyDocument", {}).get("Statement", [{}]):
        if listed(one.get("Action")) != [READ]:
            yield "the door lets through more than reading"
        named = {target(resource) or text(resource) for resource in listed(one.get("Resource"))}
        webhooks = {WEBHOOKS} if template.has_webhooks() else set()
        if named != set(template.of("SecretsManager::Secret")) | webhooks:
            yield "the door leads to other secrets as well"
        if "aws:PrincipalAccount" not in str(one.get("Condition")):
            yield "the door is open to other accounts"


CHECKS: tuple[Check, ...] = (
    check_actions,
    check_functions_leave_the_network_alone,
    check_roles,
    check_readers,
    check_tasks_take_roles,
    check_door,
)
