"""A service of River's image on Fargate: its tasks are spread, watched and replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from riverd_aws.constructs.balancer import Balancer
from riverd_aws.constructs.network import Network

CONTAINER = "river"
OPEN_FILES = 65_536
STOP_MARGIN_S = 20
"""What a gateway needs beyond its drain: to hear SIGTERM, to close what is left, to end."""

LOG_KEPT = logs.RetentionDays.ONE_MONTH
_LOG_BUFFER_MIB = 4


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a task runs: its image and command, its size, what it is told and what it may do."""

    about: str
    image: ecs.ContainerImage
    command: Sequence[str]
    port: int
    cpu: int
    memory_mib: int
    environment: Mapping[str, str]
    rights: Sequence[iam.PolicyStatement]
    stop_s: int
    count: int | None = None
    """How many run, where no scaling decides that."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where services run, and what stands before them."""

    network: Network
    cluster: ecs.ICluster
    balancer: Balancer


class Service(Construct):
    """Tasks with public addresses, which spare a NAT gateway, and no way in but the balancer's.

    Without `targets` there is no way in at all.

    How many run is left to its scaling: a deployment does not set it back.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        place: Place,
        task: Task,
        targets: elb.IApplicationTargetGroup | None,
    ) -> None:
        super().__init__(scope, name)
        network = place.network
        self.group = network.group(self, about=task.about)
        self.group.add_egress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "Its image, AWS, the identity provider"
        )
        self.log = logs.LogGroup(
            self, "Log", retention=LOG_KEPT, removal_policy=RemovalPolicy.DESTROY
        )
        self.definition = self._definition(task)
        self._add_container(task)
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=place.cluster,
            task_definition=self.definition,
            desired_count=task.count,
            assign_public_ip=True,
            vpc_subnets=network.public,
            security_groups=[self.group],
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=Duration.seconds(60),
            enable_execute_command=False,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        if targets is not None:
            targets.add_target(
                self.service.load_balancer_target(
                    container_name=CONTAINER, container_port=task.port
                )
            )

    def _definition(self, task: Task) -> ecs.FargateTaskDefinition:
        definition = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=task.cpu,
            memory_limit_mib=task.memory_mib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        for right in task.rights:
            definition.add_to_task_role_policy(right)
        return definition

    def _add_container(self, task: Task) -> None:
        container = self.definition.add_container(
            CONTAINER,
            image=task.image,
            command=list(task.command),
            environment=dict(task.environment),
            essential=True,
            readonly_root_filesystem=True,
            stop_timeout=Duration.seconds(task.stop_s),
            health_check=ecs.HealthCheck(
                command=["CMD", "python", "-I", "-S", "-c", _asks(task.port)],
                interval=Duration.seconds(15),
                timeout=Duration.seconds(10),
                retries=3,
                start_period=Duration.seconds(30),
            ),
            logging=ecs.LogDriver.aws_logs(
                log_group=self.log,
                stream_prefix=CONTAINER,
                # A log that does not take lines must not hold up deliveries.
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
                max_buffer_size=Size.mebibytes(_LOG_BUFFER_MIB),
            ),
        )
        container.add_port_mappings(ecs.PortMapping(container_port=task.port))
        container.add_ulimits(
            ecs.Ulimit(name=ecs.UlimitName.NOFILE, soft_limit=OPEN_FILES, hard_limit=OPEN_FILES)
        )


def cluster_in(scope: Construct, network: Network) -> ecs.Cluster:
    """Where the services run."""
    return ecs.Cluster(
        scope,
        "Cluster",
        vpc=network.vpc,
        container_insights_v2=ecs.ContainerInsights.DISABLED,
    )


def _asks(port: int) -> str:
    """A line of Python that fails unless the process answers."""
    return (
        "import urllib.request as u; "
        f"u.urlopen('http://127.0.0.1:{port}/healthz', timeout=4).close()"
    )
