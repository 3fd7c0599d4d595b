"""Checks of timeouts that must fit together, and of limits that AWS has for each."""

from collections.abc import Iterator

from aws_template import Check, Finding, Template, target

BALANCER_IDLE_MAX_S = 4_000
CLOUDFRONT_IDLE_S = 600
"""CloudFront closes a WebSocket that is silent for so long."""

CLOUDFRONT_TIMEOUT_MAX_S = 60
"""Without asking AWS for more."""

FARGATE_STOP_MAX_S = 120
LEAVE_MAX_S = 3_600
HTTP_API_MAX_MS = 30_000
SIGN_S = 20
"""A gateway hears the sign to drain within this, after the balancer began to let go of it."""

END_S = 10
"""What a gateway needs after its drain to end."""


def _told(template: Template, name: str) -> float:
    pairs = template.container("Gateways")["Environment"]
    return float(next(pair["Value"] for pair in pairs if pair["Name"] == name))


def _idle_s(template: Template) -> int:
    name = template.id_of("ElasticLoadBalancingV2::LoadBalancer")
    return int(template.attributes(name, "LoadBalancerAttributes")["idle_timeout.timeout_seconds"])


def check_idle(template: Template) -> Iterator[Finding]:
    idle_s, ping_s = _idle_s(template), _told(template, "RIVER_PING_INTERVAL_S")
    if not 1 <= idle_s <= BALANCER_IDLE_MAX_S:
        yield f"the balancer takes no idle timeout of {idle_s} s"
    if idle_s < 2 * ping_s:
        yield f"the balancer cuts after {idle_s} s, and one ping in {ping_s} s may be late"
    if ping_s > CLOUDFRONT_IDLE_S / 2:
        yield f"CloudFront cuts a WebSocket before the ping after {ping_s} s"


def check_cloudfront(template: Template) -> Iterator[Finding]:
    (origin,) = template.one("CloudFront::Distribution")["DistributionConfig"]["Origins"]
    config = origin.get("VpcOriginConfig", {})
    for name in ("OriginKeepaliveTimeout", "OriginReadTimeout"):
        if not 1 <= config.get(name, 0) <= CLOUDFRONT_TIMEOUT_MAX_S:
            yield f"CloudFront takes no {name} of {config.get(name)} s"
    if config.get("OriginKeepaliveTimeout", 0) >= _idle_s(template):
        yield "CloudFront uses connections that the balancer has just closed"


def check_leaving(template: Template) -> Iterator[Finding]:
    drain_s = _told(template, "RIVER_DRAIN_S")
    name = template.id_of("ElasticLoadBalancingV2::TargetGroup", "Gateways")
    attributes = template.attributes(name, "TargetGroupAttributes")
    leave_s = int(attributes.get("deregistration_delay.timeout_seconds", 300))
    if leave_s < drain_s + SIGN_S:
        yield f"the balancer cuts sockets after {leave_s} s, in the midst of a drain of {drain_s} s"
    if leave_s > LEAVE_MAX_S:
        yield f"the balancer takes no delay of {leave_s} s"
    for scaling in template.of("ApplicationAutoScaling::ScalingPolicy").values():
        config = scaling["TargetTrackingScalingPolicyConfiguration"]
        if config.get("ScaleInCooldown", 0) < leave_s and "Gateways" in str(
            scaling["ScalingTargetId"]
        ):
            yield "gateways are taken away before the clients of the last one have settled"


def check_stopping(template: Template) -> Iterator[Finding]:
    for name, task in template.of("ECS::TaskDefinition").items():
        (container,) = task["ContainerDefinitions"]
        stop_s = container.get("StopTimeout", 30)
        if stop_s > FARGATE_STOP_MAX_S:
            yield f"{name}: Fargate takes no stop timeout of {stop_s} s"
        if "Gateways" in name and stop_s < _told(template, "RIVER_DRAIN_S") + END_S:
            yield f"{name}: is killed after {stop_s} s, before its drain has ended"


def check_functions(template: Template) -> Iterator[Finding]:
    for name, integration in template.of("ApiGatewayV2::Integration").items():
        function = template.raw["Resources"][target(integration["IntegrationUri"])]["Properties"]
        if function["Timeout"] * 1_000 > integration["TimeoutInMillis"]:
            yield f"{name}: answers 503 while the function still works"
        if not 50 <= integration["TimeoutInMillis"] <= HTTP_API_MAX_MS:
            yield f"{name}: takes no timeout of {integration['TimeoutInMillis']} ms"


def check_health(template: Template) -> Iterator[Finding]:
    for name, group in template.of("ElasticLoadBalancingV2::TargetGroup").items():
        if group["HealthCheckTimeoutSeconds"] >= group["HealthCheckIntervalSeconds"]:
            yield f"{name}: the next health check comes before the last has failed"
    for name, task in template.of("ECS::TaskDefinition").items():
        check = task["ContainerDefinitions"][0].get("HealthCheck")
        if check is None or check["Timeout"] >= check["Interval"]:
            yield f"{name}: is not asked whether it is well, or too often"
    for name, service in template.of("ECS::Service").items():
        if service.get("HealthCheckGracePeriodSeconds", 0) < 30:
            yield f"{name}: tasks are replaced before they have begun"


CHECKS: tuple[Check, ...] = (
    check_idle,
    check_cloudfront,
    check_leaving,
    check_stopping,
    check_functions,
    check_health,
)
