"""What cdk-nag's AwsSolutions finds in the stack and is meant to be so, each with its reason."""

from dataclasses import dataclass

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


@dataclass(frozen=True)
class Acknowledged:
    """A rule that is broken on purpose, and where: a part of the path of a resource."""

    rule: str
    where: str
    reason: str


ALL = (
    Acknowledged(
        "VPC7",
        "Network/Vpc/Resource",
        "Flow logs cost by the gigabyte and are of use in an investigation: turn them on then.",
    ),
    Acknowledged(
        "SMG4",
        "Secrets/Broker/Resource",
        "ElastiCache takes a new password by a deployment only; Valkey is reached from River's own"
        " security groups and nowhere else.",
    ),
    Acknowledged(
        "AEC4",
        "Broker/Valkey",
        "One node is the cheapest that is safe: publications are refused while it is away, none is"
        " lost in silence. resilient=true has a replica in the other zone.",
    ),
    Acknowledged(
        "ECS4",
        "Cluster/Resource",
        "Container Insights costs more than the gateways' own numbers, which the dashboard has.",
    ),
    Acknowledged(
        "ELB2",
        "Balancer/Balancer/Resource",
        "Access logs need a bucket that outlives the stack; the gateways log what is worth it.",
    ),
    Acknowledged(
        "ECS2",
        "Tasks/Task/Resource",
        "Settings only: secrets are read at run time by name, and a test sees to it.",
    ),
    Acknowledged(
        "IAM5[Resource::*]",
        "Handler/Role/Resource",
        "The actions by which Lambda puts a function into a network know no resources; the code of"
        " the function is denied them.",
    ),
    Acknowledged(
        "IAM5[Resource::*]",
        "Tasks/Task/ExecutionRole/DefaultPolicy/Resource",
        "ecr:GetAuthorizationToken knows no resources; it is there only with build_image.",
    ),
    Acknowledged(
        "L1",
        "Function/Resource",
        "Python 3.13 is what River and its wheels for ARM are tested with; the runtime is supported"
        " until 2029.",
    ),
    Acknowledged("CFR1", "Entry/Distribution/Resource", "River's users may be anywhere."),
    Acknowledged(
        "CFR2",
        "Entry/Distribution/Resource",
        "A web firewall costs $5 a month and more by request; River limits connections, their rate"
        " and their size itself. One can be attached to the distribution.",
    ),
    Acknowledged(
        "CFR3",
        "Entry/Distribution/Resource",
        "Access logs need a bucket that outlives the stack.",
    ),
    Acknowledged(
        "CFR4",
        "Entry/Distribution/Resource",
        "CloudFront's own certificate allows no other setting; a domain has TLS 1.2 of 2021.",
    ),
    Acknowledged(
        "APIG4",
        "PublishApi/Route",
        "The handler checks the API key itself, as it does everywhere: one way to check it.",
    ),
    Acknowledged(
        "COG2",
        "Users/Pool/Resource",
        "A second factor is for the user to choose: it is offered.",
    ),
    Acknowledged(
        "COG8",
        "Users/Pool/Resource",
        "Threat protection is of the Plus plan, which costs by user.",
    ),
    Acknowledged(
        "SNS2",
        "Alarms/Topic/Resource",
        "CloudWatch writes to an encrypted topic with a paid key of one's own only, and the names"
        " of alarms are no secret.",
    ),
)


def acknowledge(stack: Stack) -> None:
    """Write the reasons into the stack, for whoever runs cdk-nag over it."""
    for construct in stack.node.find_all():
        for one in ALL:
            if _is_at(construct, one.where):
                rule = Acknowledgment(
                    id=f"AwsSolutions::AwsSolutions-{one.rule}", reason=one.reason
                )
                Validations.of(construct).acknowledge(rule)


def _is_at(construct: IConstruct, where: str) -> bool:
    return f"/{construct.node.path}".endswith(f"/{where}")
