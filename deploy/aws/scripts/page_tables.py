"""The tables of the pages about the stack: resources, alarms, options, of template and code."""

from dataclasses import fields

from template_facts import Facts

from riverd_aws.options import NAMES, Options

WHAT_FOR = {
    "CloudFront::Distribution": "the entry for browsers: ends TLS, so that `wss://` works without "
    "a domain or a certificate of yours",
    "CloudFront::VpcOrigin": "CloudFront's private way to the load balancer",
    "ElasticLoadBalancingV2::LoadBalancer": "spreads WebSockets over gateways, in both zones; it "
    "has no public address",
    "ElasticLoadBalancingV2::Listener": "where CloudFront reaches it",
    "ElasticLoadBalancingV2::ListenerRule": "answers `/metrics` with 404: metrics are yours",
    "ElasticLoadBalancingV2::TargetGroup": "the gateways, asked for `/healthz`; one that leaves "
    "keeps its sockets longer than its drain takes",
    "ECS::Cluster": "where tasks run: Fargate, no machines to look after",
    "ECS::Service": "keeps the gateways running in both zones; takes back a deployment that fails",
    "ECS::TaskDefinition": "what a gateway is: image, size, settings, no secret",
    "ApplicationAutoScaling::ScalableTarget": "how many gateways there may be",
    "ApplicationAutoScaling::ScalingPolicy": "more gateways by processor time, and by connections",
    "ElastiCache::ReplicationGroup": "Valkey, the broker: TLS, a password, encrypted at rest",
    "ElastiCache::ParameterGroup": "has Valkey refuse to publish when it is full, rather than lose",
    "ElastiCache::SubnetGroup": "keeps Valkey in the isolated subnets",
    "ApiGatewayV2::Api": "the entry for your servers: the publish API",
    "ApiGatewayV2::Stage": "its limit of requests, and its access log",
    "ApiGatewayV2::Route": "every path leads to the function",
    "ApiGatewayV2::Integration": "how the function is called",
    "Lambda::Function": "the publish API; the sign to drain; rotation",
    "Lambda::Permission": "who may call each function: this API, this rule, Secrets Manager",
    "Events::Rule": "hears that ECS takes a gateway out of service, long before its SIGTERM",
    "SecretsManager::Secret": "token secret, API key, Valkey's password: made at deployment",
    "SecretsManager::RotationSchedule": "new token secret and API key by schedule",
    "EC2::VPC": "a network of its own",
    "EC2::Subnet": "two public ones for gateways, two without a way to the internet for the rest",
    "EC2::RouteTable": "the subnets' ways",
    "EC2::SubnetRouteTableAssociation": "which subnet has which ways",
    "EC2::Route": "gateways reach the internet: their image, AWS, an identity provider",
    "EC2::InternetGateway": "the way out; CloudFront asks for one too",
    "EC2::VPCGatewayAttachment": "puts it to the network",
    "EC2::VPCEndpoint": "the door to Secrets Manager from the isolated subnets: to these three",
    "EC2::SecurityGroup": "one for each part; lets nothing in by itself",
    "EC2::SecurityGroupIngress": "who is let in where, one port each",
    "EC2::SecurityGroupEgress": "who may go where, one port each",
    "IAM::Role": "one for each part, with the rights that it uses",
    "IAM::Policy": "rights of the gateways: two secrets, their log",
    "Logs::LogGroup": "logs of the gateways, the functions and the API, kept for 30 days",
    "Logs::MetricFilter": "deliveries, gaps and Valkey's delay, read from the gateways' log",
    "CloudWatch::Alarm": "what is worth waking somebody for; each says what to do",
    "CloudWatch::Dashboard": "connections, deliveries, publishes, delay, load, cost drivers",
}
"""Every type of the default variant, in the order in which they are told."""


def written(page: str, template: dict[str, object]) -> str:
    """The page with its tables between their marks; a table has one page."""
    tables = {
        "resources": resources(template),
        "alarms": alarms(template),
        "options": options(),
    }
    for name, table in tables.items():
        before, begin, rest = page.partition(f"<!-- {name} -->\n")
        if not begin:
            continue
        _, end, after = rest.partition(f"<!-- /{name} -->\n")
        assert end, f"the page has no end of {name}"
        page = f"{before}{begin}{table}{end}{after}"
    return page


def resources(template: dict[str, object]) -> str:
    """A line for each type of resource. A type that is not explained is an error."""
    kinds = {kind.removeprefix("AWS::"): number for kind, number in Facts(template).kinds().items()}
    assert kinds.keys() == WHAT_FOR.keys(), kinds.keys() ^ WHAT_FOR.keys()
    rows = [(f"`{kind}`", str(kinds[kind]), what) for kind, what in WHAT_FOR.items()]
    return _table(("resource", f"{sum(kinds.values())}", "what it is for"), rows)


def alarms(template: dict[str, object]) -> str:
    """A line for each alarm: its name, and what it says."""
    named = Facts(template).named("CloudWatch::Alarm", "Alarms")
    rows = [(f"`{name}`", alarm["AlarmDescription"]) for name, alarm in named]
    return _table(("alarm", "what it says"), rows)


def options() -> str:
    """A line for each option, with its default."""
    rows: list[tuple[str, ...]] = []
    for one in fields(Options):
        default = one.default
        shown = ",".join(default) if isinstance(default, tuple) else str(default)
        shown = shown.lower() if isinstance(default, bool) else shown
        rows.append((f"`{one.name}`", f"`{shown}`" if shown else "", NAMES[one.name]))
    return _table(("option", "default", "meaning"), rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
