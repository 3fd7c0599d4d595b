"""`river estimate` tells the same to people, to programs and in its drawing."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from riverd.commands.estimate import Load, aws_estimate
from riverd.commands.estimate.chart import chart
from riverd.commands.estimate.command import estimate
from riverd.commands.estimate.curve import cost_curve
from riverd.commands.estimate.stack import Choices


def river(*arguments: str) -> Result:
    return CliRunner().invoke(estimate, arguments)


def test_the_command_itself_finds_it() -> None:
    command = [sys.executable, "-m", "riverd", "estimate", "--hours", "800"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 2
    assert told.stderr.splitlines()[-1].startswith("Error: --hours")


def test_tables_show_what_the_functions_say() -> None:
    told = river("--connections", "10000", "--messages-per-s", "0.1")
    assert told.exit_code == 0, told.output
    total = aws_estimate(Load(connections=10_000, messages_per_s=0.1)).total_usd
    assert f"{total:,.2f}" in told.stdout
    assert f"{total * 12:,.0f}" in told.stdout.partition("a year of it")[2]
    for word in ("cheapest", "resilient", "Pusher", "on request", "Ably", "Valkey", "publish="):
        assert word in told.stdout


def test_a_million_connections_are_estimated() -> None:
    told = river("--connections", "1000000", "--messages-per-s", "0.1")
    assert told.exit_code == 0, told.output
    assert "1,000,000 connections, 10,000 channels" in told.stdout
    assert " 8,726 million messages a day" in told.stdout
    total = aws_estimate(Load(connections=1_000_000, messages_per_s=0.1)).total_usd
    assert f"{total * 12:,.0f}" in told.stdout


def test_each_hosted_price_has_its_source_and_date_beside_it() -> None:
    told = river("--connections", "10000", "--messages-per-s", "1").stdout
    assert "7% of it" in told
    words = " ".join(told.partition("Their prices, as known on 2026-")[2].split())
    for name, page, seen in (
        ("Pusher", "pusher.com/channels/pricing", "plans of 2026-05-08"),
        ("Ably, by use", "ably.com/docs/platform/pricing/resource-based", "2026-05-08"),
        ("Ably, by users", "ably.com/docs/pub-sub/pricing", "2026-01"),
    ):
        line = words.partition(f"* {name}: ")[2].partition("* ")[0]
        assert page in line
        assert seen in line


def test_json_has_everything_with_its_source() -> None:
    told = json.loads(river("--connections", "500", "--json").stdout)
    default = told["variants"]["default"]
    assert default["total_usd"] == pytest.approx(sum(one["usd"] for one in default["items"]))
    assert default["total_usd"] == pytest.approx(aws_estimate(Load(connections=500)).total_usd)
    assert told["prices"]["aws"]["alb_hour"]["page"].startswith("https://")
    assert told["capacity"]["connection_kib"]["source"].startswith("benchmarks/results/")
    assert told["hosted"][0]["plan"] == "Startup"
    assert told["service_is_cheaper_from_requests_per_s"] > 0
    assert told["assumptions"]


def test_sources_are_named_on_demand() -> None:
    told = river("--sources").stdout
    for word in ("aws.amazon.com/fargate/pricing/", "pusher.com", "alone.json", "0.03238"):
        assert word in told


def test_drawing_is_svg_with_a_line_for_each_price(tmp_path: Path) -> None:
    file = tmp_path / "curve.svg"
    told = river("--messages-per-s", "0.5", "--plot", str(file))
    assert told.exit_code == 0, told.output
    root = ET.fromstring(file.read_text(encoding="utf-8"))  # noqa: S314  our own
    lines = [one for one in root.iter() if one.get("class", "").startswith("line ours")]
    assert len(lines) == 3
    words = " ".join("".join(one.itertext()) for one in root.iter())
    for word in ("River, default", "Pusher (ends)", "Ably", "100,000", "connections"):
        assert word in words


def test_curve_ends_where_a_service_has_no_plan() -> None:
    series = {one.name: one.points for one in cost_curve(Load(), Choices())}
    prices = dict(series["Pusher"])
    assert prices[10_000] == 499
    assert prices[100_000] is None
    assert all(usd is not None for _, usd in series["River, resilient"])


def test_chart_has_a_mark_for_each_series() -> None:
    text = chart(cost_curve(Load(messages_per_s=0.01), Choices())).plain
    drawing = text.partition("connections")[0]
    assert all(mark in drawing for mark in "cpau")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--connections", "-3"), "--connections"),
        (("--connections", "many"), "--connections"),
        (("--hours", "800"), "--hours"),
        (("--gateways", "0"), "--gateways"),
        (("--connections", "5000000", "--messages-per-s", "9"), "tasks"),
        (("--plot", "curve.png"), "curve.svg"),
        (("--publish", "pigeon"), "--publish"),
        (("--connections", "100000", "--messages-per-s", "1", "--cloudfront", "flat"), "flat-rate"),
    ],
)
def test_bad_input_is_one_line_that_names_it(arguments: tuple[str, ...], word: str) -> None:
    told = river(*arguments)
    assert told.exit_code == 2
    last = told.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert word in last
    assert told.exception is None or isinstance(told.exception, SystemExit)


def test_a_plot_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    told = river("--plot", str(tmp_path / "nowhere" / "curve.svg"))
    assert told.exit_code == 2
    assert "nowhere" in told.stderr.splitlines()[-1]
