"""The sign to drain: said when ECS takes a gateway out of service, long before its SIGTERM."""

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from riverd_aws.constructs.function import Function, Program
from riverd_aws.constructs.network import Network


class Drain(Construct):
    """A rule on the gateways' task events, and a function that tells the gateway of that task.

    The event comes as the balancer begins to let go of the task: its clients move during that
    delay, and when SIGTERM comes nobody is left.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        network: Network,
        program: Program,
        cluster: ecs.ICluster,
        service: ecs.FargateService,
    ) -> None:
        super().__init__(scope, name)
        self.function = Function(self, "Handler", program=program, network=network)
        rule = events.Rule(
            self,
            "Stopping",
            description="A gateway's task is to stop",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Task State Change"],
                detail={
                    "clusterArn": [cluster.cluster_arn],
                    "group": [f"service:{service.service_name}"],
                    "desiredStatus": ["STOPPED"],
                    # Later states are too late: SIGTERM was sent.
                    "lastStatus": ["RUNNING", "DEACTIVATING"],
                },
            ),
        )
        rule.add_target(
            targets.LambdaFunction(
                self.function.lambda_,
                retry_attempts=3,
                max_event_age=Duration.minutes(1),
            )
        )
