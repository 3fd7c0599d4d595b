"""`river deploy aws` and `river destroy aws`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click

from riverd_aws.failure import Failure

F = TypeVar("F", bound=Callable[..., object])

OPTION = "-c"


def _where(command: F) -> F:
    """The flags that both commands have."""
    for flag in (
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        click.option("--profile", help="A profile of ~/.aws/config. [default: AWS's own rules]"),
        click.option(
            "--region", help="For example eu-central-1. [default: AWS_REGION, the profile]"
        ),
        click.option(
            "--name",
            default="River",
            show_default=True,
            help="Its name in the account: with another one, a second River beside the first.",
        ),
    ):
        command = flag(command)
    return command


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C is one line; where something had begun, its own code has said so."""
    try:
        yield
    except KeyboardInterrupt:
        raise Failure("stopped. `river deploy aws --plan` says how it stands") from None


@click.group()
def deploy() -> None:
    """Build River in the cloud, or bring it up to date."""


@click.group()
def destroy() -> None:
    """Remove River from the cloud, and leave nothing that costs."""


@deploy.command("aws", short_help="In an AWS account, with one command.")
@_where
@click.option(
    OPTION,
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the stack, for example -c domain=rt.example.com; `-c help` lists them.",
)
@click.option("--connections", default=0, show_default=True, help="For the cost: how many at once.")
@click.option(
    "--messages-per-s", default=0.0, show_default=True, help="For the cost: in each channel."
)
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and stop.")
@click.option("--no-smoke", is_flag=True, help="No message through it at the end.")
def deploy_aws(**chosen: object) -> None:
    """Build River in an AWS account, or bring it up to date: checks, plan, cost, one question.

    What it needs beside credentials: Node.js, and on its first run a minute to fetch the AWS CDK.
    """
    from riverd_aws.deployment import DeployRequest, run  # noqa: PLC0415  `river --help` needs none of it

    with _stoppable():
        run(DeployRequest(**chosen))  # type: ignore[arg-type]  # click has checked each by its option


@destroy.command("aws", short_help="From an AWS account.")
@_where
def destroy_aws(**chosen: object) -> None:
    """Remove River from an AWS account: lists what goes, asks once, and looks that it is gone."""
    from riverd_aws.destruction import DestroyRequest, run  # noqa: PLC0415  `river --help` needs none of it

    with _stoppable():
        run(DestroyRequest(**chosen))  # type: ignore[arg-type]  # click has checked each by its option
