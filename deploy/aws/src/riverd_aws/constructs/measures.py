"""What is measured of the deployment, by the names under which AWS publishes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)
GLOBAL_REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The balancer, and one of its target groups."""

    balancer: str
    targets: str

    def of_balancer(self, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """A number of the whole balancer."""
        return _metric(
            "AWS/ApplicationELB", name, statistic=statistic, by={"LoadBalancer": self.balancer}
        )

    def of_targets(self, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """A number of one target group."""
        dimensions = {"LoadBalancer": self.balancer, "TargetGroup": self.targets}
        return _metric("AWS/ApplicationELB", name, statistic=statistic, by=dimensions)


def of_tasks(name: str, statistic: str, *, cluster: str, service: str) -> cloudwatch.Metric:
    """A number of a Fargate service."""
    return _metric(
        "AWS/ECS", name, statistic=statistic, by={"ClusterName": cluster, "ServiceName": service}
    )


def of_function(name: str, statistic: str, *, function: str) -> cloudwatch.Metric:
    """A number of a Lambda function."""
    return _metric("AWS/Lambda", name, statistic=statistic, by={"FunctionName": function})


def of_api(name: str, statistic: str, *, api: str) -> cloudwatch.Metric:
    """A number of an HTTP API."""
    return _metric("AWS/ApiGateway", name, statistic=statistic, by={"ApiId": api})


def of_cache(name: str, statistic: str, *, node: str) -> cloudwatch.Metric:
    """A number of one node of Valkey."""
    return _metric("AWS/ElastiCache", name, statistic=statistic, by={"CacheClusterId": node})


def of_distribution(name: str, statistic: str, *, distribution: str) -> cloudwatch.Metric:
    """A number of a distribution, which CloudFront publishes in one region for all."""
    return cloudwatch.Metric(
        namespace="AWS/CloudFront",
        metric_name=name,
        statistic=statistic,
        period=FIVE_MINUTES,
        region=GLOBAL_REGION,
        dimensions_map={"DistributionId": distribution, "Region": "Global"},
    )


def of_gateways(name: str, statistic: str, *, stack: str) -> cloudwatch.Metric:
    """A number that River's gateways write into their log each minute."""
    return _metric(f"River/{stack}", name, statistic=statistic, by={})


def _metric(
    namespace: str, name: str, *, statistic: str, by: Mapping[str, str]
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        statistic=statistic,
        period=MINUTE,
        dimensions_map=dict(by),
    )
