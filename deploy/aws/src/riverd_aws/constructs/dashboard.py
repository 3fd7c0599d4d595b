"""The dashboard: connections, deliveries, publishes, delay, health, and what drives the cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

WIDTH = 8
HEIGHT = 6


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One picture: what it shows, and its lines."""

    title: str
    lines: Sequence[cloudwatch.IMetric]
    right: Sequence[cloudwatch.IMetric] = ()


class Dashboard(Construct):
    """Three graphs a row, and the alarms on top."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        called: str,
        graphs: Sequence[Graph],
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, name)
        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=called)
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(
                title="Alarms", alarms=list(alarms), width=3 * WIDTH, height=3
            )
        )
        widgets = [
            cloudwatch.GraphWidget(
                title=graph.title,
                left=list(graph.lines),
                right=list(graph.right),
                left_y_axis=cloudwatch.YAxisProps(min=0),
                right_y_axis=cloudwatch.YAxisProps(min=0),
                region=Aws.REGION,
                width=WIDTH,
                height=HEIGHT,
            )
            for graph in graphs
        ]
        for at in range(0, len(widgets), 3):
            board.add_widgets(*widgets[at : at + 3])
