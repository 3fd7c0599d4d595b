"""Checks of alarms, graphs and scaling: each number is one that AWS, or River, really publishes."""

import json
import re
from collections.abc import Iterator
from typing import Any

from aws_template import Check, Finding, Template, text, walk

from riverd_aws.lambda_package import root

TARGETS = frozenset({"LoadBalancer", "TargetGroup"})
BALANCER = frozenset({"LoadBalancer"})
TASKS = frozenset({"ClusterName", "ServiceName"})
NODE = frozenset({"CacheClusterId"})
FUNCTION = frozenset({"FunctionName"})
API = frozenset({"ApiId"})
WORLD = frozenset({"DistributionId", "Region"})

PUBLISHED = {
    ("AWS/ApplicationELB", "ActiveConnectionCount"): (BALANCER, {"Sum"}),
    ("AWS/ApplicationELB", "ConsumedLCUs"): (BALANCER, {"Sum", "Average"}),
    ("AWS/ApplicationELB", "RejectedConnectionCount"): (BALANCER, {"Sum"}),
    ("AWS/ApplicationELB", "HealthyHostCount"): (TARGETS, {"Average", "Minimum", "Maximum"}),
    ("AWS/ApplicationELB", "RequestCount"): (TARGETS, {"Sum"}),
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"): (TARGETS, {"Sum"}),
    ("AWS/ApplicationELB", "TargetResponseTime"): (TARGETS, {"Average", "p95", "p99"}),
    ("AWS/ECS", "CPUUtilization"): (TASKS, {"Average", "Maximum", "SampleCount"}),
    ("AWS/ECS", "MemoryUtilization"): (TASKS, {"Average", "Maximum"}),
    ("AWS/Lambda", "Errors"): (FUNCTION, {"Sum"}),
    ("AWS/ApiGateway", "Count"): (API, {"Sum"}),
    ("AWS/ApiGateway", "5xx"): (API, {"Sum"}),
    ("AWS/ApiGateway", "Latency"): (API, {"Average", "p95", "p99"}),
    ("AWS/ElastiCache", "EngineCPUUtilization"): (NODE, {"Average", "Maximum"}),
    ("AWS/ElastiCache", "DatabaseMemoryUsagePercentage"): (NODE, {"Average", "Maximum"}),
    ("AWS/CloudFront", "BytesDownloaded"): (WORLD, {"Sum"}),
    ("AWS/CloudFront", "Requests"): (WORLD, {"Sum"}),
}
"""By AWS's documentation: dimensions and useful statistics of the numbers that are used here."""

SAID = {
    name
    for path in root().rglob("*.py")
    for name in re.findall(r'"river_(\w+)"', path.read_text(encoding="utf-8"))
}
"""The names of River's metrics, as they stand in its log."""

SENDING = root().joinpath("service", "webhook_sending.py").read_text(encoding="utf-8")
"""What logs the events of webhooks."""

ALARMS_FREE = 10
MISSING = ("breaching", "notBreaching")


def _of_river(template: Template) -> set[tuple[str, str]]:
    """What the gateways' log is made into."""
    return {
        (text(one["MetricNamespace"]), one["MetricName"])
        for filter_ in template.of("Logs::MetricFilter").values()
        for one in filter_["MetricTransformations"]
    }


def _wrong(
    template: Template, namespace: object, name: str, *, statistic: str, by: set[str]
) -> Finding | None:
    if (text(namespace), name) in _of_river(template):
        return f"River/{name} has no dimensions" if by else None
    known = PUBLISHED.get((text(namespace), name))
    if known is None:
        return f"AWS publishes no {text(namespace)} {name}"
    dimensions, statistics = known
    if by != dimensions:
        return f"{name} is not published by {sorted(by)}"
    return None if statistic in statistics else f"{statistic} says nothing about {name}"


def _of_alarm(alarm: dict[str, Any]) -> Iterator[tuple[object, str, str, set[str]]]:
    statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic") or ""
    by = {one["Name"] for one in alarm.get("Dimensions", [])}
    yield alarm.get("Namespace"), alarm.get("MetricName", ""), statistic, by


def check_alarms(template: Template) -> Iterator[Finding]:
    alarms = template.of("CloudWatch::Alarm")
    for name, alarm in alarms.items():
        for namespace, metric, statistic, by in _of_alarm(alarm):
            wrong = _wrong(template, namespace, metric, statistic=statistic, by=by)
            if wrong:
                yield f"{name}: {wrong}"
        if ":" not in alarm.get("AlarmDescription", ""):
            yield f"{name}: does not say what to do"
        if alarm.get("TreatMissingData") not in MISSING:
            yield f"{name}: says nothing when there is nothing to see"
    for part in _wanted_alarms(template):
        if not any(part in name for name in alarms):
            yield f"nobody hears of {part}"
    is_cheap = template.one("ElastiCache::ReplicationGroup")["NumCacheClusters"] == 1
    alarms = {name: one for name, one in alarms.items() if "Webhook" not in name}
    if is_cheap and len(alarms) > ALARMS_FREE:
        yield f"{len(alarms)} alarms cost, {ALARMS_FREE} are free"


def _wanted_alarms(template: Template) -> list[str]:
    wanted = (
        "GatewaysMissing ConnectionsNearLimit ValkeyMemory PublishFails DrainFails RotationFails"
    )
    if template.has_webhooks():
        wanted += " WebhooksGivenUp WebhookOverflow"
    if template.has_sender():
        wanted += " WebhookSenderMissing"
    return wanted.split()


def check_missing_gateways(template: Template) -> Iterator[Finding]:
    alarm = template.one("CloudWatch::Alarm", "GatewaysMissing")
    least = template.one("ApplicationAutoScaling::ScalableTarget", "Gateways")["MinCapacity"]
    if alarm["Threshold"] != least or alarm["ComparisonOperator"] != "LessThanThreshold":
        yield "it is not noticed that a gateway is missing"
    if alarm.get("TreatMissingData") != "breaching":
        yield "it is not noticed that all gateways are missing"


def check_scaling_metrics(template: Template) -> Iterator[Finding]:
    for name, policy in template.of("ApplicationAutoScaling::ScalingPolicy").items():
        for one in walk(policy):
            if isinstance(one, dict) and "MetricStat" in one:
                metric = one["MetricStat"]["Metric"]
                wrong = _wrong(
                    template,
                    metric["Namespace"],
                    metric["MetricName"],
                    statistic=one["MetricStat"]["Stat"],
                    by={dimension["Name"] for dimension in metric.get("Dimensions", [])},
                )
                if wrong:
                    yield f"{name}: {wrong}"


def check_dashboard(template: Template) -> Iterator[Finding]:
    body = text(template.one("CloudWatch::Dashboard")["DashboardBody"])
    for widget in json.loads(body)["widgets"]:
        for line in widget["properties"].get("metrics", []):
            names = [part for part in line if isinstance(part, str)]
            options = line[-1] if isinstance(line[-1], dict) else {}
            if len(names) < 2:
                continue  # A formula over other lines.
            wrong = _wrong(
                template,
                names[0],
                names[1],
                statistic=options.get("stat", "Average"),
                by=set(names[2::2]),
            )
            if wrong:
                yield f"the graph {widget['properties']['title']}: {wrong}"
    for title in ("Connections", "Deliveries", "Publish", "Delay", "Cost"):
        if f'"title":"{title}' not in body:
            yield f"there is no graph of {title}"


def check_filters(template: Template) -> Iterator[Finding]:
    for name, one in template.of("Logs::MetricFilter").items():
        if name.startswith("Webhook"):
            yield from _filter_of_webhooks(template, name, one)
            continue
        if "GatewaysTasksLog" not in str(one["LogGroupName"]):
            yield f"{name}: reads another log"
        if one["FilterPattern"] != '{ $.event = "metrics" }':
            yield f"{name}: reads lines that the gateways do not write"
        (made,) = one["MetricTransformations"]
        field = made["MetricValue"].removeprefix("$.")
        if field not in SAID:
            yield f"{name}: the gateways do not write {field}"
    told = {pair["Name"]: pair["Value"] for pair in template.container("Gateways")["Environment"]}
    if told.get("RIVER_METRICS_LOG_S") != "60":
        yield "the gateways do not write a line a minute"


def _filter_of_webhooks(template: Template, name: str, one: dict[str, Any]) -> Iterator[Finding]:
    log = "PublishServiceTasksLog" if template.has_service() else "WebhooksTasksLog"
    if log not in str(one["LogGroupName"]):
        yield f"{name}: reads another log"
    found = re.fullmatch(r'\{ \$\.event = "(\w+)" \}', one["FilterPattern"])
    if found is None or f'"{found[1]}",' not in SENDING:
        yield f"{name}: reads lines that a sender does not write"
    (made,) = one["MetricTransformations"]
    if made["MetricValue"] not in ("1", "$.events"):
        yield f"{name}: a sender does not write {made['MetricValue']}"


CHECKS: tuple[Check, ...] = (
    check_alarms,
    check_missing_gateways,
    check_scaling_metrics,
    check_dashboard,
    check_filters,
)
