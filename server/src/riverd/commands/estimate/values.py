"""The estimate for programs: everything that was found, as values for JSON."""

import msgspec

from riverd.commands.estimate.capacity import capacity
from riverd.commands.estimate.curve import Series
from riverd.commands.estimate.prices import prices
from riverd.commands.estimate.report import Findings, assumptions


def as_values(found: Findings, curve: tuple[Series, ...]) -> dict[str, object]:
    """All findings as values for JSON."""
    load = found.load
    return {
        "load": msgspec.to_builtins(load),
        "follows": {
            "channels": load.channels,
            "publications_per_s": load.publications_per_s,
            "deliveries_per_s": load.deliveries_per_s,
            "messages_a_day": load.messages_a_day,
            "delivered_gb": load.delivered_gb,
        },
        "choices": msgspec.to_builtins(found.choices),
        "variants": {
            name: {
                "total_usd": one.total_usd,
                "items": msgspec.to_builtins(one.items),
                "gateways": msgspec.to_builtins(one.stack.gateways),
                "api": msgspec.to_builtins(one.stack.api),
                "valkey": {"name": one.stack.valkey.name, "nodes": one.stack.valkey_nodes},
            }
            for name, one in found.estimates.items()
        },
        "hosted": msgspec.to_builtins(found.offers),
        "service_is_cheaper_from_requests_per_s": found.break_even_requests_per_s,
        "curve": {one.name: one.points for one in curve},
        "assumptions": assumptions(found),
        "prices": msgspec.to_builtins(prices()),
        "capacity": msgspec.to_builtins(capacity()),
    }
