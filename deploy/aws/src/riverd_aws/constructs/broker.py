"""ElastiCache for Valkey: what stands between publishers and gateways."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from riverd_aws.constructs.measures import of_cache
from riverd_aws.constructs.network import Network

PORT = 6379
VERSION = "8.0"
FAMILY = "valkey8"


class ValkeyBroker(Construct):
    """One node, or with `resilient` two in two zones of which one takes over.

    Encrypted in transit and at rest, and closed by a password. It keeps minutes of history: nothing
    that must outlive it, and nothing to back up.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        network: Network,
        password: secretsmanager.ISecret,
        node_type: str,
        resilient: bool,
    ) -> None:
        super().__init__(scope, name)
        group = network.group(self, about="Valkey")
        self._connections = ec2.Connections(
            security_groups=[group], default_port=ec2.Port.tcp(PORT)
        )
        subnets = elasticache.CfnSubnetGroup(
            self,
            "Subnets",
            description="The isolated subnets",
            subnet_ids=[one.subnet_id for one in network.vpc.isolated_subnets],
        )
        parameters = elasticache.CfnParameterGroup(
            self,
            "Parameters",
            cache_parameter_group_family=FAMILY,
            description="A log that was evicted would begin again: rather refuse to publish",
            properties={"maxmemory-policy": "noeviction"},
        )
        self.group = elasticache.CfnReplicationGroup(
            self,
            "Valkey",
            replication_group_description="River's broker",
            engine="valkey",
            engine_version=VERSION,
            cache_node_type=node_type,
            num_cache_clusters=2 if resilient else 1,
            automatic_failover_enabled=resilient,
            multi_az_enabled=resilient,
            cache_parameter_group_name=parameters.ref,
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[group.security_group_id],
            port=PORT,
            at_rest_encryption_enabled=True,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            # A reference that CloudFormation resolves: the password is in no template.
            auth_token=password.secret_value.unsafe_unwrap(),
            auto_minor_version_upgrade=True,
            snapshot_retention_limit=0,
        )
        # As ElastiCache names them: the group's own name, and a number.
        self.nodes = [f"{self.group.ref}-{number:03}" for number in range(1, 3 if resilient else 2)]
        self.group.apply_removal_policy(RemovalPolicy.DESTROY)
        self.url = f"rediss://{self.group.attr_primary_end_point_address}:{PORT}"

    def let_in(self, *clients: ec2.IConnectable) -> None:
        """Let these connect."""
        for client in clients:
            self._connections.allow_default_port_from(client, "Valkey")

    def of_node(self, name: str, statistic: str, *, node: str) -> cloudwatch.Metric:
        """A number of one of its nodes."""
        return of_cache(name, statistic, node=node)
