"""What the deployment will cost a month, from the same figures as `river estimate`."""

from dataclasses import dataclass

from riverd.commands.estimate import EstimateError, Load, aws_estimate
from riverd_aws.failure import Mistake
from riverd_aws.options import Options


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
    return Cost(tuple((one.name, one.usd) for one in found.items), found.total_usd)
