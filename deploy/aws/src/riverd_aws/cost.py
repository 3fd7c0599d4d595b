"""What the deployment will cost a month, from the same figures as `river estimate`."""

from collections.abc import Iterator
from dataclasses import dataclass

from riverd.commands.estimate import EstimateError, Load, aws_estimate
from riverd.commands.estimate.capacity import TaskSize
from riverd.commands.estimate.load import HOURS_A_MONTH
from riverd.commands.estimate.prices import prices
from riverd.commands.estimate.sizing import Fleet
from riverd.commands.estimate.stack import task_pricer
from riverd_aws.failure import Mistake
from riverd_aws.options import SENDER_CPU, SENDER_MEMORY_MIB, SENDER_TASKS, Options


@dataclass(frozen=True)
class Cost:
    """A month: items with their USD, and the sum."""

    items: tuple[tuple[str, float], ...]
    total_usd: float


def monthly(options: Options, *, connections: int, messages_per_s: float) -> Cost:
    """A month of what the options make, under a load; without one, of an idle stack.

    Raises:
        Mistake: the load is beyond what the stack is made for.
    """
    try:
        found = aws_estimate(
            Load(connections=connections, messages_per_s=messages_per_s),
            resilient=options.resilient,
            publish="service" if options.publish == "service" else "lambda",
            gateways=options.gateways,
        )
    except EstimateError as error:
        raise Mistake(f"--connections, --messages-per-s: {error}") from None
    items = [(one.name, one.usd) for one in found.items]
    if options.webhooks_secret:
        items += _webhooks(sender=options.publish != "service")
    return Cost(tuple(items), sum(usd for _, usd in items))


def _webhooks(*, sender: bool) -> Iterator[tuple[str, float]]:
    """The task that sends them, where the publish API does not; and the alarms."""
    if sender:
        size = TaskSize(vcpu=SENDER_CPU / 1024, memory_gb=SENDER_MEMORY_MIB / 1024)
        hour = task_pricer().hour(Fleet(size=size, count=SENDER_TASKS))
        yield "Fargate and address, webhooks", hour * HOURS_A_MONTH
    alarms = 3 if sender else 2
    yield "alarms, webhooks", alarms * prices().aws["alarm_month"].usd
