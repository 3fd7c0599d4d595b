"""`river destroy aws`: finds the deployment, asks, removes it."""

from dataclasses import dataclass

from rich.console import Console

from riverd_aws import removal, stacks
from riverd_aws.account import Account
from riverd_aws.failure import Failure
from riverd_aws.question import ask, check_askable


@dataclass(frozen=True, kw_only=True)
class DestroyRequest:
    """What the command was called with."""

    name: str
    region: str | None
    profile: str | None
    yes: bool


def run(wishes: DestroyRequest) -> None:
    """Remove it.

    Raises:
        Mistake: no credentials, no region.
        Failure: it is not there, it is being changed just now, or something would not go.
    """
    console = Console(highlight=False, soft_wrap=False)
    check_askable(yes=wishes.yes)
    account = Account(profile=wishes.profile, region=wishes.region)
    who = account.identity()
    stack = stacks.find(account, wishes.name)
    if stack is None:
        raise Failure(
            f"there is no {wishes.name} in {account.region} of account {who.account}; if it is "
            "elsewhere, pass --region, --profile or --name"
        )
    if stack.is_busy:
        raise Failure(
            f"{wishes.name} is being changed just now ({stack.stack_status}): try again later"
        )
    resources = stacks.resources(account, stack)
    console.print(f"Account {who.account}, {account.region}, as {who.arn}")
    removal.show(console, stack, resources=resources)
    ask("\nRemove all of this?", yes=wishes.yes)
    removal.remove(account, stack, resources=resources, console=console)
