"""From which rate on a service of its own publishes for less than Lambda."""

import msgspec

from riverd.commands.estimate.aws import publishing_usd
from riverd.commands.estimate.load import EstimateError, Load
from riverd.commands.estimate.stack import Choices, stack_for

# Between these, in publish requests a second. Above, another Valkey is needed anyway.
_LEAST = 0.001
_MOST = 100_000.0
_STEPS = 60


def break_even_requests_per_s(load: Load, choices: Choices) -> float | None:
    """Publish requests a second from which on `publish=service` is the cheaper way.

    All else as in the load. None: it never is, as far as one Valkey node reaches.
    """
    reach = _reach(load, choices)
    if not _service_is_cheaper(load, choices, requests_per_s=reach):
        return None
    low, high = _LEAST, reach
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        if _service_is_cheaper(load, choices, requests_per_s=middle):
            high = middle
        else:
            low = middle
    return high


def _service_is_cheaper(load: Load, choices: Choices, *, requests_per_s: float) -> bool:
    rated = _at_rate(load, requests_per_s)
    usd = {
        publish: publishing_usd(stack_for(rated, msgspec.structs.replace(choices, publish=publish)))
        for publish in ("lambda", "service")
    }
    return usd["service"] < usd["lambda"]


def _reach(load: Load, choices: Choices) -> float:
    """The highest rate that the stack takes."""
    low, high = _LEAST, _MOST
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        try:
            stack_for(_at_rate(load, middle), msgspec.structs.replace(choices, publish="service"))
        except EstimateError:
            high = middle
        else:
            low = middle
    return low


def _at_rate(load: Load, requests_per_s: float) -> Load:
    """The same deliveries from another number of publications; each has at least one."""
    publications = requests_per_s * load.batch
    subscribers = max(1.0, load.deliveries_per_s / publications)
    connections = max(1, load.connections)
    channels_each = load.channels_per_connection or 1.0
    return msgspec.structs.replace(
        load,
        connections=connections,
        channels_per_connection=channels_each,
        subscribers_per_channel=subscribers,
        messages_per_s=publications * subscribers / (connections * channels_each),
    )
