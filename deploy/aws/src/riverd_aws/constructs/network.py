"""The network: two zones, public subnets for gateways, isolated ones for everything else."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

CIDR = "10.80.0.0/16"


class Network(Construct):
    """A network of River's own.

    Gateways live in the public subnets, since an address of their own ($3.65 a month) is cheaper
    than a NAT gateway ($33): they fetch their image and reach AWS, and nothing but the balancer
    reaches them. The isolated subnets have no way to the internet at all.
    """

    def __init__(self, scope: Construct, name: str, *, zones: tuple[str, ...]) -> None:
        super().__init__(scope, name)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(CIDR),
            availability_zones=list(zones) or None,
            max_azs=None if zones else 2,
            nat_gateways=0,
            # Closing the default group needs a custom resource; nothing here is in that group.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=20,
                    map_public_ip_on_launch=False,
                ),
                ec2.SubnetConfiguration(
                    name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=20
                ),
            ],
        )
        self.public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
        self.isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)

    def group(self, scope: Construct, *, about: str) -> ec2.SecurityGroup:
        """A security group that lets nothing in and nothing out until it is told."""
        return ec2.SecurityGroup(
            scope, "Group", vpc=self.vpc, description=about, allow_all_outbound=False
        )
