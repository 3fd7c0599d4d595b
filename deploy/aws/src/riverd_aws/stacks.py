"""The stack as CloudFormation sees it: how it stands, what is in it, what happened to it."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import msgspec

from riverd_aws.account import Account, AwsError
from riverd_aws.failure import Failure

POLL_S = 2.0
WAIT_S_MAX = 3_600.0
DESCRIPTION = "River:"
"""How the description of every stack of River begins: no other is touched."""
STACK_TYPE = "AWS::CloudFormation::Stack"


class Output(msgspec.Struct, rename="pascal"):
    """One of what the stack tells."""

    output_key: str
    output_value: str


class Stack(msgspec.Struct, rename="pascal", kw_only=True):
    """How a stack stands."""

    stack_id: str
    stack_name: str
    stack_status: str
    description: str = ""
    outputs: list[Output] = []

    @property
    def is_busy(self) -> bool:
        """Whether something is being done to it."""
        return self.stack_status.endswith("_IN_PROGRESS") and not self.is_empty

    @property
    def is_empty(self) -> bool:
        """Whether it is a record alone: nothing was made, or all of it was removed again."""
        return self.stack_status in {"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"}

    @property
    def values(self) -> dict[str, str]:
        """Its outputs."""
        return {one.output_key: one.output_value for one in self.outputs}


class Event(msgspec.Struct, rename="pascal", kw_only=True):
    """One thing that happened to a stack."""

    event_id: str
    logical_resource_id: str
    resource_type: str
    resource_status: str
    timestamp: datetime
    physical_resource_id: str = ""
    resource_status_reason: str = ""

    @property
    def is_done(self) -> bool:
        """Whether a resource is finished with."""
        return self.resource_type != STACK_TYPE and self.resource_status.endswith("_COMPLETE")

    @property
    def is_cause(self) -> bool:
        """Whether it is why something failed: not the resources that were given up after it."""
        reason = self.resource_status_reason
        return (
            self.resource_type != STACK_TYPE
            and self.resource_status.endswith("_FAILED")
            and "cancelled" not in reason.lower()
        )


class Resource(msgspec.Struct, rename="pascal", kw_only=True):
    """One resource of a stack."""

    logical_resource_id: str
    resource_type: str
    resource_status: str
    physical_resource_id: str = ""


class _Stacks(msgspec.Struct, rename="pascal"):
    stacks: list[Stack]


class _Events(msgspec.Struct, rename="pascal"):
    stack_events: list[Event]


class _Resources(msgspec.Struct, rename="pascal"):
    stack_resource_summaries: list[Resource]


def find(account: Account, name: str) -> Stack | None:
    """A stack by its name or id, None if there is none.

    Raises:
        Failure: there is one, and it is not River's.
    """
    try:
        stack = account.ask("cloudformation:describe_stacks", _Stacks, StackName=name).stacks[0]
    except AwsError as error:
        if error.is_missing:
            return None
        raise
    if stack.description and not stack.description.startswith(DESCRIPTION):
        raise Failure(
            f"there is a stack {stack.stack_name} in {account.region} that is not River's "
            f"({stack.description!r}): choose another --name"
        )
    return stack


def resources(account: Account, stack: Stack) -> list[Resource]:
    """All that is in a stack."""
    pages = account.pages(
        "cloudformation:list_stack_resources", _Resources, StackName=stack.stack_id
    )
    found = [one for page in pages for one in page.stack_resource_summaries]
    return [one for one in found if one.resource_status != "DELETE_COMPLETE"]


def events_after(account: Account, stack_id: str, *, last: str) -> list[Event]:
    """What happened since the event with this id, the oldest first; the empty id asks for all."""
    fresh: list[Event] = []
    for page in account.pages("cloudformation:describe_stack_events", _Events, StackName=stack_id):
        for event in page.stack_events:
            if event.event_id == last:
                return fresh[::-1]
            fresh.append(event)
    return fresh[::-1]


class Watch:
    """Follows the events of one change of a stack, from now on."""

    def __init__(self, account: Account, stack: Stack | None) -> None:
        self._account = account
        self.seen: list[Event] = []
        self._last = ""
        if stack is not None:
            before = events_after(account, stack.stack_id, last="")
            self._last = before[-1].event_id if before else ""

    def look(self, stack_id: str) -> list[Event]:
        """What is new."""
        fresh = events_after(self._account, stack_id, last=self._last)
        if fresh:
            self._last = fresh[-1].event_id
            self.seen += fresh
        return fresh

    @property
    def causes(self) -> list[Event]:
        """Why it failed, if it did."""
        return [one for one in self.seen if one.is_cause]


def delete(
    account: Account, stack: Stack, *, tell: Callable[[list[Event]], None]
) -> tuple[str, Watch]:
    """Have a stack removed, and wait until it is, or until it cannot be: its last status."""
    watch = Watch(account, stack)
    account.ask("cloudformation:delete_stack", dict, StackName=stack.stack_id)
    for status in _states(account, stack.stack_id):
        tell(watch.look(stack.stack_id))
        if not status.endswith("_IN_PROGRESS"):
            return status, watch
    raise Failure(f"{stack.stack_name} is not removed after {WAIT_S_MAX:.0f} s: see its console")


def _states(account: Account, stack_id: str) -> Iterator[str]:
    deadline = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < deadline:
        stack = find(account, stack_id)
        yield "DELETE_COMPLETE" if stack is None else stack.stack_status
        time.sleep(POLL_S)


KINDS: Mapping[str, str] = {
    "AWS::ApiGatewayV2": "HTTP API",
    "AWS::ApplicationAutoScaling": "scaling",
    "AWS::CertificateManager": "certificate",
    "AWS::CloudFront": "CloudFront",
    "AWS::CloudWatch": "dashboard and alarms",
    "AWS::Cognito": "user pool",
    "AWS::EC2": "network",
    "AWS::ECS": "gateways on Fargate",
    "AWS::ElastiCache": "Valkey",
    "AWS::ElasticLoadBalancingV2": "load balancer",
    "AWS::Events": "drain sign",
    "AWS::IAM": "roles",
    "AWS::Lambda": "functions",
    "AWS::Logs": "logs",
    "AWS::Route53": "names",
    "AWS::SNS": "alarm messages",
    "AWS::SecretsManager": "secrets",
}
"""The services, in a reader's words."""


def service_of(kind: str) -> str:
    """The service of a resource's type, in a reader's words."""
    return KINDS.get(kind.rpartition("::")[0], kind)
