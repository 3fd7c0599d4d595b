"""Webhooks: a task that sends them where the publish API is a function; numbers from its log."""

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from riverd_aws.constructs.measures import FIVE_MINUTES, of_gateways, of_tasks
from riverd_aws.constructs.service import Place, Service, Task

PORT = 8001
STOP_S = 30


class WebhookSender(Construct):
    """One task that nothing reaches; receivers are reached at port 443."""

    def __init__(self, scope: Construct, name: str, *, place: Place, task: Task) -> None:
        super().__init__(scope, name)
        running = Service(self, "Tasks", place=place, task=task, targets=None)
        self.group, self.log, self.service = running.group, running.log, running.service

    def running(self) -> cloudwatch.Metric:
        """How many tasks run: each reports its processor time once a minute."""
        return of_tasks(
            "CPUUtilization",
            "SampleCount",
            cluster=self.service.cluster.cluster_name,
            service=self.service.service_name,
        )


class WebhookLosses(Construct):
    """What did not reach a receiver, read from the log of what sends."""

    def __init__(self, scope: Construct, name: str, *, log: logs.ILogGroup) -> None:
        super().__init__(scope, name)
        self._stack = Stack.of(self).stack_name
        for metric, event, value in (
            ("WebhooksGivenUp", "webhook_given_up", "$.events"),
            ("WebhookOverflows", "webhook_overflow", "1"),
        ):
            logs.MetricFilter(
                self,
                metric,
                log_group=log,
                filter_pattern=logs.FilterPattern.string_value("$.event", "=", event),
                metric_namespace=f"River/{self._stack}",
                metric_name=metric,
                metric_value=value,
                unit=cloudwatch.Unit.COUNT,
            )

    def given_up(self) -> cloudwatch.Metric:
        """Events that were given up after a day, summed."""
        return self._sum("WebhooksGivenUp")

    def overflows(self) -> cloudwatch.Metric:
        """How often more waited than may wait."""
        return self._sum("WebhookOverflows")

    def _sum(self, name: str) -> cloudwatch.Metric:
        return of_gateways(name, "Sum", stack=self._stack).with_(period=FIVE_MINUTES)
