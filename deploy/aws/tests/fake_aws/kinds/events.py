"""What watches and tells: EventBridge, CloudWatch, SNS."""

from fake_aws.resource import Account, Kind, Plain, Properties, Resource, remove

_ALARM = Plain(
    service="cloudwatch",
    create_with="PutMetricAlarm",
    id="in.AlarmName",
    name="AlarmName",
    name_chars_max=255,
    attributes={"Arn": "=arn:aws:cloudwatch:{region}:123456789012:alarm:{in.AlarmName}"},
    update_with=("PutMetricAlarm", lambda it: {**it.properties, "AlarmName": it.id}),
    delete_with=("DeleteAlarms", lambda it: {"AlarmNames": [it.id]}),
)


def _targets(account: Account, rule: Resource) -> None:
    if rule.properties.get("Targets"):
        wanted = {"Rule": rule.id, "Targets": rule.properties["Targets"]}
        account.call("events", "PutTargets", wanted)


class Rule:
    """A rule of EventBridge; its targets go before it goes."""

    _plain = Plain(
        service="events",
        create_with="PutRule",
        id="in.Name",
        attributes={"Arn": "RuleArn"},
        name="Name",
        later=frozenset({"Targets"}),
        after=_targets,
        delete_with=("DeleteRule", lambda it: {"Name": it.id}),
    )

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        return self._plain.create(account, logical_id, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        del account, resource, properties
        return False

    def delete(self, account: Account, resource: Resource) -> None:
        named = [one["Id"] for one in resource.properties.get("Targets", [])]
        if named:
            remove(account, "events", "RemoveTargets", {"Rule": resource.id, "Ids": named})
        self._plain.delete(account, resource)


KINDS: dict[str, Kind] = {
    "AWS::Events::Rule": Rule(),
    "AWS::CloudWatch::Alarm": _ALARM,
    "AWS::CloudWatch::Dashboard": Plain(
        service="cloudwatch",
        create_with="PutDashboard",
        id="in.DashboardName",
        name="DashboardName",
        name_chars_max=255,
        update_with=("PutDashboard", lambda it: {**it.properties, "DashboardName": it.id}),
        delete_with=("DeleteDashboards", lambda it: {"DashboardNames": [it.id]}),
    ),
    "AWS::SNS::Topic": Plain(
        service="sns",
        create_with="CreateTopic",
        id="TopicArn",
        attributes={"TopicArn": "TopicArn", "TopicName": "in.Name"},
        name="Name",
        name_chars_max=256,
        spelled={"TopicName": "Name"},
        turned=lambda given: {
            **{
                key: one
                for key, one in given.items()
                if key not in {"DisplayName", "KmsMasterKeyId"}
            },
            "Attributes": {
                key: one for key, one in given.items() if key in {"DisplayName", "KmsMasterKeyId"}
            },
        },
        delete_with=("DeleteTopic", lambda it: {"TopicArn": it.id}),
    ),
    "AWS::SNS::TopicPolicy": Plain(
        service="sns",
        create_with="SetTopicAttributes",
        id="in.TopicArn",
        turned=lambda given: {
            "TopicArn": given["Topics"][0],
            "AttributeName": "Policy",
            "AttributeValue": given["PolicyDocument"],
        },
    ),
    "AWS::SNS::Subscription": Plain(
        service="sns",
        create_with="Subscribe",
        id="SubscriptionArn",
        usual={"ReturnSubscriptionArn": True},
        delete_with=("Unsubscribe", lambda it: {"SubscriptionArn": it.id}),
    ),
}
