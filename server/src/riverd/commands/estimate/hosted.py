"""What hosted services charge for the same load, by their published plans."""

from collections.abc import Iterator

import msgspec

from riverd.commands.estimate.load import Load
from riverd.commands.estimate.prices import Ably, AblyUsers, HostedPlan, Pusher, prices

ON_REQUEST = "on request"
_BYTES_A_GIB = 2.0**30


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A service's price for a load.

    `usd` is None when no published plan reaches; then `at_least_usd` is what the load would cost at
    the rate of the largest plan, and `why` names the limit.
    """

    service: str
    plan: str
    usd: float | None
    at_least_usd: float = 0.0
    why: str = ""
    counts: str
    page: str
    seen: str


def offers(load: Load) -> tuple[Offer, ...]:
    """One of each service."""
    return tuple(_offers(load))


def _offers(load: Load) -> Iterator[Offer]:
    yield _pusher(load)
    yield _ably(load)
    yield _ably_users(load)


def _pusher(load: Load) -> Offer:
    pusher = prices().pusher
    usage = {"connections": float(load.connections), "messages a day": load.messages_a_day}
    return _by_plan("Pusher", usage, by=pusher)


def _ably(load: Load) -> Offer:
    ably = prices().ably
    usage = {
        "connections": float(load.connections),
        "messages a second": load.publications_per_s + load.deliveries_per_s,
        "channels": load.channels,
    }
    return _with_use(_by_plan("Ably, by use", usage, by=ably), ably, load=load)


def _with_use(offer: Offer, ably: Ably, *, load: Load) -> Offer:
    messages = (load.publications_per_s + load.deliveries_per_s) * load.seconds
    minutes = (load.connections + load.channels) * load.hours * 60
    sent = messages * load.message_bytes
    over_gib = max(0.0, sent - messages * ably.free_bytes_a_message) / _BYTES_A_GIB
    use = (
        messages / 1e6 * ably.usd_million_messages
        + minutes / 1e6 * ably.usd_million_minutes
        + over_gib * ably.usd_gib
    )
    return _adding(offer, use)


def _ably_users(load: Load) -> Offer:
    ably = prices().ably_users
    usage = {"connections": float(load.connections)}
    offer = _by_plan("Ably, by users", usage, by=ably)
    return _adding(offer, load.users * ably.usd_user)


def _adding(offer: Offer, use: float) -> Offer:
    """The offer with what is paid by use."""
    usd = None if offer.usd is None else offer.usd + use
    return msgspec.structs.replace(offer, usd=usd, at_least_usd=offer.at_least_usd + use)


def _by_plan(service: str, usage: dict[str, float], *, by: Pusher | Ably | AblyUsers) -> Offer:
    """The smallest plan that takes the usage, at its price without what is paid by use."""
    offer = Offer(
        service=service, plan=ON_REQUEST, usd=None, counts=by.counts, page=by.page, seen=by.seen
    )
    for plan in by.plans:
        if not _over(plan, usage):
            return msgspec.structs.replace(
                offer, plan=plan.name, usd=plan.usd, at_least_usd=plan.usd
            )
    largest = by.plans[-1]
    over = _over(largest, usage)
    why = "; ".join(
        f"{usage[what]:,.0f} {what}, the largest plan has {limit:,.0f}"
        for what, limit in over.items()
    )
    times = max(usage[what] / limit for what, limit in over.items())
    return msgspec.structs.replace(offer, at_least_usd=largest.usd * times, why=why)


def _over(plan: HostedPlan, usage: dict[str, float]) -> dict[str, float]:
    """The limits of a plan that a load is over."""
    limits = {
        "connections": plan.connections,
        "messages a day": plan.messages_a_day,
        "messages a second": plan.messages_a_s,
        "channels": plan.channels,
    }
    return {
        what: float(limit)
        for what, limit in limits.items()
        if limit is not None and usage.get(what, 0.0) > limit
    }
