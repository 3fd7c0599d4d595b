"""The estimate keeps its promises, adds up, and says where each figure is from."""

import json
import math
from datetime import date
from pathlib import Path

import msgspec
import pytest

from riverd.commands.estimate import EstimateError, Load, aws_estimate
from riverd.commands.estimate.aws import estimate
from riverd.commands.estimate.capacity import capacity
from riverd.commands.estimate.hosted import offers
from riverd.commands.estimate.load import HOURS_A_MONTH
from riverd.commands.estimate.prices import prices
from riverd.commands.estimate.publishing import break_even_requests_per_s
from riverd.commands.estimate.sizing import CONNECTIONS_A_PROCESS_MAX, gateways_need, valkey_for
from riverd.commands.estimate.stack import Choices, Publish
from riverd.commands.estimate.variants import CHEAPEST, DEFAULT, RESILIENT, variants

ROOT = Path(__file__).resolve().parents[4]
RESULTS = ROOT / "benchmarks" / "results"
BUSY = Load(connections=10_000, messages_per_s=1)


def test_default_stack_costs_less_than_60_dollars_when_idle() -> None:
    assert 30 < aws_estimate(Load()).total_usd < 60


@pytest.mark.parametrize("resilient", [False, True])
def test_ten_thousand_connections_with_a_message_a_second_cost_a_fifth_of_pusher(
    *, resilient: bool
) -> None:
    pusher = offers(BUSY)[0]
    assert pusher.service == "Pusher"
    # No plan of theirs reaches; this is the load at the rate of their largest one.
    assert pusher.usd is None
    assert "messages a day" in pusher.why
    assert aws_estimate(BUSY, resilient=resilient).total_usd < pusher.at_least_usd / 5


def test_ten_thousand_connections_cost_a_fifth_of_the_plan_that_they_fill() -> None:
    premium = prices().pusher.plans[4]
    assert premium.connections == BUSY.connections
    assert premium.messages_a_day is not None
    rate = premium.messages_a_day / BUSY.messages_a_day
    full = msgspec.structs.replace(BUSY, messages_per_s=rate)
    offer = offers(full)[0]
    assert (offer.plan, offer.usd) == (premium.name, premium.usd)
    assert aws_estimate(full).total_usd < premium.usd / 5


def test_a_flat_rate_and_batches_cost_a_fifth_of_even_their_largest_plan() -> None:
    load = msgspec.structs.replace(BUSY, batch=100)
    largest = prices().pusher.plans[-1]
    assert aws_estimate(load, cloudfront="flat").total_usd < largest.usd / 5


def test_the_bill_is_the_sum_of_its_items_and_each_names_known_prices() -> None:
    for publish in ("lambda", "service"):
        found = aws_estimate(BUSY, publish=publish)
        assert found.total_usd == pytest.approx(sum(item.usd for item in found.items))
        for item in found.items:
            assert item.how
            assert set(item.prices) <= {*prices().aws, "valkey", "cloudfront_flat"}
            assert item.usd == 0 or item.prices


def test_an_idle_installation_is_what_its_prices_say() -> None:
    aws = prices().aws
    hour = (
        2 * (0.25 * aws["fargate_vcpu_hour"].usd + 0.5 * aws["fargate_gb_hour"].usd)
        + 2 * aws["public_ipv4_hour"].usd
        + aws["alb_hour"].usd
        + aws["endpoint_hour"].usd
        + prices().valkey[0].usd_hour
    )
    reads = 2 * 2 * 60 * HOURS_A_MONTH * aws["secret_read"].usd
    alarms = (14 - 10) * aws["alarm_month"].usd
    expected = hour * HOURS_A_MONTH + 3 * aws["secret_month"].usd + reads + alarms
    assert aws_estimate(Load()).total_usd == pytest.approx(expected)


def test_each_price_names_its_page_and_where_it_was_seen() -> None:
    known = prices()
    assert date.fromisoformat(known.read)
    sourced = [*known.aws.values(), *known.valkey, *known.cloudfront_flat]
    for one in (*sourced, known.pusher, known.ably, known.ably_users):
        assert one.page.startswith("https://")
        assert one.seen


def _recorded(scenario: str, figure: str) -> float:
    found = json.loads((RESULTS / "alone.json").read_text(encoding="utf-8"))
    median: float = found["scenarios"][scenario]["figures"][figure]["median"]
    return median


def test_measured_figures_are_those_of_the_results() -> None:
    able = capacity()
    footprint = json.loads((RESULTS / "footprint.json").read_text(encoding="utf-8"))["figures"]
    assert able.connection_kib.value == _recorded("idle", "memory a client")
    idle = _recorded("idle", "server's CPU") / 10_000
    assert able.idle_cores_a_connection.value == pytest.approx(idle)
    assert able.connects_a_cpu_s.value == _recorded("connect", "the same a CPU second")
    assert able.publishes_a_cpu_s.value == _recorded("publish", "the same a CPU second")
    for name in ("gateway_memory_mib", "api_memory_mib", "broker_cpu_us_a_publication"):
        assert getattr(able, name).value == footprint[name]
    kept = footprint["broker_bytes_a_kept_publication"]
    assert able.broker_bytes_beside_payload.value == pytest.approx(kept - 152)


def test_figures_from_a_page_stand_on_it() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    able = capacity()
    assert f"count on {able.writes_a_cpu_s.value:,.0f} to" in page
    assert "35,300 publications a second, half of a core" in page
    assert able.publications_received_a_cpu_s.value == 2 * 35_300


def test_each_figure_has_a_source_that_is_there() -> None:
    for figure in capacity().figures().values():
        assert figure.value > 0
        assert (ROOT / figure.source.split(",")[0]).exists()


@pytest.mark.parametrize("connections", [0, 1, 9_999, 60_000, 250_000])
@pytest.mark.parametrize("spare", [0, 1])
def test_the_sizes_carry_the_load_with_the_safety_factor(*, connections: int, spare: int) -> None:
    load = Load(connections=connections, messages_per_s=0.2)
    fleet = aws_estimate(load, resilient=bool(spare)).stack.gateways
    need = gateways_need(load, fleet.count)
    working = fleet.count - spare
    assert working * fleet.size.vcpu >= need.cores
    assert working * (fleet.size.memory_gb * 1024 - need.each_mib) >= need.memory_mib
    processes = working * max(1, math.floor(fleet.size.vcpu))
    assert processes * CONNECTIONS_A_PROCESS_MAX >= connections


def test_a_full_gateway_has_another_beside_it() -> None:
    load = Load(connections=20_001)
    assert aws_estimate(load).stack.gateways.count == 5
    roomy = estimate(load, Choices(connections_per_gateway=20_000))
    assert roomy.stack.gateways.count == 2


def test_more_load_never_costs_less() -> None:
    publish: Publish = "lambda"
    bills = [
        aws_estimate(Load(connections=count, messages_per_s=0.1), publish=publish).total_usd
        for count in (0, 10, 1_000, 3_000, 10_000, 50_000, 150_000)
    ]
    assert bills == sorted(bills)


def test_variants_are_told_apart() -> None:
    found = variants(Load(connections=2_000, messages_per_s=0.01), Choices())
    assert found[CHEAPEST].total_usd < found[DEFAULT].total_usd < found[RESILIENT].total_usd
    assert found[CHEAPEST].stack.gateways.count == 1
    assert found[DEFAULT].stack.valkey_nodes == 1
    assert found[RESILIENT].stack.valkey_nodes == 2


@pytest.mark.parametrize("load", [Load(), BUSY, msgspec.structs.replace(BUSY, batch=5)])
@pytest.mark.parametrize("resilient", [False, True])
def test_publishing_is_cheaper_by_lambda_below_the_point_and_by_the_service_above(
    *, load: Load, resilient: bool
) -> None:
    choices = Choices(resilient=resilient)
    point = break_even_requests_per_s(load, choices)
    assert point is not None
    for rate, cheaper in ((point * 0.9, "lambda"), (point * 1.1, "service")):
        # As many subscribers as leave the deliveries alone.
        publications = rate * load.batch
        deliveries = max(load.deliveries_per_s, publications)
        rated = Load(
            connections=max(1, load.connections),
            subscribers_per_channel=deliveries / publications,
            messages_per_s=deliveries / max(1, load.connections),
            batch=load.batch,
        )
        usd = {
            publish: aws_estimate(rated, publish=publish, resilient=resilient).total_usd
            for publish in ("lambda", "service")
        }
        assert min(usd, key=usd.__getitem__) == cheaper


def test_pusher_takes_the_smallest_plan_that_fits() -> None:
    for plan in prices().pusher.plans:
        assert plan.connections is not None
        assert offers(Load(connections=plan.connections))[0].plan == plan.name
    over = offers(Load(connections=30_001))[0]
    assert over.plan == "on request"
    assert over.usd is None
    assert "30,001 connections" in over.why


def test_ably_is_billed_as_in_its_own_example() -> None:
    # 250,000 conversations of 20 minutes and 20 messages, two connections and a channel each.
    ably = prices().ably
    assert 15 * ably.usd_million_messages + 15 * ably.usd_million_minutes == 52.5
    load = Load(connections=1_000, messages_per_s=0.01, subscribers_per_channel=10, hours=100)
    messages = 1_000 * 0.01 * 1.1 * 100 * 3_600
    minutes = (1_000 + 100) * 100 * 60
    expected = 29 + messages / 1e6 * 2.5 + minutes / 1e6
    assert offers(load)[1].usd == pytest.approx(expected)


def test_steps_of_a_price_are_taken_one_after_the_other() -> None:
    price = prices().aws["cloudfront_out_gb"]
    assert price.of(1_000) == 0
    assert price.of(11_000) == pytest.approx(10_000 * 0.085)
    assert price.of(12_000) == pytest.approx(10_000 * 0.085 + 1_000 * 0.080)


@pytest.mark.parametrize(
    ("field", "value"),
    [("connections", -1), ("hours", 731), ("peak", 0.5), ("messages_per_s", float("nan"))],
)
def test_a_load_that_cannot_be_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(EstimateError, match=field):
        msgspec.structs.replace(BUSY, **{field: value})


def test_what_no_single_valkey_takes_is_refused() -> None:
    with pytest.raises(EstimateError, match="cluster"):
        valkey_for(Load(connections=500_000, messages_per_s=50, subscribers_per_channel=10))
