"""The same load carried in three ways: as cheap as it goes, as deployed by default, resilient."""

import msgspec

from riverd.commands.estimate.aws import Estimate, estimate
from riverd.commands.estimate.load import Load
from riverd.commands.estimate.stack import Choices

CHEAPEST, DEFAULT, RESILIENT = "cheapest", "default", "resilient"
ABOUT = {
    CHEAPEST: "one gateway, one Valkey, the cheaper way to publish: down while either is replaced",
    DEFAULT: "two gateways or more in two zones, one Valkey: a dead gateway is not noticed",
    RESILIENT: "carries the load with one task missing, Valkey in two zones with failover",
}


def variants(load: Load, choices: Choices) -> dict[str, Estimate]:
    """By name, the cheapest first. `choices` are the user's, for those that leave them open.

    Raises:
        EstimateError: the load is beyond what the stack is made for.
    """
    return {
        CHEAPEST: _cheapest(load, choices),
        DEFAULT: estimate(load, msgspec.structs.replace(choices, resilient=False)),
        RESILIENT: estimate(load, msgspec.structs.replace(choices, resilient=True)),
    }


def _cheapest(load: Load, choices: Choices) -> Estimate:
    one = msgspec.structs.replace(choices, gateways=1, resilient=False)
    ways = (
        estimate(load, msgspec.structs.replace(one, publish=publish))
        for publish in ("lambda", "service")
    )
    return min(ways, key=lambda found: found.total_usd)
