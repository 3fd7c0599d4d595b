"""The public entry of WebSockets: CloudFront, which gives wss:// with or without a domain."""

from aws_cdk import Duration
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from constructs import Construct

from riverd_aws.constructs import balancer as balancer_of
from riverd_aws.constructs.balancer import Balancer
from riverd_aws.constructs.domain import Domain
from riverd_aws.constructs.network import Network

KEEPALIVE_S = 60
"""Less than the balancer's idle time: a connection is not used again just as it is closed."""

READ_S = 30

CLIENT_PATHS = "/client/*"
"""What clients without a socket send to the gateways by POST."""


class CloudFrontEntry(Construct):
    """Ends TLS near the user and reaches the internal balancer through a VPC origin.

    Nothing is cached, and every header of the viewer goes on: without Sec-WebSocket-Key and its
    like there is no upgrade.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        network: Network,
        balancer: Balancer,
        domain: Domain | None,
    ) -> None:
        super().__init__(scope, name)
        self._origin = origins.VpcOrigin.with_application_load_balancer(
            balancer.balancer,
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTP_ONLY,
            http_port=balancer_of.PORT,
            keepalive_timeout=Duration.seconds(KEEPALIVE_S),
            read_timeout=Duration.seconds(READ_S),
            connection_attempts=3,
            connection_timeout=Duration.seconds(5),
        )
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment="River",
            default_behavior=cloudfront.BehaviorOptions(
                origin=self._origin,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                compress=False,
            ),
            domain_names=[domain.name] if domain else None,
            certificate=domain.certificate if domain else None,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            enable_ipv6=True,
        )
        # A VPC origin needs the network's internet gateway, though no packet takes it.
        self.distribution.node.add_dependency(network.vpc.internet_connectivity_established)
        self.host = domain.name if domain else self.distribution.distribution_domain_name
        self.add_paths(CLIENT_PATHS)

    def add_paths(self, *patterns: str) -> None:
        """Let these take every method."""
        for pattern in patterns:
            self.distribution.add_behavior(
                pattern,
                self._origin,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                compress=False,
            )
