"""A month of River in AWS, item by item."""

from collections.abc import Iterator

import msgspec

from riverd.commands.estimate.load import (
    ANSWER_BYTES,
    BYTES_A_GB,
    HOURS_A_MONTH,
    EstimateError,
    Load,
)
from riverd.commands.estimate.prices import Flat, prices
from riverd.commands.estimate.sizing import Fleet
from riverd.commands.estimate.stack import (
    Choices,
    CloudFront,
    Publish,
    StackShape,
    fleet_usd,
    stack_for,
)

# An ALB's capacity unit (elasticloadbalancing/pricing).
LCU_CONNECTIONS = 3_000.0
LCU_CONNECTS_PER_S = 25.0
LCU_GB_AN_HOUR = 1.0
ALARMS = 8
ALARMS_A_NODE = 2
SCALING_ALARMS = 2  # a policy: gateways have two, the API as a service one
METRICS = 3
SECRETS = 3  # the tokens' secret, the API key, the broker's password
MINUTES_A_MONTH = HOURS_A_MONTH * 60


class Item(msgspec.Struct, frozen=True):
    """One line of the bill: what it is, what a month of it costs, how that comes about."""

    name: str
    usd: float
    how: str
    prices: tuple[str, ...] = ()
    """The prices in it, as they are called in prices.toml."""


class Estimate(msgspec.Struct, frozen=True):
    """A month's bill, and what stands for it."""

    stack: StackShape
    items: tuple[Item, ...]

    @property
    def total_usd(self) -> float:
        """All of it."""
        return sum(item.usd for item in self.items)


def aws_estimate(
    load: Load,
    *,
    resilient: bool = False,
    publish: Publish = "lambda",
    gateways: int = 2,
    cloudfront: CloudFront = "pay-as-you-go",
) -> Estimate:
    """A month of what `river deploy aws` makes, for a load.

    Raises:
        EstimateError: the load is beyond what the stack is made for.
    """
    choices = Choices(
        resilient=resilient, publish=publish, gateways=gateways, cloudfront=cloudfront
    )
    return estimate(load, choices)


def estimate(load: Load, choices: Choices) -> Estimate:
    """The same, with all choices.

    Raises:
        EstimateError: the load or a choice is beyond what the stack is made for.
    """
    stack = stack_for(load, choices)
    return Estimate(stack, tuple(_items(stack)))


def publishing_usd(stack: StackShape) -> float:
    """What of a stack's bill depends on how publishing is done."""
    return sum(item.usd for item in _items(stack) if item.name in PUBLISHING)


def _items(stack: StackShape) -> Iterator[Item]:
    yield _gateways(stack)
    if stack.api is not None:
        yield _service(stack.api)
    yield _addresses(stack)
    yield _balancer()
    yield _balancer_use(stack)
    yield _valkey(stack)
    yield _secrets(stack)
    yield _endpoint(stack)
    yield _cloudfront_requests(stack)
    yield _cloudfront_data(stack)
    yield _http_api(stack)
    yield _lambda(stack)
    yield _between_zones(stack)
    yield _logs(stack)
    yield _watching(stack)


SERVICE = "Fargate, publish API"
ADDRESSES = "public IPv4"
BALANCER_USE = "load balancer, use"
SECRETS_NAME = "Secrets Manager"
REQUESTS = "CloudFront, requests"
DATA = "CloudFront, data"
HTTP_API = "API Gateway"
LAMBDA = "Lambda"
PUBLISHING = frozenset(
    {SERVICE, ADDRESSES, BALANCER_USE, SECRETS_NAME, REQUESTS, DATA, HTTP_API, LAMBDA}
)


def _tasks(fleet: Fleet) -> str:
    return f"{fleet.count} x {fleet.size.vcpu:g} vCPU, {fleet.size.memory_gb:g} GB, ARM"


def _gateways(stack: StackShape) -> Item:
    fleet = stack.gateways
    used = ("fargate_vcpu_hour", "fargate_gb_hour")
    return Item("Fargate, gateways", fleet_usd(fleet), _tasks(fleet), used)


def _service(fleet: Fleet) -> Item:
    return Item(SERVICE, fleet_usd(fleet), _tasks(fleet), ("fargate_vcpu_hour", "fargate_gb_hour"))


def _processes(stack: StackShape) -> int:
    return stack.gateways.count + (stack.api.count if stack.api is not None else 0)


def _addresses(stack: StackShape) -> Item:
    count = _processes(stack)
    usd = count * prices().aws["public_ipv4_hour"].usd * HOURS_A_MONTH
    return Item(ADDRESSES, usd, f"{count}, one a task", ("public_ipv4_hour",))


def _balancer() -> Item:
    usd = prices().aws["alb_hour"].usd * HOURS_A_MONTH
    return Item("load balancer", usd, "1, internal", ("alb_hour",))


def _balancer_use(stack: StackShape) -> Item:
    load = stack.load
    through_gb = load.delivered_gb + load.returned_gb + _service_gb(stack)
    dimensions = {
        "open connections": load.connections / LCU_CONNECTIONS,
        "new connections": _connects_per_s(stack) / LCU_CONNECTS_PER_S,
        "data": through_gb / load.hours / LCU_GB_AN_HOUR if load.hours else 0.0,
    }
    most = max(dimensions, key=dimensions.__getitem__)
    units = dimensions[most]
    usd = units * load.hours * prices().aws["alb_lcu_hour"].usd
    how = f"{units:.2f} capacity units, because of {most}"
    return Item(BALANCER_USE, usd, how, ("alb_lcu_hour",))


def _connects_per_s(stack: StackShape) -> float:
    load = stack.load
    sockets = load.connects_a_month / load.seconds if load.seconds else 0.0
    requests = load.publications_per_s / load.batch if stack.api is not None else 0.0
    # CloudFront keeps connections for requests, but how many is its own affair: the dear case.
    return sockets + requests


def _service_gb(stack: StackShape) -> float:
    load = stack.load
    if stack.api is None:
        return 0.0
    return load.published_gb + load.publish_requests_a_month * ANSWER_BYTES / BYTES_A_GB


def _valkey(stack: StackShape) -> Item:
    usd = stack.valkey_nodes * stack.valkey.usd_hour * HOURS_A_MONTH
    return Item("Valkey", usd, f"{stack.valkey_nodes} x {stack.valkey.name}", ("valkey",))


def _secrets(stack: StackShape) -> Item:
    aws = prices().aws
    reads = _processes(stack) * stack.choices.secret_reads_a_minute * MINUTES_A_MONTH
    usd = SECRETS * aws["secret_month"].usd + reads * aws["secret_read"].usd
    how = f"{SECRETS} secrets, {reads / 1000:,.0f} thousand reads"
    return Item(SECRETS_NAME, usd, how, ("secret_month", "secret_read"))


def _endpoint(stack: StackShape) -> Item:
    zones = 2 if stack.choices.resilient else 1
    usd = zones * prices().aws["endpoint_hour"].usd * HOURS_A_MONTH
    how = f"for Secrets Manager, zones: {zones}"
    return Item("interface endpoint", usd, how, ("endpoint_hour",))


def _requests(stack: StackShape) -> float:
    load = stack.load
    return load.connects_a_month + (load.publish_requests_a_month if stack.api is not None else 0.0)


def _cloudfront_requests(stack: StackShape) -> Item:
    count = _requests(stack)
    if stack.choices.cloudfront == "flat":
        return Item(REQUESTS, 0.0, f"{count / 1e6:,.1f} million, in the plan")
    price = prices().aws["cloudfront_request"]
    how = f"{count / 1e6:,.1f} million, {price.free / 1e6:.0f} of them free"
    return Item(REQUESTS, price.of(count), how, ("cloudfront_request",))


def _cloudfront_data(stack: StackShape) -> Item:
    aws, load = prices().aws, stack.load
    published_gb = load.published_gb if stack.api is not None else 0.0
    out_gb = load.delivered_gb + _service_gb(stack) - published_gb
    in_gb = load.returned_gb + published_gb
    if stack.choices.cloudfront == "flat":
        plan = _flat_plan(_requests(stack), out_gb)
        how = f"plan {plan.name}: {out_gb:,.0f} of {plan.gb:,.0f} GB"
        return Item(DATA, plan.usd, how, ("cloudfront_flat",))
    price = aws["cloudfront_out_gb"]
    usd = price.of(out_gb) + aws["cloudfront_to_origin_gb"].of(in_gb)
    how = f"{out_gb:,.0f} GB out, {price.free:,.0f} of them free; {in_gb:,.0f} GB in"
    return Item(DATA, usd, how, ("cloudfront_out_gb", "cloudfront_to_origin_gb"))


def _flat_plan(requests: float, gb: float) -> Flat:
    for plan in prices().cloudfront_flat:
        if requests <= plan.requests and gb <= plan.gb:
            return plan
    raise EstimateError(
        f"CloudFront's flat-rate plans end before {requests / 1e6:,.0f} million requests and "
        f"{gb:,.0f} GB: leave --cloudfront at pay-as-you-go"
    )


def _http_api(stack: StackShape) -> Item:
    if stack.api is not None:
        return Item(HTTP_API, 0.0, "not used: publishing goes through CloudFront")
    aws = prices().aws
    count = stack.load.publish_requests_a_month
    out_gb = count * ANSWER_BYTES / BYTES_A_GB
    usd = aws["http_api_request"].of(count) + aws["internet_out_gb"].of(out_gb)
    how = f"{count / 1e6:,.1f} million requests, {out_gb:,.0f} GB of answers"
    return Item(HTTP_API, usd, how, ("http_api_request", "internet_out_gb"))


def _lambda(stack: StackShape) -> Item:
    if stack.api is not None:
        return Item(LAMBDA, 0.0, "not used for publishing")
    aws, choices = prices().aws, stack.choices
    count = stack.load.publish_requests_a_month
    gb_s = count * choices.lambda_mb / 1024 * choices.lambda_ms / 1000
    usd = aws["lambda_request"].of(count) + aws["lambda_gb_s"].of(gb_s)
    how = f"{count / 1e6:,.1f} million calls of {choices.lambda_ms:g} ms, {choices.lambda_mb} MB"
    return Item(LAMBDA, usd, how, ("lambda_request", "lambda_gb_s"))


def _between_zones(stack: StackShape) -> Item:
    load = stack.load
    # Two zones: half of the gateways, and half of the publishers, are in the other one.
    copies = min(float(stack.gateways.count), load.subscribers_per_channel) + 1
    gb = load.published_gb * copies / 2 if stack.gateways.count > 1 else 0.0
    usd = gb * 2 * prices().aws["between_zones_gb"].usd
    return Item(
        "data between zones", usd, f"{gb:,.0f} GB to and from Valkey", ("between_zones_gb",)
    )


def _logs(stack: StackShape) -> Item:
    price = prices().aws["logs_gb"]
    gb = stack.choices.logs_gb
    how = f"{gb:g} GB, {price.free:g} GB an account are free"
    return Item("logs", price.of(gb), how, ("logs_gb",))


def _watching(stack: StackShape) -> Item:
    aws = prices().aws
    services = 1 if stack.api is None else 2
    alarms = ALARMS + ALARMS_A_NODE * stack.valkey_nodes + SCALING_ALARMS * (1 + services)
    usd = (
        aws["alarm_month"].of(alarms)
        + aws["metric_month"].of(METRICS)
        + aws["dashboard_month"].of(1)
    )
    how = f"{alarms} alarms, {METRICS} metrics, 1 dashboard: free are 10, 10 and 3"
    return Item(
        "alarms and dashboard", usd, how, ("alarm_month", "metric_month", "dashboard_month")
    )
