"""Alarms that mean something: each says what is wrong for users, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

_OVER = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_UNDER = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


@dataclass(frozen=True, kw_only=True)
class Concern:
    """When to worry, for how many periods, and what to do then."""

    name: str
    metric: cloudwatch.IMetric
    limit: float
    periods: int
    advice: str
    under: bool = False
    silence_is_bad: bool = False


class Alarms(Construct):
    """One alarm a concern; with an e-mail address somebody hears of them."""

    def __init__(
        self, scope: Construct, name: str, *, concerns: Sequence[Concern], email: str
    ) -> None:
        super().__init__(scope, name)
        topic = self._topic(email) if email else None
        self.alarms = [self._alarm(concern) for concern in concerns]
        for alarm in self.alarms:
            if topic is not None:
                alarm.add_alarm_action(actions.SnsAction(topic))
                alarm.add_ok_action(actions.SnsAction(topic))

    def _alarm(self, concern: Concern) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            concern.name,
            alarm_description=concern.advice,
            metric=concern.metric,
            threshold=concern.limit,
            evaluation_periods=concern.periods,
            datapoints_to_alarm=concern.periods,
            comparison_operator=_UNDER if concern.under else _OVER,
            treat_missing_data=(
                cloudwatch.TreatMissingData.BREACHING
                if concern.silence_is_bad
                else cloudwatch.TreatMissingData.NOT_BREACHING
            ),
        )

    def _topic(self, email: str) -> sns.Topic:
        topic = sns.Topic(self, "Topic", display_name="River", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(email))
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        return topic
