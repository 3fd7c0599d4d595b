"""What stands in AWS: the choices that `river deploy aws` offers, with what follows from them."""

import math
from typing import Literal

import msgspec

from riverd.commands.estimate.load import HOURS_A_MONTH, EstimateError, Load
from riverd.commands.estimate.prices import CacheNode, prices
from riverd.commands.estimate.sizing import (
    CONNECTIONS_A_PROCESS_MAX,
    Fleet,
    Pricer,
    api_for,
    gateways_for,
    valkey_for,
)

Publish = Literal["lambda", "service"]
CloudFront = Literal["pay-as-you-go", "flat"]
GATEWAYS = 2
GATEWAYS_MAX = 100
SERVICE_TASKS = 2
"""`publish=service` runs at least as many."""


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What the user chooses; the names are those of the stack's options where it has them.

    `cloudfront=flat` is the smallest flat-rate plan that takes the load; it is chosen in the AWS
    console after the deployment.
    """

    gateways: int = GATEWAYS
    """At least this many."""
    resilient: bool = False
    publish: Publish = "lambda"
    cloudfront: CloudFront = "pay-as-you-go"
    connections_per_gateway: int = 5_000
    """With more of them the stack starts another gateway (its option `connections`)."""
    lambda_mb: int = 512
    lambda_ms: float = 15.0
    """How long the function takes for a request. An assumption: it was not measured in AWS."""
    logs_gb: float = 1.0
    secret_reads_a_minute: float = 2.0
    """Of each process: RIVER_SECRETS_REFRESH_S is a minute."""


class StackShape(msgspec.Struct, frozen=True):
    """What stands for a load."""

    load: Load
    choices: Choices
    gateways: Fleet
    api: Fleet | None
    valkey: CacheNode
    valkey_nodes: int


def task_pricer() -> Pricer:
    """What tasks cost."""
    aws = prices().aws
    return Pricer(
        vcpu_usd=aws["fargate_vcpu_hour"].usd,
        gb_usd=aws["fargate_gb_hour"].usd,
        address_usd=aws["public_ipv4_hour"].usd,
    )


def stack_for(load: Load, choices: Choices) -> StackShape:
    """The sizes for a load. With `resilient` the tasks carry it with one of them missing.

    Raises:
        EstimateError: the load or a choice is beyond what the stack is made for.
    """
    if not 1 <= choices.gateways <= GATEWAYS_MAX:
        raise EstimateError(f"gateways: from 1 to {GATEWAYS_MAX}")
    if not 1 <= choices.connections_per_gateway <= CONNECTIONS_A_PROCESS_MAX:
        raise EstimateError(f"connections_per_gateway: from 1 to {CONNECTIONS_A_PROCESS_MAX}")
    spare = 1 if choices.resilient else 0
    price = task_pricer()
    full = math.ceil(load.connections / choices.connections_per_gateway)
    at_least = max(choices.gateways, 1 + spare, full)
    service = choices.publish == "service"
    return StackShape(
        load,
        choices,
        gateways_for(load, at_least=at_least, spare=spare, price=price),
        api_for(load, at_least=SERVICE_TASKS, spare=spare, price=price) if service else None,
        valkey_for(load),
        1 + spare,
    )


def fleet_usd(fleet: Fleet) -> float:
    """A month of tasks, without their addresses."""
    aws = prices().aws
    hour = fleet.vcpu * aws["fargate_vcpu_hour"].usd + fleet.memory_gb * aws["fargate_gb_hour"].usd
    return hour * HOURS_A_MONTH
