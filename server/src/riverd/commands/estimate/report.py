"""The estimate for people: tables, in the order in which questions come up."""

from collections.abc import Iterator

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riverd.commands.estimate.aws import Estimate
from riverd.commands.estimate.capacity import capacity
from riverd.commands.estimate.hosted import ON_REQUEST, Offer
from riverd.commands.estimate.load import HOURS_A_MONTH, TLS_BYTES, Load, envelope_bytes
from riverd.commands.estimate.prices import prices
from riverd.commands.estimate.stack import Choices
from riverd.commands.estimate.variants import ABOUT, DEFAULT

MONTHS_A_YEAR = 12
_MILLION = 1e6
_ROUNDED_FROM = 100.0


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found for a load."""

    load: Load
    choices: Choices
    estimates: dict[str, Estimate]
    offers: tuple[Offer, ...]
    break_even_requests_per_s: float | None


def report(found: Findings) -> Group:
    """All tables."""
    parts: list[RenderableType] = [
        _headline(found.load),
        _bill(found),
        _sizes(found),
        _hosted(found),
        _origins(found),
        _publishing(found),
    ]
    return Group(*parts)


def assumptions(found: Findings) -> list[str]:
    """What was taken for given, a sentence each, with the flag that changes it."""
    load, choices, able = found.load, found.choices, capacity()
    return [
        f"a channel has {load.subscribers_per_channel:,g} subscribers (--subscribers-per-channel)",
        f"a connection hears {load.channels_per_connection:g} (--channels-per-connection)",
        f"the data of a message has {load.message_bytes:,} bytes (--message-bytes)",
        f"River and TLS add {envelope_bytes() + TLS_BYTES} bytes to each that is delivered",
        f"the load is there for {load.hours:g} of {HOURS_A_MONTH:g} hours (--hours)",
        f"the busiest minute has {load.peak:g} times the average (--peak)",
        f"sizes have a factor of {able.safety_factor:g} above that: {able.safety_reason}",
        _gateway_limit(choices),
        f"a request of a back end carries {load.batch:g} publications (--batch)",
        f"a connection is made anew {load.sessions_a_day:g} times a day (--sessions-a-day)",
        f"{load.users:,} different users a month (--monthly-users); the fewest, if not given",
        f"the publishing Lambda takes {choices.lambda_ms:g} ms (--lambda-ms): not measured",
        "nothing else in the account uses AWS' free tier; no discounts, no tax",
        "figures of this repository, scaled: a Fargate vCPU is taken for a core that was measured",
        f"prices of {prices().region}, read on {prices().read}; --sources names where each is from",
    ]


def _gateway_limit(choices: Choices) -> str:
    limit = choices.connections_per_gateway
    return (
        f"with more than {limit:,} connections there is another gateway (--connections-per-gateway)"
    )


def sources() -> Text:
    """Every price and every capacity, with where it comes from."""
    text = Text("\nPrices\n", style="")
    for name, usd, unit, page, seen in _price_rows():
        text.append(f"  {name}", style="bold")
        text.append(f"  {usd} $ for {unit}\n")
        text.append(f"    {page}; seen: {seen}\n", style="dim")
    text.append("\nCapacities\n")
    for name, figure in capacity().figures().items():
        text.append(f"  {name}", style="bold")
        text.append(f"  {figure.value:.4g}  ")
        text.append(f"{figure.source}\n", style="dim")
    return text


def _price_rows() -> Iterator[tuple[str, str, str, str, str]]:
    known = prices()
    for name, price in known.aws.items():
        yield name, _exact(price.usd), price.unit, price.page, price.seen
    for node in known.valkey:
        yield node.name, _exact(node.usd_hour), "an hour of Valkey", node.page, node.seen
    for flat in known.cloudfront_flat:
        what = f"a month, {flat.requests / _MILLION:g} million requests, {flat.gb / 1000:g} TB"
        yield f"CloudFront {flat.name}", _exact(flat.usd), what, flat.page, flat.seen
    for service in (known.pusher, known.ably, known.ably_users):
        for plan in service.plans:
            name = f"{type(service).__name__} {plan.name}"
            yield name, _exact(plan.usd), service.counts, service.page, service.seen


def _exact(usd: float) -> str:
    return f"{usd:.10f}".rstrip("0").rstrip(".")


def _headline(load: Load) -> Text:
    text = Text()
    text.append(f"{load.connections:,} connections", style="bold")
    text.append(
        f", {load.channels:,.0f} channels, {_rate(load.publications_per_s)} publications/s, "
        f"{_rate(load.deliveries_per_s)} deliveries/s, "
        f"{_rate(load.messages_a_day / _MILLION)} million messages a day as hosted services count\n"
    )
    return text


def _bill(found: Findings) -> Table:
    table = Table(title="A month in AWS, USD", title_justify="left")
    table.add_column("item")
    for name in found.estimates:
        table.add_column(name, justify="right")
    table.add_column(f"how ({DEFAULT})", style="dim")
    rows: dict[str, dict[str, float]] = {}
    how: dict[str, str] = {}
    for name, estimate in found.estimates.items():
        for item in estimate.items:
            rows.setdefault(item.name, {})[name] = item.usd
            if name == DEFAULT or item.name not in how:
                how[item.name] = item.how
    for item_name, row in rows.items():
        table.add_row(
            item_name, *(f"{row.get(n, 0.0):,.2f}" for n in found.estimates), how[item_name]
        )
    totals = [f"{one.total_usd:,.2f}" for one in found.estimates.values()]
    table.add_section()
    table.add_row("total", *totals, "", style="bold")
    years = [f"{one.total_usd * MONTHS_A_YEAR:,.0f}" for one in found.estimates.values()]
    table.add_row("a year of it", *years, "")
    return table


def _sizes(found: Findings) -> Table:
    table = Table(title="What stands for it", title_justify="left")
    for column in ("", "gateways", "publishing", "Valkey"):
        table.add_column(column)
    table.add_column("", style="dim")
    for name, estimate in found.estimates.items():
        stack = estimate.stack
        gateways = f"{stack.gateways.count} x {stack.gateways.size.vcpu:g} vCPU"
        api = "Lambda" if stack.api is None else f"{stack.api.count} x {stack.api.size.vcpu:g} vCPU"
        table.add_row(
            name, gateways, api, f"{stack.valkey_nodes} x {stack.valkey.name}", ABOUT[name]
        )
    return table


def _hosted(found: Findings) -> Table:
    table = Table(title="Hosted services for the same", title_justify="left")
    table.add_column("service")
    table.add_column("plan")
    table.add_column("USD", justify="right")
    table.add_column(f"River, {DEFAULT}", justify="right")
    table.add_column("", style="dim")
    ours = found.estimates[DEFAULT].total_usd
    for offer in found.offers:
        share = f"{ours / offer.at_least_usd:.0%} of it" if offer.at_least_usd else ""
        usd, note = f"{offer.usd or 0.0:,.2f}", offer.counts
        if offer.usd is None:
            usd = ON_REQUEST
            note = f"{offer.why}; at that plan's rate {offer.at_least_usd:,.0f}"
        table.add_row(offer.service, offer.plan, usd, share, note)
    return table


def _origins(found: Findings) -> Text:
    """Where the hosted services' prices are from."""
    text = Text(f"Their prices, as known on {prices().read}:\n")
    for offer in found.offers:
        text.append(f"  * {offer.service}: {offer.page}; seen: {offer.seen}\n", style="dim")
    return text


def _rate(per_s: float) -> str:
    """A rate with three digits, and all of those before its point."""
    return f"{per_s:,.0f}" if per_s >= _ROUNDED_FROM else f"{per_s:.3g}"


def _publishing(found: Findings) -> Text:
    rate = found.break_even_requests_per_s
    if rate is None:
        text = "publish=lambda is the cheaper way at any rate that one Valkey takes."
    else:
        load = found.load
        now = load.publications_per_s / load.batch
        text = (
            f"publish=service is cheaper than Lambda from {_rate(rate)} publish requests a second "
            f"on ({rate * load.seconds / _MILLION:,.3g} million a month); "
            f"this load has {_rate(now)}."
        )
    return Text(f"{text}\n")
