"""The publish API as a service of its own, for those who publish much.

A request costs CloudFront's fee and no other: API Gateway's is as high, Lambda's comes on top of
that. What stands there instead are tasks, at every hour.
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from riverd_aws.constructs.measures import Balance
from riverd_aws.constructs.service import Place, Service, Task

PORT = 8001
PATHS = (
    ("/publish", "/publish/*", "/channels", "/channels/*", "/tokens"),
    ("/users", "/users/*", "/blocks", "/nodes", "/nodes/*"),
    ("/trace", "/webhooks", "/webhooks/*", "/access", "/openapi.json"),
)
"""The API's paths; the balancer takes five a rule. None of them is a gateway's."""

LEAST, MOST = 2, 10
CPU_PERCENT = 60
LEAVE_S = 10
STOP_S = 30
SLOW_S = 1


class PublishService(Construct):
    """Behind the same distribution and balancer as the gateways, by its paths."""

    def __init__(self, scope: Construct, name: str, *, place: Place, task: Task) -> None:
        super().__init__(scope, name)
        # Requests are short: there is nothing to wait for.
        self.targets = place.balancer.targets("Api", port=task.port, leave_s=LEAVE_S)
        for number, paths in enumerate(PATHS):
            place.balancer.listener.add_target_groups(
                f"Api{number}",
                priority=10 + number,
                conditions=[elb.ListenerCondition.path_patterns(list(paths))],
                target_groups=[self.targets],
            )
        running = Service(self, "Tasks", place=place, task=task, targets=self.targets)
        self.group, self.log, self.service = running.group, running.log, running.service
        running.service.auto_scale_task_count(
            min_capacity=LEAST, max_capacity=MOST
        ).scale_on_cpu_utilization(
            "Processor",
            target_utilization_percent=CPU_PERCENT,
            scale_out_cooldown=Duration.seconds(30),
            scale_in_cooldown=Duration.seconds(300),
        )

        self._balance = Balance(
            balancer=place.balancer.balancer.load_balancer_full_name,
            targets=self.targets.target_group_full_name,
        )

    def requests(self) -> cloudwatch.Metric:
        """See `PublishPlane`."""
        return self._balance.of_targets("RequestCount")

    def failures(self) -> cloudwatch.Metric:
        """See `PublishPlane`."""
        return self._balance.of_targets("HTTPCode_Target_5XX_Count")

    def delay(self) -> cloudwatch.Metric:
        """See `PublishPlane`: seconds."""
        return self._balance.of_targets("TargetResponseTime", "p95")

    def slow(self) -> float:
        """See `PublishPlane`."""
        return SLOW_S

    @property
    def patterns(self) -> tuple[str, ...]:
        """All its paths."""
        return tuple(path for paths in PATHS for path in paths)
