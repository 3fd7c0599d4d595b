"""EC2's networks and the balancers: AWS::EC2::*, AWS::ElasticLoadBalancingV2::*."""

from fake_aws.resource import Account, Kind, Plain, Properties, Resource

_EVERYWHERE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _dns(account: Account, vpc: Resource) -> None:
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if name in vpc.properties:
            wanted = {"VpcId": vpc.id, name: {"Value": vpc.properties[name]}}
            account.call("ec2", "ModifyVpcAttribute", wanted)


def _public(account: Account, subnet: Resource) -> None:
    if "MapPublicIpOnLaunch" in subnet.properties:
        wanted = {"Value": subnet.properties["MapPublicIpOnLaunch"]}
        account.call(
            "ec2", "ModifySubnetAttribute", {"SubnetId": subnet.id, "MapPublicIpOnLaunch": wanted}
        )


def permission(rule: Properties) -> Properties:
    """A rule of a security group, as the API takes it."""
    ranges = [
        (kind, to, one)
        for kind, to, one in (
            ("IpRanges", "CidrIp", "CidrIp"),
            ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
            ("UserIdGroupPairs", "GroupId", "SourceSecurityGroupId"),
            ("UserIdGroupPairs", "GroupId", "DestinationSecurityGroupId"),
            ("PrefixListIds", "PrefixListId", "SourcePrefixListId"),
            ("PrefixListIds", "PrefixListId", "DestinationPrefixListId"),
        )
        if one in rule
    ]
    known = {"IpProtocol", "FromPort", "ToPort", "Description", *(one for *_, one in ranges)}
    # A key that is not known goes on as it is: botocore refuses it.
    made = {
        key: value
        for key, value in rule.items()
        if key not in known - {"IpProtocol", "FromPort", "ToPort"}
    }
    for kind, to, one in ranges:
        described = {"Description": rule["Description"]} if "Description" in rule else {}
        made[kind] = [{to: rule[one], **described}]
    return made


class SecurityGroup:
    """A security group with the rules that stand in it."""

    _plain = Plain(
        service="ec2",
        create_with="CreateSecurityGroup",
        id="GroupId",
        attributes={"GroupId": "GroupId", "VpcId": "in.VpcId"},
        name="GroupName",
        name_chars_max=255,
        tagged="security-group",
        spelled={"GroupDescription": "Description"},
        later=frozenset({"SecurityGroupIngress", "SecurityGroupEgress"}),
        delete_with=("DeleteSecurityGroup", lambda it: {"GroupId": it.id}),
    )

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        made = self._plain.create(account, logical_id, properties)
        if "SecurityGroupEgress" in properties:
            # What AWS lets every new group do.
            account.call(
                "ec2",
                "RevokeSecurityGroupEgress",
                {"GroupId": made.id, "IpPermissions": [_EVERYWHERE]},
            )
        self._rules(account, made.id, properties, "Authorize")
        return made

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        rules = {"SecurityGroupIngress", "SecurityGroupEgress", "Tags"}
        before = {key: one for key, one in resource.properties.items() if key not in rules}
        if before != {key: one for key, one in properties.items() if key not in rules}:
            return False
        self._rules(account, resource.id, resource.properties, "Revoke")
        self._rules(account, resource.id, properties, "Authorize")
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        self._plain.delete(account, resource)

    @staticmethod
    def _rules(account: Account, group: str, properties: Properties, verb: str) -> None:
        for way in ("Ingress", "Egress"):
            wanted = [permission(one) for one in properties.get(f"SecurityGroup{way}", [])]
            if wanted:
                account.call(
                    "ec2",
                    f"{verb}SecurityGroup{way}",
                    {"GroupId": group, "IpPermissions": wanted},
                )


class Rule:
    """A rule of a security group that stands by itself."""

    def __init__(self, way: str) -> None:
        self._way = way

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        self._say(account, properties, "Authorize")
        return Resource(account.name_for(logical_id, 64), {}, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        del account, resource, properties
        return False

    def delete(self, account: Account, resource: Resource) -> None:
        self._say(account, resource.properties, "Revoke")

    def _say(self, account: Account, properties: Properties, verb: str) -> None:
        rule = {key: one for key, one in properties.items() if key != "GroupId"}
        account.call(
            "ec2",
            f"{verb}SecurityGroup{self._way}",
            {"GroupId": properties["GroupId"], "IpPermissions": [permission(rule)]},
        )


def _attributes_of(kind: str, key: str) -> object:
    """A call that sets the attributes that a balancer's create call does not take."""

    def after(account: Account, made: Resource) -> None:
        wanted = made.properties.get(f"{kind}Attributes")
        if wanted:
            account.call("elbv2", f"Modify{kind}Attributes", {key: made.id, "Attributes": wanted})

    return after


def _balancer(kind: str, key: str, **more: object) -> Plain:
    return Plain(
        service="elbv2",
        create_with=f"Create{kind}",
        id=f"{kind}s.0.{key}",
        later=frozenset({f"{kind}Attributes"}),
        after=_attributes_of(kind, key),
        delete_with=(f"Delete{kind}", lambda it: {key: it.id}),
        **more,
    )


def _flow_log(properties: Properties) -> Properties:
    turned = dict(properties)
    turned["ResourceIds"] = [turned.pop("ResourceId")]
    return turned


KINDS: dict[str, Kind] = {
    "AWS::EC2::VPC": Plain(
        service="ec2",
        create_with="CreateVpc",
        id="Vpc.VpcId",
        attributes={"VpcId": "Vpc.VpcId", "CidrBlock": "Vpc.CidrBlock"},
        tagged="vpc",
        later=frozenset({"EnableDnsSupport", "EnableDnsHostnames"}),
        after=_dns,
        delete_with=("DeleteVpc", lambda it: {"VpcId": it.id}),
    ),
    "AWS::EC2::Subnet": Plain(
        service="ec2",
        create_with="CreateSubnet",
        id="Subnet.SubnetId",
        attributes={
            "SubnetId": "Subnet.SubnetId",
            "AvailabilityZone": "Subnet.AvailabilityZone",
            "CidrBlock": "Subnet.CidrBlock",
        },
        tagged="subnet",
        later=frozenset({"MapPublicIpOnLaunch"}),
        after=_public,
        delete_with=("DeleteSubnet", lambda it: {"SubnetId": it.id}),
    ),
    "AWS::EC2::InternetGateway": Plain(
        service="ec2",
        create_with="CreateInternetGateway",
        id="InternetGateway.InternetGatewayId",
        tagged="internet-gateway",
        delete_with=("DeleteInternetGateway", lambda it: {"InternetGatewayId": it.id}),
    ),
    "AWS::EC2::VPCGatewayAttachment": Plain(
        service="ec2",
        create_with="AttachInternetGateway",
        id="=IGW|{in.VpcId}",
        delete_with=("DetachInternetGateway", lambda it: it.properties),
    ),
    "AWS::EC2::RouteTable": Plain(
        service="ec2",
        create_with="CreateRouteTable",
        id="RouteTable.RouteTableId",
        attributes={"RouteTableId": "RouteTable.RouteTableId"},
        tagged="route-table",
        delete_with=("DeleteRouteTable", lambda it: {"RouteTableId": it.id}),
    ),
    "AWS::EC2::Route": Plain(
        service="ec2",
        create_with="CreateRoute",
        id="=rtb-route|{in.RouteTableId}",
        delete_with=(
            "DeleteRoute",
            lambda it: {
                key: it.properties[key]
                for key in ("RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock")
                if key in it.properties
            },
        ),
    ),
    "AWS::EC2::SubnetRouteTableAssociation": Plain(
        service="ec2",
        create_with="AssociateRouteTable",
        id="AssociationId",
        delete_with=("DisassociateRouteTable", lambda it: {"AssociationId": it.id}),
    ),
    "AWS::EC2::EIP": Plain(
        service="ec2",
        create_with="AllocateAddress",
        id="PublicIp",
        attributes={"AllocationId": "AllocationId", "PublicIp": "PublicIp"},
        tagged="elastic-ip",
        delete_with=("ReleaseAddress", lambda it: {"AllocationId": it.attributes["AllocationId"]}),
    ),
    "AWS::EC2::NatGateway": Plain(
        service="ec2",
        create_with="CreateNatGateway",
        id="NatGateway.NatGatewayId",
        tagged="natgateway",
        delete_with=("DeleteNatGateway", lambda it: {"NatGatewayId": it.id}),
    ),
    "AWS::EC2::VPCEndpoint": Plain(
        service="ec2",
        create_with="CreateVpcEndpoint",
        id="VpcEndpoint.VpcEndpointId",
        tagged="vpc-endpoint",
        delete_with=("DeleteVpcEndpoints", lambda it: {"VpcEndpointIds": [it.id]}),
    ),
    "AWS::EC2::FlowLog": Plain(
        service="ec2",
        create_with="CreateFlowLogs",
        id="FlowLogIds.0",
        tagged="vpc-flow-log",
        turned=_flow_log,
        delete_with=("DeleteFlowLogs", lambda it: {"FlowLogIds": [it.id]}),
    ),
    "AWS::EC2::SecurityGroup": SecurityGroup(),
    "AWS::EC2::SecurityGroupIngress": Rule("Ingress"),
    "AWS::EC2::SecurityGroupEgress": Rule("Egress"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _balancer(
        "LoadBalancer",
        "LoadBalancerArn",
        name="Name",
        name_chars_max=32,
        attributes={
            "DNSName": "LoadBalancers.0.DNSName",
            "CanonicalHostedZoneID": "LoadBalancers.0.CanonicalHostedZoneId",
            "LoadBalancerArn": "LoadBalancers.0.LoadBalancerArn",
            "LoadBalancerName": "LoadBalancers.0.LoadBalancerName",
            "LoadBalancerFullName": lambda told: told["out"]["LoadBalancers"][0][
                "LoadBalancerArn"
            ].split(":loadbalancer/")[1],
        },
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": _balancer(
        "TargetGroup",
        "TargetGroupArn",
        name="Name",
        name_chars_max=32,
        attributes={
            "TargetGroupArn": "TargetGroups.0.TargetGroupArn",
            "TargetGroupName": "TargetGroups.0.TargetGroupName",
            "TargetGroupFullName": lambda told: told["out"]["TargetGroups"][0][
                "TargetGroupArn"
            ].split(":")[-1],
        },
    ),
    "AWS::ElasticLoadBalancingV2::Listener": _balancer(
        "Listener", "ListenerArn", attributes={"ListenerArn": "Listeners.0.ListenerArn"}
    ),
    "AWS::ElasticLoadBalancingV2::ListenerRule": Plain(
        service="elbv2",
        create_with="CreateRule",
        id="Rules.0.RuleArn",
        delete_with=("DeleteRule", lambda it: {"RuleArn": it.id}),
    ),
}
