"""The gateways: they hold the WebSockets, and grow with processor time and with connections."""

from dataclasses import dataclass
from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from riverd_aws.constructs.measures import MINUTE, Balance, of_gateways, of_tasks
from riverd_aws.constructs.service import Place, Service, Task

PORT = 8000
LEAVE_MARGIN_S = 30
"""What a gateway's last minute has beyond its drain: until the sign to drain has reached it."""

CPU_PERCENT = 50
"""So that two gateways carry the clients of a third."""

SOCKETS_A_CONNECTION = 2
"""The balancer counts a WebSocket twice: from CloudFront to it, and from it to the gateway."""

_SCALE_OUT_S = 60
_SAID = {
    "Deliveries": ("deliveries", cloudwatch.Unit.COUNT),
    "Gaps": ("gaps", cloudwatch.Unit.COUNT),
    "BrokerDelay": ("broker_delay_seconds", cloudwatch.Unit.SECONDS),
}
# Clients of a gateway that goes away must move: rather late than often.
_SCALE_IN_S = 900


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How many gateways there are, and how many connections each should hold."""

    least: int
    most: int
    connections: int


class Gateways(Construct):
    """A Fargate service behind the balancer.

    ECS takes a task out of the balancer first and sends SIGTERM only when that has let go of it,
    which with WebSockets is after the whole delay. So the delay is longer than a drain, and what
    begins the drain is another sign (see `drain`).
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        place: Place,
        task: Task,
        numbers: Numbers,
        drain_s: int,
    ) -> None:
        super().__init__(scope, name)
        self.targets = place.balancer.targets(
            "Gateways", port=task.port, leave_s=drain_s + LEAVE_MARGIN_S
        )
        place.balancer.listener.add_target_groups("Gateways", target_groups=[self.targets])
        running = Service(self, "Tasks", place=place, task=task, targets=self.targets)
        self.group, self.log = running.group, running.log
        self.definition, self.service = running.definition, running.service
        self._balance = Balance(
            balancer=place.balancer.balancer.load_balancer_full_name,
            targets=self.targets.target_group_full_name,
        )
        self._scale(numbers)
        self._read_log()

    def _scale(self, numbers: Numbers) -> None:
        """More gateways when they are busy or hold many connections: whatever asks for more."""
        target = self.service.auto_scale_task_count(
            min_capacity=numbers.least, max_capacity=numbers.most
        )
        target.scale_on_cpu_utilization(
            "Processor",
            target_utilization_percent=CPU_PERCENT,
            scale_out_cooldown=Duration.seconds(_SCALE_OUT_S),
            scale_in_cooldown=Duration.seconds(_SCALE_IN_S),
        )
        found = cast("autoscaling.ScalableTarget", target.node.find_child("Target"))
        self._track_connections(found.scalable_target_id, numbers.connections)

    def _track_connections(self, scalable_target_id: str, connections: int) -> None:
        """Scale by connections a gateway: what the balancer counts, over what it finds healthy.

        The balancer has this number without a line in the gateways and without a fee; it halves
        when the gateways double, as scaling to a target needs it.
        """
        policy = autoscaling.CfnScalingPolicy
        track = policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=connections,
            scale_out_cooldown=_SCALE_OUT_S,
            scale_in_cooldown=_SCALE_IN_S,
            customized_metric_specification=policy.CustomizedMetricSpecificationProperty(
                metrics=[
                    _query("sockets", self._sockets()),
                    _query("gateways", self.healthy()),
                    policy.TargetTrackingMetricDataQueryProperty(
                        id="each",
                        expression=f"sockets / {SOCKETS_A_CONNECTION} / gateways",
                        label="Connections a gateway",
                        return_data=True,
                    ),
                ]
            ),
        )
        policy(
            self,
            "Connections",
            policy_name=f"{Stack.of(self).stack_name}-connections",
            policy_type="TargetTrackingScaling",
            scaling_target_id=scalable_target_id,
            target_tracking_scaling_policy_configuration=track,
        )

    def connections(self) -> cloudwatch.IMetric:
        """Open WebSockets, as the balancer counts them."""
        return cloudwatch.MathExpression(
            expression=f"sockets / {SOCKETS_A_CONNECTION}",
            using_metrics={"sockets": self._sockets()},
            label="connections",
            period=MINUTE,
        )

    def healthy(self) -> cloudwatch.Metric:
        """Gateways that the balancer finds healthy."""
        return self.of_targets("HealthyHostCount", "Average")

    def of_balancer(self, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """A number of the balancer."""
        return self._balance.of_balancer(name, statistic)

    def of_targets(self, name: str, statistic: str) -> cloudwatch.Metric:
        """A number of the gateways as the balancer sees them."""
        return self._balance.of_targets(name, statistic)

    def of_tasks(self, name: str, statistic: str) -> cloudwatch.Metric:
        """A number of the gateways' tasks."""
        return of_tasks(
            name,
            statistic,
            cluster=self.service.cluster.cluster_name,
            service=self.service.service_name,
        )

    def said(self, name: str, statistic: str) -> cloudwatch.Metric:
        """A number that the gateways write into their log."""
        return of_gateways(name, statistic, stack=Stack.of(self).stack_name)

    def _sockets(self) -> cloudwatch.Metric:
        return self.of_balancer("ActiveConnectionCount")

    def _read_log(self) -> None:
        """Make metrics of the line that each gateway logs every minute, without an agent."""
        for name, (field, unit) in _SAID.items():
            logs.MetricFilter(
                self,
                name,
                log_group=self.log,
                filter_pattern=logs.FilterPattern.string_value("$.event", "=", "metrics"),
                metric_namespace=f"River/{Stack.of(self).stack_name}",
                metric_name=name,
                metric_value=f"$.{field}",
                unit=unit,
            )


def _query(
    name: str, metric: cloudwatch.Metric
) -> autoscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
    """A metric as a scaling policy takes it."""
    policy = autoscaling.CfnScalingPolicy
    return policy.TargetTrackingMetricDataQueryProperty(
        id=name,
        metric_stat=policy.TargetTrackingMetricStatProperty(
            metric=policy.TargetTrackingMetricProperty(
                namespace=metric.namespace,
                metric_name=metric.metric_name,
                dimensions=[
                    policy.TargetTrackingMetricDimensionProperty(name=key, value=value)
                    for key, value in (metric.dimensions or {}).items()
                ],
            ),
            stat=metric.statistic,
        ),
        return_data=False,
    )
