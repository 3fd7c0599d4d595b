"""What is worth watching of a stack: its graphs, and its concerns."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from aws_cdk import aws_cloudwatch as cloudwatch

from riverd_aws.constructs.alarms import Concern
from riverd_aws.constructs.broker import ValkeyBroker
from riverd_aws.constructs.dashboard import Graph
from riverd_aws.constructs.function import Function
from riverd_aws.constructs.gateways import SOCKETS_A_CONNECTION, Gateways
from riverd_aws.constructs.measures import FIVE_MINUTES, of_distribution
from riverd_aws.constructs.webhooks import WebhookLosses, WebhookSender
from riverd_aws.options import SENDER_TASKS, Options

NEARLY = 0.9
FAILURES_MAX = 5


class PublishPlane(Protocol):
    """The publish API in either form."""

    def requests(self) -> cloudwatch.Metric:
        """Requests, summed."""
        ...

    def failures(self) -> cloudwatch.Metric:
        """Answers of 5xx, summed."""
        ...

    def delay(self) -> cloudwatch.Metric:
        """How long an answer takes, 95 of 100 less, in ms or s as AWS has it."""
        ...

    def slow(self) -> float:
        """A delay that is too long, in the unit of `delay`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The parts that are watched."""

    options: Options
    gateways: Gateways
    broker: ValkeyBroker
    publish: PublishPlane
    drain: Function
    rotation: Function
    distribution_id: str
    webhook_losses: WebhookLosses | None = None
    webhook_sender: WebhookSender | None = None

    def graphs(self) -> list[Graph]:
        """What a dashboard shows."""
        gateways, broker, publish = self.gateways, self.broker, self.publish
        return [
            Graph(
                title="Connections",
                lines=[gateways.connections()],
                right=[gateways.healthy()],
            ),
            Graph(title="Deliveries a minute", lines=[gateways.said("Deliveries", "Sum")]),
            Graph(
                title="Publish requests a minute",
                lines=[publish.requests()],
                right=[publish.failures()],
            ),
            Graph(
                title="Delay: publish API, Valkey as gateways see it",
                lines=[publish.delay()],
                right=[gateways.said("BrokerDelay", "Average")],
            ),
            Graph(
                title="Gateways: processor and memory, %",
                lines=[
                    gateways.of_tasks("CPUUtilization", "Average"),
                    gateways.of_tasks("MemoryUtilization", "Maximum"),
                ],
            ),
            Graph(
                title="Valkey: engine and memory, %",
                lines=[
                    metric
                    for node in broker.nodes
                    for metric in (
                        broker.of_node("EngineCPUUtilization", "Average", node=node),
                        broker.of_node("DatabaseMemoryUsagePercentage", "Maximum", node=node),
                    )
                ],
            ),
            Graph(
                title="Told to reload: gaps a minute; refused connections",
                lines=[gateways.said("Gaps", "Sum")],
                right=[gateways.of_balancer("RejectedConnectionCount")],
            ),
            Graph(
                title="Cost: bytes to users, requests to CloudFront",
                lines=[
                    of_distribution("BytesDownloaded", "Sum", distribution=self.distribution_id)
                ],
                right=[of_distribution("Requests", "Sum", distribution=self.distribution_id)],
            ),
            Graph(
                title="Cost: balancer capacity units, gateways",
                lines=[gateways.of_balancer("ConsumedLCUs")],
                right=[gateways.healthy()],
            ),
        ]

    def concerns(self) -> list[Concern]:
        """What an alarm is worth."""
        return [
            *self._of_gateways(),
            *self._of_broker(),
            *self._of_publishing(),
            *self._of_care(),
            *self._of_webhooks(),
        ]

    def _of_gateways(self) -> list[Concern]:
        options, gateways = self.options, self.gateways
        most = options.gateways_max * options.connections * SOCKETS_A_CONNECTION
        return [
            Concern(
                name="GatewaysMissing",
                metric=gateways.of_targets("HealthyHostCount", "Minimum"),
                limit=options.gateways,
                under=True,
                silence_is_bad=True,
                periods=5,
                advice="Fewer gateways are healthy than should run: see the service's events and "
                "the gateways' log.",
            ),
            Concern(
                name="GatewaysBusy",
                metric=gateways.of_tasks("CPUUtilization", "Average"),
                limit=85,
                periods=10,
                advice="Gateways are short of processor although they scale: raise gateways_max or "
                "task_cpu.",
            ),
            Concern(
                name="GatewaysMemory",
                metric=gateways.of_tasks("MemoryUtilization", "Maximum"),
                limit=85,
                periods=5,
                advice="A gateway is short of memory and may be ended: raise task_memory, or lower "
                "connections.",
            ),
            Concern(
                name="ConnectionsNearLimit",
                metric=gateways.of_balancer("ActiveConnectionCount"),
                limit=NEARLY * most,
                periods=5,
                advice="Nearly as many connections as gateways_max gateways should hold: raise it.",
            ),
        ]

    def _of_broker(self) -> list[Concern]:
        broker = self.broker
        return [
            concern
            for number, node in enumerate(broker.nodes, start=1)
            for concern in (
                Concern(
                    name=f"ValkeyMemory{number}",
                    metric=broker.of_node("DatabaseMemoryUsagePercentage", "Maximum", node=node),
                    limit=80,
                    periods=5,
                    advice="Valkey is nearly full; then publishing is refused: take a larger "
                    "cache_node, or a shorter history.",
                ),
                Concern(
                    name=f"ValkeyBusy{number}",
                    metric=broker.of_node("EngineCPUUtilization", "Average", node=node),
                    limit=80,
                    periods=10,
                    advice="Valkey's one engine thread is busy: take a larger cache_node.",
                ),
            )
        ]

    def _of_publishing(self) -> list[Concern]:
        return [
            Concern(
                name="PublishFails",
                metric=self.publish.failures(),
                limit=FAILURES_MAX,
                periods=3,
                advice="The publish API answers 5xx: Valkey is away, or the API's log says why.",
            ),
            Concern(
                name="PublishSlow",
                metric=self.publish.delay(),
                limit=self.publish.slow(),
                periods=10,
                advice="One publish request of twenty takes over a second: see Valkey's load.",
            ),
        ]

    def _of_care(self) -> list[Concern]:
        cares = {
            "DrainFails": (self.drain, "A gateway was not told to move its clients"),
            "RotationFails": (self.rotation, "A secret was not rotated and stays as it was"),
        }
        return [
            Concern(
                name=name,
                metric=function.errors().with_(period=FIVE_MINUTES),
                limit=0,
                periods=1,
                advice=f"{what}: see the function's log.",
            )
            for name, (function, what) in cares.items()
        ]

    def _of_webhooks(self) -> Iterator[Concern]:
        if self.webhook_losses is not None:
            yield Concern(
                name="WebhooksGivenUp",
                metric=self.webhook_losses.given_up(),
                limit=0,
                periods=1,
                advice="Webhook events were given up after a day: see what the receiver answers. "
                "They are kept for a week.",
            )
            yield Concern(
                name="WebhookOverflow",
                metric=self.webhook_losses.overflows(),
                limit=0,
                periods=1,
                advice="Webhook events were dropped: more waited than may wait. A receiver is away "
                "or slow.",
            )
        if self.webhook_sender is not None:
            yield Concern(
                name="WebhookSenderMissing",
                metric=self.webhook_sender.running(),
                limit=SENDER_TASKS,
                under=True,
                silence_is_bad=True,
                periods=5,
                advice="Webhooks are not sent and wait: see the events and the log of the service.",
            )

    def _of_entry(self, name: str) -> cloudwatch.Metric:
        return of_distribution(name, "Sum", distribution=self.distribution_id)
