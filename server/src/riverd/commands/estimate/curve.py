"""What it costs over growing numbers of connections."""

from collections.abc import Callable

import msgspec

from riverd.commands.estimate.hosted import offers
from riverd.commands.estimate.load import EstimateError, Load
from riverd.commands.estimate.stack import Choices
from riverd.commands.estimate.variants import CHEAPEST, DEFAULT, RESILIENT, variants

FEWEST = 100
POINTS_A_DECADE = 12
DECADES = 3

Point = tuple[float, float | None]


class Series(msgspec.Struct, frozen=True):
    """A line: what it is of, and (connections, dollars) where there is a price."""

    name: str
    points: tuple[Point, ...]
    ours: bool = False


def cost_curve(load: Load, choices: Choices) -> tuple[Series, ...]:
    """The variants and the hosted services, from a hundred connections to a hundred thousand."""
    loads = [msgspec.structs.replace(load, connections=count) for count in _counts()]
    ours = [_variants(one, choices) for one in loads]
    hosted = [{offer.service: offer.usd for offer in offers(one)} for one in loads]
    series = [
        Series(f"River, {name}", _points(loads, [each[name] for each in ours]), ours=True)
        for name in (CHEAPEST, DEFAULT, RESILIENT)
    ]
    series += [
        Series(service, _points(loads, [each[service] for each in hosted])) for service in hosted[0]
    ]
    return tuple(series)


def _counts() -> list[int]:
    steps = POINTS_A_DECADE * DECADES
    exact = (FEWEST * 10 ** (step / POINTS_A_DECADE) for step in range(steps + 1))
    return [_two_digits(count) for count in exact]


def _two_digits(count: float) -> int:
    return int(float(f"{count:.1e}"))


def _variants(load: Load, choices: Choices) -> dict[str, float | None]:
    try:
        return {name: found.total_usd for name, found in variants(load, choices).items()}
    except EstimateError:
        return dict.fromkeys((CHEAPEST, DEFAULT, RESILIENT))


def _points(loads: list[Load], usd: list[float | None]) -> tuple[Point, ...]:
    return tuple((float(load.connections), price) for load, price in zip(loads, usd, strict=True))


def range_of(
    series: tuple[Series, ...], *, axis: Callable[[Point], float | None]
) -> tuple[float, float]:
    """The powers of ten around all values of an axis, from one dollar on."""
    values = [value for one in series for point in one.points if (value := axis(point))]
    low, high = 1.0, 10.0
    while low * 10 <= min(values):
        low *= 10
    while high < max(values):
        high *= 10
    return low, high
