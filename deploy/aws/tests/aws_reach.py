"""Checks of who can reach whom: ports, addresses, ways in and out."""

from collections.abc import Iterator

from aws_template import Check, Finding, Template, listed, target, text

PORT_MAX = 65_535
ANYWHERE = "0.0.0.0/0"
CLOUDFRONT = "CloudFront"
Edge = tuple[str, str, int]


def owners(template: Template) -> dict[str, str]:
    """Who is in each security group: gateways, api, sender, publish, drain, balancer, ..."""
    found: dict[str, str] = {}

    def note(groups: object, owner: str) -> None:
        for group in listed(groups):
            found[target(group)] = owner

    for name, service in template.of("ECS::Service").items():
        place = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        owner = "api" if "PublishService" in name else "gateways"
        note(place["SecurityGroups"], "sender" if name.startswith("Webhooks") else owner)
    for name, function in template.of("Lambda::Function").items():
        groups = function.get("VpcConfig", {}).get("SecurityGroupIds")
        note(groups, "drain" if name.startswith("Drain") else "publish")
    for balancer in template.of("ElasticLoadBalancingV2::LoadBalancer").values():
        note(balancer.get("SecurityGroups"), "balancer")
    for group in template.of("ElastiCache::ReplicationGroup").values():
        note(group.get("SecurityGroupIds"), "valkey")
    for endpoint in template.of("EC2::VPCEndpoint").values():
        note(endpoint.get("SecurityGroupIds"), "door")
    return found


def ways_in(template: Template) -> Iterator[Edge]:
    """Who is let in where."""
    names = owners(template)
    for group, rule in _rules(template, "Ingress"):
        if "SourceSecurityGroupId" in rule:
            source = names.get(target(rule["SourceSecurityGroupId"]), "nobody")
        elif "SourcePrefixListId" in rule:
            source = CLOUDFRONT
        else:
            source = str(rule.get("CidrIp") or rule.get("CidrIpv6") or "?")
        yield source, names.get(group, group), _port(rule)


def ways_out(template: Template) -> Iterator[Edge]:
    """Who may go where."""
    names = owners(template)
    for group, rule in _rules(template, "Egress"):
        if rule.get("CidrIp") == "255.255.255.255/32":
            continue  # CloudFormation's way of saying: nowhere.
        if "DestinationSecurityGroupId" in rule:
            to = names.get(target(rule["DestinationSecurityGroupId"]), "nobody")
        else:
            to = str(rule.get("CidrIp") or rule.get("CidrIpv6") or "?")
        yield names.get(group, group), to, _port(rule)


def _rules(template: Template, way: str) -> Iterator[tuple[str, dict[str, object]]]:
    for name, group in template.of("EC2::SecurityGroup").items():
        for rule in group.get(f"SecurityGroup{way}", []):
            yield name, rule
    for rule in template.of(f"EC2::SecurityGroup{way}").values():
        yield target(rule["GroupId"]), rule


def _port(rule: dict[str, object]) -> int:
    first, last = rule.get("FromPort"), rule.get("ToPort")
    if rule.get("IpProtocol") != "tcp" or first != last or not isinstance(first, int):
        return -1
    return first


def expected(template: Template) -> set[Edge]:
    """Whom River lets in where; nothing else."""
    edges = {(CLOUDFRONT, "balancer", 80), ("balancer", "gateways", 8000)}
    clients = ["gateways", "drain", "publish"]
    if template.has_service():
        edges.add(("balancer", "api", 8001))
        clients[-1] = "api"
    if template.has_sender():
        clients.append("sender")
    for client in clients:
        edges |= {(client, "valkey", 6379), (client, "door", 443)}
    return edges


def check_ways_in(template: Template) -> Iterator[Finding]:
    found, wanted = set(ways_in(template)), expected(template)
    for source, to, port in found - wanted:
        yield f"{source} is let in to {to} on port {port}"
    for source, to, port in wanted - found:
        yield f"{source} is not let in to {to} on port {port}"


def check_ways_out(template: Template) -> Iterator[Finding]:
    found = set(ways_out(template))
    wanted = {edge for edge in expected(template) if edge[0] != CLOUDFRONT}
    tasks = {"gateways", *owners(template).values()} & {"gateways", "api", "sender"}
    wanted |= {(task, ANYWHERE, 443) for task in tasks}
    for source, to, port in found - wanted:
        yield f"{source} may go to {to} on port {port}"
    for source, to, port in wanted - found:
        yield f"{source} may not go to {to} on port {port}"


def check_ports(template: Template) -> Iterator[Finding]:
    for way in ("Ingress", "Egress"):
        for group, rule in _rules(template, way):
            for end in ("FromPort", "ToPort"):
                port = rule.get(end, 0)
                if not isinstance(port, int) or not -1 <= port <= PORT_MAX:
                    yield f"{group}: {end} {port} is no port"


def _public(template: Template) -> set[str]:
    """Subnets with a way to the internet."""
    tables = {
        target(route["RouteTableId"])
        for route in template.of("EC2::Route").values()
        if "GatewayId" in route
    }
    return {
        target(one["SubnetId"])
        for one in template.of("EC2::SubnetRouteTableAssociation").values()
        if target(one["RouteTableId"]) in tables
    }


def check_isolation(template: Template) -> Iterator[Finding]:
    public = _public(template)
    places = {
        "the balancer": template.one("ElasticLoadBalancingV2::LoadBalancer")["Subnets"],
        "Valkey": template.one("ElastiCache::SubnetGroup")["SubnetIds"],
        "the door to secrets": template.one("EC2::VPCEndpoint")["SubnetIds"],
    }
    for name, function in template.of("Lambda::Function").items():
        if "VpcConfig" in function:
            places[name] = function["VpcConfig"]["SubnetIds"]
    for who, subnets in places.items():
        if public & set(map(target, subnets)):
            yield f"{who} is in a public subnet"
    group = target(template.one("ElastiCache::ReplicationGroup")["CacheSubnetGroupName"])
    if group != template.id_of("ElastiCache::SubnetGroup"):
        yield "Valkey is not in the isolated subnets"
    for kind in ("Lambda::Url", "EC2::EIP", "EC2::Instance", "EC2::NatGateway"):
        for name in template.of(kind):
            yield f"{name}: an address or a door that River does not need"


def check_zones(template: Template) -> Iterator[Finding]:
    zones = {
        name: text(one["AvailabilityZone"]) for name, one in template.of("EC2::Subnet").items()
    }
    spread = {
        "balancer": template.one("ElasticLoadBalancingV2::LoadBalancer")["Subnets"],
        "Valkey": template.one("ElastiCache::SubnetGroup")["SubnetIds"],
    }
    for name, service in template.of("ECS::Service").items():
        spread[name] = service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]
        if service.get("AvailabilityZoneRebalancing") != "ENABLED":
            yield f"{name}: its tasks are not kept spread over the zones"
    for who, subnets in spread.items():
        if len({zones.get(target(subnet)) for subnet in subnets}) != 2:
            yield f"{who} is not in two zones"
    for name, subnet in template.of("EC2::Subnet").items():
        if subnet.get("MapPublicIpOnLaunch") is not False:
            yield f"{name} gives a public address to whatever starts in it"


def check_tasks_reach_the_internet(template: Template) -> Iterator[Finding]:
    public = _public(template)
    for name, service in template.of("ECS::Service").items():
        place = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        if not set(map(target, place["Subnets"])) <= public:
            yield f"{name}: tasks cannot fetch their image: no way out, and no NAT gateway"
        if place.get("AssignPublicIp") != "ENABLED":
            yield f"{name}: tasks cannot fetch their image: no public address, and no NAT gateway"


def check_only_two_entries(template: Template) -> Iterator[Finding]:
    for name, balancer in template.of("ElasticLoadBalancingV2::LoadBalancer").items():
        if balancer.get("Scheme") != "internal":
            yield f"{name} is reachable from the internet"
    apis = 0 if template.has_service() else 1
    if len(template.of("CloudFront::Distribution")) != 1:
        yield "there is not one distribution"
    if len(template.of("ApiGatewayV2::Api")) != apis:
        yield f"there are not {apis} HTTP APIs"
    for name, permission in template.of("Lambda::Permission").items():
        if permission["Principal"] not in (
            "apigateway.amazonaws.com",
            "events.amazonaws.com",
            "secretsmanager.amazonaws.com",
        ):
            yield f"{name}: {permission['Principal']} may call a function"
        if not (permission.get("SourceArn") or permission.get("SourceAccount")):
            yield f"{name}: anybody's {permission['Principal']} may call a function"


CHECKS: tuple[Check, ...] = (
    check_ways_in,
    check_ways_out,
    check_ports,
    check_isolation,
    check_zones,
    check_tasks_reach_the_internet,
    check_only_two_entries,
)
