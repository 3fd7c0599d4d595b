"""The Grafana dashboard and the alerts of deploy/grafana, asked of a real Prometheus."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_server import Prometheus, scraping
from pusher_runner import APPS
from river_client import CLOSE, TEXT, condition, frame, member, metric, opened, token, visitor
from river_process import API_KEY, River, Start, ask, publish
from webhook_receiver import Receiver, receiving

GRAFANA = Path(__file__).parents[3] / "deploy" / "grafana"
ALERTS = GRAFANA / "alerts.yml"
MINUTES = 60
MEASURED = "river_delivery_delay_samples_total"


def dashboard_queries() -> list[tuple[str, str]]:
    board = json.loads((GRAFANA / "dashboard.json").read_text(encoding="utf-8"))
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$job", ".+"))
        for panel in board["panels"]
        for target in panel.get("targets", ())
    ]


def alerts() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@pytest.fixture
def river(start: Start, receiver: Receiver) -> River:
    hook = {"name": "crm", "url": receiver.url, "events": ["user_connected"], "secret": "s" * 40}
    settings = {
        "RIVER_APPS": json.dumps([APPS[1]]),
        "RIVER_WEBHOOKS": json.dumps([hook]),
        "RIVER_WEBHOOK_NETWORKS": "private",
    }
    return start("dev", settings=settings)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


async def something_of_everything(river: River, receiver: Receiver) -> None:
    """What is counted by labels has no series before it has happened."""
    proof = token("ann", river={"subscribe": ["dogs"]})
    async with member(river.url, proof, "dogs") as ann, visitor(river.url) as bob:
        publish(river, "dogs", 3)
        # One a second is measured.
        await condition(lambda: publish(river, "dogs") and metric(river, MEASURED) > 0)
        await ann.send(type="subscribe", id=2, channel="private-dogs")
        await ann.until("error")
        await ann.send_raw(frame(CLOSE, (1_001).to_bytes(2)))
        await ann.ends()
        await bob.send_raw(frame(TEXT, b"nonsense"))
        await bob.ends()
    ask(f"{river.api_url}/publish", {"channel": "", "event": "e", "data": 1}, key=API_KEY)
    receiver.status = 500
    async with member(river.url, token("eve")):
        await condition(lambda: receiver.refused > 0)
    receiver.status = 200
    await condition(lambda: "user_connected" in receiver.types)


async def test_every_query_of_the_dashboard_and_the_alerts_finds_series(
    river: River, receiver: Receiver, tmp_path: Path
) -> None:
    await something_of_everything(river, receiver)
    addresses = [url.partition("//")[2] for url in (river.url, river.api_url)]
    names = {
        name
        for rule in alerts().values()
        for name in re.findall(r"\b(?:river_\w+|up)(?=[{\[ ])", rule["expr"])
    }
    queries = [*dashboard_queries(), *(("alerts", name) for name in sorted(names))]
    other = f"/app/{APPS[1]['key']}?protocol=7"
    with ExitStack() as stack:
        prometheus = stack.enter_context(scraping(tmp_path, addresses, rules=ALERTS))
        client = await opened(river.url, path=other)
        try:
            await condition(prometheus.is_ready)
            await condition(lambda: len(prometheus.series("up == 1")) == len(addresses))
            await condition(lambda: not without_series(prometheus, queries))
        except TimeoutError:
            raise AssertionError(without_series(prometheus, queries)) from None
        finally:
            await client.close()
        loaded = prometheus.get("rules")["groups"][0]["rules"]
    assert {rule["name"] for rule in loaded} == alerts().keys()


def without_series(prometheus: Prometheus, queries: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [one for one in queries if not prometheus.series(one[1])]


# Of each alert: series that fire it, and what else there is that must not. A minute a value.
FIRES: dict[str, dict[str, str]] = {
    "RiverDown": {'up{job="river",instance="a"}': "0x60"},
    "RiverFull": {'river_refused_total{instance="a"}': "0+60x60"},
    "RiverCannotPublish": {'river_publish_refused_total{code="unknown"}': "0+60x60"},
    "RiverFault": {'river_closed_total{code="1011"}': "0x50 1x9"},
    "RiverBusy": {'river_cpu_seconds_total{instance="a"}': "0+57x60"},
    "RiverLate": {'river_loop_delay_seconds{instance="a"}': "0.3x60"},
    "RiverBrokerSlow": {'river_broker_delay_seconds{instance="a"}': "0.4x60"},
    "RiverDeliversLate": {
        "river_delivery_delay_seconds_total": "0+40x60",
        "river_delivery_delay_samples_total": "0+60x60",
    },
    "RiverGaps": {"river_gaps_total": "0+10x60", "river_deliveries_total": "0+1000x60"},
    "RiverBrokerEvicts": {'river_broker_evicts{instance="a"}': "1x60"},
    "RiverRulesDiffer": {'river_channel_rules_differ{instance="a"}': "1x60"},
    "RiverWebhookFails": {
        'river_webhook_failures_total{webhook="w"}': "0+5x60",
        'river_webhook_delivered_total{webhook="w"}': "7x60",
    },
    "RiverWebhookGivenUp": {'river_webhook_given_up_total{webhook="w"}': "0x50 3x9"},
    "RiverLogLost": {'river_log_lines_dropped_total{instance="a"}': "0x50 3x9"},
}
QUIET = {
    'up{job="river",instance="a"}': "1x60",
    'up{job="other",instance="b"}': "0x60",
    'river_refused_total{instance="a"}': "9x60",
    'river_publish_refused_total{code="too_large"}': "0+60x60",
    'river_closed_total{code="1011"}': "5x60",
    'river_closed_total{code="1006"}': "0+60x60",
    'river_cpu_seconds_total{instance="a"}': "0+40x60",
    'river_loop_delay_seconds{instance="a"}': "0.01x60",
    'river_broker_delay_seconds{instance="a"}': "0.01x60",
    "river_delivery_delay_seconds_total": "0+1x60",
    "river_delivery_delay_samples_total": "0+60x60",
    "river_gaps_total": "0+1x60",
    "river_deliveries_total": "0+100000x60",
    'river_broker_evicts{instance="a"}': "0x60",
    'river_channel_rules_differ{instance="a"}': "0x60",
    'river_webhook_failures_total{webhook="w"}': "0+1x60",
    'river_webhook_delivered_total{webhook="w"}': "0+9x60",
    'river_webhook_given_up_total{webhook="w"}': "4x60",
    'river_log_lines_dropped_total{instance="a"}': "4x60",
}


def case(series: dict[str, str], *, firing: str | None) -> dict[str, Any]:
    """A case of promtool: exactly this alert fires, or none does."""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'group by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{MINUTES - 2}m",
                "exp_samples": []
                if firing is None
                else [{"labels": f'{{alertname="{firing}"}}', "value": 1}],
            }
        ],
    }


def test_each_alert_fires_for_what_it_is_about_and_none_does_on_a_good_day(tmp_path: Path) -> None:
    assert FIRES.keys() == alerts().keys()
    cases = [case(series, firing=name) for name, series in FIRES.items()]
    cases.append(case(QUIET, firing=None))
    file = tmp_path / "cases.yml"
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "tests": cases}), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
