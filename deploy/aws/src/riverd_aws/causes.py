"""What may go wrong while a stack is made, and what helps."""

import re
from collections.abc import Iterable

from riverd_aws.stacks import Event, service_of

_CURES = (
    (
        r"circuit breaker",
        (
            "the gateways did not become healthy. Does the image exist, may it be pulled, is it "
            "for ARM? The gateways' log group and the stopped tasks in the ECS console say more"
        ),
    ),
    (
        r"LimitExceeded|quota|maximum number|too many",
        (
            "the account's quota is used up: remove what is not needed, or ask for more in the "
            "Service Quotas console"
        ),
    ),
    (
        r"not authorized|AccessDenied|UnauthorizedOperation|explicit deny",
        (
            "CloudFormation's role may not do that: bootstrap with a policy that allows it "
            "(`cdk bootstrap --cloudformation-execution-policies`)"
        ),
    ),
    (
        r"already exists|AlreadyExists|ResourceExistsException",
        "something of that name is there already: remove it, or choose another --name",
    ),
    (
        r"not permitted in zone|NoSuchHostedZone|validation",
        "the domain's zone does not fit: is it the one that the domain's name servers ask?",
    ),
    (
        r"scheduled for deletion",
        "a secret of that name is still being deleted: wait, or choose another --name",
    ),
    (
        r"not (supported|available)|Unsupported|InsufficientCapacity|capacity",
        "this zone or region does not have it: choose another region, or zones with -c zones=",
    ),
)


def explained(causes: Iterable[Event]) -> list[str]:
    """A line for each resource that failed, and one for what helps where that is known."""
    lines: list[str] = []
    for event in causes:
        reason = event.resource_status_reason or "AWS gave no reason"
        lines.append(
            f"{event.logical_resource_id} ({service_of(event.resource_type)}, "
            f"{event.resource_type}): {reason}"
        )
        cure = next((one for words, one in _CURES if re.search(words, reason, re.IGNORECASE)), "")
        if cure:
            lines.append(f"  -> {cure}")
    return lines
