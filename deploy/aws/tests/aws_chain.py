"""Checks of the chain from a browser to Valkey: what one end says, the next must hear."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch

from aws_template import Check, Finding, Template, target, text

from riverd.api.routes import ROUTES
from riverd_aws.constructs.rotation import CODE
from riverd_aws.lambda_package import root

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
"""AWS's own policies, by the ids that its documentation lists."""

PORT_SETTINGS = {"gateway": "RIVER_PORT", "api": "RIVER_API_PORT"}
HOST_SETTINGS = {"gateway": "RIVER_HOST", "api": "RIVER_API_HOST"}
ALL_METHODS = 7
PATHS_MAX = 5
PRIVATE_PATHS = {"/healthz", "/readyz", "/metrics"}
API_PATHS = sorted({route.path for route in ROUTES} - PRIVATE_PATHS)
"""What servers ask the publish API for."""


def check_ports_of_tasks(template: Template) -> Iterator[Finding]:
    for name, service in template.of("ECS::Service").items():
        if name.startswith("Webhooks"):
            continue  # Nothing reaches it: see `check_webhooks`.
        (place,) = service["LoadBalancers"]
        task = template.raw["Resources"][target(service["TaskDefinition"])]["Properties"]
        (container,) = task["ContainerDefinitions"]
        group = template.raw["Resources"][target(place["TargetGroupArn"])]["Properties"]
        told = {pair["Name"]: pair["Value"] for pair in container["Environment"]}
        (command,) = container["Command"]
        ports = {
            "the service": place["ContainerPort"],
            "the container": container["PortMappings"][0]["ContainerPort"],
            "the target group": group["Port"],
            PORT_SETTINGS[command]: int(told.get(PORT_SETTINGS[command], 0)),
        }
        if len(set(ports.values())) != 1:
            yield f"{name}: ports differ: {ports}"
        if f":{place['ContainerPort']}/healthz" not in container["HealthCheck"]["Command"][-1]:
            yield f"{name}: the container's health check asks another port"
        if place["ContainerName"] != container["Name"]:
            yield f"{name}: the balancer looks for a container that there is not"
        if told.get(HOST_SETTINGS[command]) != "0.0.0.0":  # noqa: S104
            yield f"{name}: River listens where the balancer cannot reach it"


def check_targets(template: Template) -> Iterator[Finding]:
    for name, group in template.of("ElasticLoadBalancingV2::TargetGroup").items():
        if group.get("TargetType") != "ip":
            yield f"{name}: tasks of Fargate can be registered by ip only"
        if group.get("Protocol") != "HTTP" or group.get("ProtocolVersion", "HTTP1") != "HTTP1":
            yield f"{name}: WebSockets need HTTP/1.1"
        if group.get("HealthCheckPath") != "/healthz":
            yield f"{name}: a task would be replaced for what is not its own fault"
        attributes = template.attributes(name, "TargetGroupAttributes")
        if attributes.get("stickiness.enabled") == "true":
            yield f"{name}: clients that move would be sent back"
        if attributes.get("load_balancing.algorithm.type") != "least_outstanding_requests":
            yield f"{name}: a gateway that came back would stay empty"


def check_listener(template: Template) -> Iterator[Finding]:
    listener = template.one("ElasticLoadBalancingV2::Listener")
    origin = template.one("CloudFront::VpcOrigin")["VpcOriginEndpointConfig"]
    if origin.get("OriginProtocolPolicy") != "http-only" or listener["Protocol"] != "HTTP":
        yield "CloudFront and the listener speak different protocols"
    if origin.get("HTTPPort") != listener["Port"]:
        yield "CloudFront asks a port on which nobody listens"
    if target(origin.get("Arn")) != template.id_of("ElasticLoadBalancingV2::LoadBalancer"):
        yield "CloudFront's origin is not the balancer"
    (default,) = listener["DefaultActions"]
    if "Gateways" not in target(default.get("TargetGroupArn")):
        yield "what is not an API's goes to no gateway"


def check_rules(template: Template) -> Iterator[Finding]:
    rules = sorted(
        template.of("ElasticLoadBalancingV2::ListenerRule").values(),
        key=lambda one: int(one["Priority"]),
    )
    first = rules[0] if rules else {}
    paths = [path for one in first.get("Conditions", []) for path in _paths(one)]
    if paths != ["/metrics"] or first["Actions"][0]["Type"] != "fixed-response":
        yield "everybody can read the metrics"
    wanted = {path for rule in rules[1:] for one in rule["Conditions"] for path in _paths(one)}
    config = template.one("CloudFront::Distribution")["DistributionConfig"]
    passed = {one["PathPattern"] for one in config.get("CacheBehaviors", [])}
    if not any(fnmatch("/client/publish", path) for path in passed):
        yield "clients without a socket cannot publish"
    passed = {path for path in passed if not path.startswith("/client")}
    if wanted != passed:
        yield f"CloudFront and the balancer know different paths: {wanted ^ passed}"
    if template.has_service():
        unreached = [path for path in API_PATHS if not any(fnmatch(path, one) for one in wanted)]
        yield from (f"{path}: the publish API is not reached" for path in unreached)
    if any(len(_paths(one)) > PATHS_MAX for rule in rules for one in rule["Conditions"]):
        yield "a rule of the balancer takes five paths"


def _paths(condition: dict[str, dict[str, list[str]]]) -> list[str]:
    return condition["PathPatternConfig"]["Values"]


def check_behaviours(template: Template) -> Iterator[Finding]:
    config = template.one("CloudFront::Distribution")["DistributionConfig"]
    for behaviour in (config["DefaultCacheBehavior"], *config.get("CacheBehaviors", [])):
        what = behaviour.get("PathPattern", "the WebSocket")
        if behaviour.get("CachePolicyId") != CACHING_DISABLED:
            yield f"{what}: answers are cached"
        if behaviour.get("OriginRequestPolicyId") != ALL_VIEWER:
            yield f"{what}: headers are lost on the way, with them Sec-WebSocket-Key"
        if behaviour.get("ViewerProtocolPolicy") != "https-only":
            yield f"{what}: goes without TLS over the internet"
        methods = set(behaviour.get("AllowedMethods", []))
        if "PathPattern" in behaviour and len(methods) != ALL_METHODS:
            yield f"{what}: an API needs every method"
        if not methods >= {"GET", "HEAD"}:
            yield f"{what}: GET is not let through"


def check_origin(template: Template) -> Iterator[Finding]:
    config = template.one("CloudFront::Distribution")["DistributionConfig"]
    if config.get("Enabled") is not True:
        yield "the distribution is off"
    balancer = template.id_of("ElasticLoadBalancingV2::LoadBalancer")
    (origin,) = config["Origins"]
    if target(origin["DomainName"]) != balancer:
        yield "the distribution leads elsewhere"
    if "ResponseCompletionTimeout" in origin:
        yield "every WebSocket would end after the time that a response may take"
    if target(origin.get("VpcOriginConfig", {}).get("VpcOriginId")) != template.id_of(
        "CloudFront::VpcOrigin"
    ):
        yield "an internal balancer is reached through a VPC origin only"
    if "AWS::EC2::InternetGateway" not in {one["Type"] for _, one in template.resources()}:
        yield "CloudFront makes no VPC origin in a network without internet gateway"


def check_broker_address(template: Template) -> Iterator[Finding]:
    name = template.id_of("ElastiCache::ReplicationGroup")
    port = template.one("ElastiCache::ReplicationGroup")["Port"]
    wanted = f"rediss://${{{name}.PrimaryEndPoint.Address}}:{port}"
    for who, told in template.environments():
        if "RIVER_BROKER" in told and text(told["RIVER_BROKER"]) != wanted:
            yield f"{who}: looks for Valkey at {text(told['RIVER_BROKER'])}, not {wanted}"
        if "RIVER_BROKER" not in told and not who.startswith("Rotation"):
            yield f"{who}: does not know where Valkey is"


def check_handlers(template: Template) -> Iterator[Finding]:
    for name, function in template.of("Lambda::Function").items():
        module, _, called = function["Handler"].rpartition(".")
        place = (
            CODE / f"{module}.py"
            if name.startswith("Rotation")
            else root().joinpath(*module.split(".")[1:]).with_suffix(".py")
        )
        known = re.compile(rf"^(def )?{called}\b", re.MULTILINE)
        if not place.is_file() or not known.search(place.read_text(encoding="utf-8")):
            yield f"{name}: there is no {function['Handler']}"


def check_api(template: Template) -> Iterator[Finding]:
    for name, integration in template.of("ApiGatewayV2::Integration").items():
        if integration.get("PayloadFormatVersion") != "2.0":
            yield f"{name}: the handler reads payload 2.0"
        if "PublishApi" not in target(integration.get("IntegrationUri")):
            yield f"{name}: calls another function"
    routes = {one["RouteKey"]: one for one in template.of("ApiGatewayV2::Route").values()}
    if template.of("ApiGatewayV2::Api") and "$default" not in routes:
        yield "some paths of the API are not reached"
    for key, route in routes.items():
        if key.startswith("ANY /oidc") and route.get("AuthorizationType") != "JWT":
            yield "/oidc is open to everybody"
    for name, stage in template.of("ApiGatewayV2::Stage").items():
        settings = stage.get("DefaultRouteSettings", {})
        if not settings.get("ThrottlingRateLimit") or not settings.get("ThrottlingBurstLimit"):
            yield f"{name}: takes requests, and their cost, without a limit"


def check_drain_sign(template: Template) -> Iterator[Finding]:
    rules = template.of("Events::Rule")
    if len(rules) != 1:
        yield "nobody tells a gateway to move its clients before its sockets are cut"
        return
    ((_, rule),) = rules.items()
    pattern = rule["EventPattern"]
    detail = pattern["detail"]
    service = template.id_of("ECS::Service", "Gateways")
    wanted = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
    }
    if any(pattern.get(key) != value for key, value in wanted.items()):
        yield "the rule hears no task of ECS"
    if [text(one) for one in detail.get("group", [])] != [f"service:${{{service}.Name}}"]:
        yield "the rule hears other tasks than the gateways'"
    if detail.get("desiredStatus") != ["STOPPED"] or set(detail.get("lastStatus", [])) != {
        "RUNNING",
        "DEACTIVATING",
    }:
        yield "the rule hears of a task too late, or too often"
    if rule.get("State") != "ENABLED" or "Drain" not in target(rule["Targets"][0]["Arn"]):
        yield "the rule calls nobody"
    if template.container("Gateways")["Environment"] and not any(
        pair == {"Name": "RIVER_NODE_NAME", "Value": "ecs-task"}
        for pair in template.container("Gateways")["Environment"]
    ):
        yield "a gateway does not know that it is meant"


def check_webhooks(template: Template) -> Iterator[Finding]:
    settings = dict(template.environments())
    senders = {name for name, one in settings.items() if "RIVER_WEBHOOKS_FROM" in one}
    ours = "PublishService" if template.has_service() else "Webhooks"
    if template.has_webhooks() and not (len(senders) == 1 and senders.pop().startswith(ours)):
        yield f"webhooks are sent by {senders}, not by {ours} alone"
    if not template.has_sender():
        return
    container = template.container("WebhooksTasks")
    (its,) = (one for name, one in settings.items() if name.startswith("Webhooks"))
    if container["Command"] != ["webhooks", "run"]:
        yield f"the sender runs {container['Command']}"
    if its["RIVER_API_HOST"] != "127.0.0.1":
        yield "the sender listens for others"
    if f":{its['RIVER_API_PORT']}/healthz" not in container["HealthCheck"]["Command"][-1]:
        yield "the sender's health check asks another port"
    if "LoadBalancers" in template.one("ECS::Service", "Webhooks"):
        yield "the sender is reached from outside"


def check_console(template: Template) -> Iterator[Finding]:
    config = template.one("CloudFront::Distribution")["DistributionConfig"]
    public = [one["PathPattern"] for one in config.get("CacheBehaviors", [])]
    for rule in template.of("ElasticLoadBalancingV2::ListenerRule").values():
        public += [path for one in rule["Conditions"] for path in _paths(one)]
    if any(fnmatch("/console/app.js", path) or fnmatch("/console", path) for path in public):
        yield "everybody is shown the console"
    for name, function in template.of("Lambda::Function").items():
        if name.startswith("PublishApi") and function["Handler"] != "riverd.aws.lambda_api.handler":
            yield f"{name}: {function['Handler']} may have a console"


CHECKS: tuple[Check, ...] = (
    check_webhooks,
    check_console,
    check_ports_of_tasks,
    check_targets,
    check_listener,
    check_rules,
    check_behaviours,
    check_origin,
    check_broker_address,
    check_handlers,
    check_api,
    check_drain_sign,
)
