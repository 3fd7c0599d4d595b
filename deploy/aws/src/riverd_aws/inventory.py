"""What of a stack is still there: asked of each service itself, not of CloudFormation."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from riverd_aws.account import Account, AwsError
from riverd_aws.stacks import Resource

Parameters = Mapping[str, object]
_GONE = {"deleted", "deleting", "inactive", "draining"}


@dataclass(frozen=True)
class Probe:
    """How a service is asked for one resource: what it answers holds it at `key`, a list or not."""

    call: str
    parameters: Callable[[str], Parameters]
    key: str
    state: str = ""
    """The field whose value tells that it is gone although it is still listed."""

    def finds(self, account: Account, physical_id: str) -> bool:
        """Whether it is there.

        Raises:
            Failure: the service cannot be asked.
        """
        try:
            answer = account.ask(self.call, dict[str, object], **self.parameters(physical_id))
        except AwsError as error:
            if error.is_missing:
                return False
            raise
        found: object = answer.get(self.key) or []
        listed = cast("list[object]", found if isinstance(found, list) else [found])
        return any(self._is_alive(one) for one in listed)

    def _is_alive(self, one: object) -> bool:
        if not self.state:
            return True
        value = cast("dict[str, object]", one).get(self.state, "")
        return str(value).lower() not in _GONE


def _of_service(arn: str) -> Parameters:
    _, cluster, name = arn.split("/")
    return {"cluster": cluster, "services": [name]}


COSTING: Mapping[str, Probe] = {
    "AWS::ApiGatewayV2::Api": Probe("apigatewayv2:get_api", lambda it: {"ApiId": it}, "ApiId"),
    "AWS::CloudFront::Distribution": Probe(
        "cloudfront:get_distribution", lambda it: {"Id": it}, "Distribution"
    ),
    "AWS::CloudWatch::Alarm": Probe(
        "cloudwatch:describe_alarms", lambda it: {"AlarmNames": [it]}, "MetricAlarms"
    ),
    "AWS::CloudWatch::Dashboard": Probe(
        "cloudwatch:get_dashboard", lambda it: {"DashboardName": it}, "DashboardBody"
    ),
    "AWS::Cognito::UserPool": Probe(
        "cognito-idp:describe_user_pool", lambda it: {"UserPoolId": it}, "UserPool"
    ),
    "AWS::EC2::NatGateway": Probe(
        "ec2:describe_nat_gateways",
        lambda it: {"NatGatewayIds": [it]},
        "NatGateways",
        "State",
    ),
    "AWS::EC2::VPC": Probe("ec2:describe_vpcs", lambda it: {"VpcIds": [it]}, "Vpcs"),
    "AWS::EC2::VPCEndpoint": Probe(
        "ec2:describe_vpc_endpoints",
        lambda it: {"VpcEndpointIds": [it]},
        "VpcEndpoints",
        "State",
    ),
    "AWS::ECS::Cluster": Probe(
        "ecs:describe_clusters", lambda it: {"clusters": [it]}, "clusters", "status"
    ),
    "AWS::ECS::Service": Probe("ecs:describe_services", _of_service, "services", "status"),
    "AWS::ElastiCache::ReplicationGroup": Probe(
        "elasticache:describe_replication_groups",
        lambda it: {"ReplicationGroupId": it},
        "ReplicationGroups",
        "Status",
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Probe(
        "elbv2:describe_load_balancers",
        lambda it: {"LoadBalancerArns": [it]},
        "LoadBalancers",
    ),
    "AWS::Lambda::Function": Probe(
        "lambda:get_function_configuration",
        lambda it: {"FunctionName": it},
        "FunctionName",
    ),
    "AWS::Logs::LogGroup": Probe(
        "logs:describe_log_groups", lambda it: {"logGroupNamePrefix": it}, "logGroups"
    ),
    "AWS::SecretsManager::Secret": Probe(
        "secretsmanager:describe_secret", lambda it: {"SecretId": it}, "ARN"
    ),
}
"""The types that cost something while they are there; a network does not, but has a quota."""


def left(account: Account, resources: Iterable[Resource]) -> list[Resource]:
    """Those of the resources that are still there and cost something."""
    return [
        one
        for one in resources
        if one.resource_type in COSTING
        and one.physical_resource_id
        and COSTING[one.resource_type].finds(account, one.physical_resource_id)
    ]
