"""The internal load balancer: spreads WebSockets over gateways, reached by CloudFront alone."""

from aws_cdk import Aws, CfnMapping, Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from riverd_aws.constructs.network import Network

PORT = 80
IDLE_S = 120
"""Longer than any silence between River's pings, and than CloudFront keeps an idle connection."""

PREFIX_LISTS = {
    "ap-northeast-1": "pl-58a04531",
    "ap-northeast-2": "pl-22a6434b",
    "ap-south-1": "pl-9aa247f3",
    "ap-southeast-1": "pl-31a34658",
    "ap-southeast-2": "pl-b8a742d1",
    "ca-central-1": "pl-38a64351",
    "eu-central-1": "pl-a3a144ca",
    "eu-north-1": "pl-fab65393",
    "eu-west-1": "pl-4fa04526",
    "eu-west-2": "pl-93a247fa",
    "eu-west-3": "pl-75b1541c",
    "sa-east-1": "pl-5da64334",
    "us-east-1": "pl-3b927c52",
    "us-east-2": "pl-b6a144df",
    "us-west-1": "pl-4ea04527",
    "us-west-2": "pl-82a045eb",
}
"""By region, the list that AWS keeps of CloudFront's addresses towards origins."""


class Balancer(Construct):
    """Listens for CloudFront in the isolated subnets, where the internet has no way to it.

    What comes through a VPC origin keeps CloudFront's addresses: a rule for the network's own range
    would let none of it in. Which addresses those are is a list that AWS keeps.
    """

    def __init__(
        self, scope: Construct, name: str, *, network: Network, prefix_list_id: str
    ) -> None:
        super().__init__(scope, name)
        self._vpc = network.vpc
        group = network.group(self, about="The load balancer")
        group.add_ingress_rule(
            ec2.Peer.prefix_list(prefix_list_id or self._known_prefix_list()),
            ec2.Port.tcp(PORT),
            "CloudFront",
        )
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=network.vpc,
            internet_facing=False,
            vpc_subnets=network.isolated,
            security_group=group,
            idle_timeout=Duration.seconds(IDLE_S),
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elb.DesyncMitigationMode.DEFENSIVE,
            deletion_protection=False,
        )
        self.listener = self.balancer.add_listener(
            "Listener",
            port=PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            open=False,
        )
        # Metrics are the operator's, and every gateway answers them on its public port.
        self.listener.add_action(
            "NoMetrics",
            priority=1,
            conditions=[elb.ListenerCondition.path_patterns(["/metrics"])],
            action=elb.ListenerAction.fixed_response(404),
        )

    def targets(self, name: str, *, port: int, leave_s: int) -> elb.ApplicationTargetGroup:
        """A group of tasks on a port, which a task leaves over some seconds."""
        return elb.ApplicationTargetGroup(
            self,
            name,
            vpc=self._vpc,
            port=port,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            deregistration_delay=Duration.seconds(leave_s),
            # One that came back fills up first: WebSockets stay where they are.
            load_balancing_algorithm_type=(
                elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS
            ),
            health_check=elb.HealthCheck(
                # Not /readyz: a gateway whose broker is away keeps its clients; it is not replaced.
                path="/healthz",
                healthy_http_codes="200",
                interval=Duration.seconds(10),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )

    def _known_prefix_list(self) -> str:
        known = CfnMapping(
            self,
            "CloudFront",
            mapping={region: {"PrefixList": found} for region, found in PREFIX_LISTS.items()},
        )
        return str(known.find_in_map(Aws.REGION, "PrefixList"))
