"""Removes a deployment, and looks whether it is gone."""

from collections import Counter

from rich.console import Console
from rich.text import Text

from riverd_aws import inventory, leftovers, stacks
from riverd_aws.account import Account
from riverd_aws.causes import explained
from riverd_aws.failure import Failure
from riverd_aws.plan import by_service
from riverd_aws.rollout import ProgressBar
from riverd_aws.stacks import Resource, Stack


def show(console: Console, stack: Stack, *, resources: list[Resource]) -> None:
    """What is going to be removed."""
    services = by_service(Counter(one.resource_type for one in resources))
    console.print(f"\nWill be removed, {len(resources)} resources of {stack.stack_name}:")
    listed = [f"{words} ({number})" for words, number in services.most_common()]
    console.print(Text(f"  {', '.join(listed)}"))
    console.print(
        "  Its secrets, its logs and what Valkey holds are gone then, and cannot be had back."
    )


def remove(account: Account, stack: Stack, *, resources: list[Resource], console: Console) -> None:
    """Remove it, then ask each service whether something is left.

    Raises:
        Failure: something is left; it is named.
    """
    try:
        with ProgressBar(console, "Removing", total=len(resources)) as bar:
            status, watch = stacks.delete(account, stack, tell=bar.tell)
    except KeyboardInterrupt:
        raise Failure(
            "stopped here; CloudFormation goes on removing. `river destroy aws` again says how it "
            "stands"
        ) from None
    if status != "DELETE_COMPLETE":
        lines = explained(watch.causes) or [f"the stack is {status}"]
        what = "\n  ".join(lines)
        raise Failure(f"not all of it could be removed; try again later:\n  {what}")
    beside = leftovers.remove(account, resources)
    still = inventory.left(account, resources)
    if still:
        names = "\n  ".join(f"{one.resource_type} {one.physical_resource_id}" for one in still)
        raise Failure(f"the stack is gone, but these are still there and cost:\n  {names}")
    console.print("\nRemoved:")
    for one in sorted(resources, key=lambda one: one.resource_type):
        console.print(Text(f"  {one.resource_type}  {one.physical_resource_id}"), soft_wrap=True)
    for line in beside:
        console.print(Text(f"  {line}"), soft_wrap=True)
    asked = sum(one.resource_type in inventory.COSTING for one in resources)
    console.print(
        f"Nothing is left that costs: of {asked} resources that did, each service said so itself."
    )
