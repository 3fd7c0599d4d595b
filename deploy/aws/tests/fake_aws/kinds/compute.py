"""What runs code: ECS, its scaling, Lambda."""

import io
import zipfile

from fake_aws.failures import StackError
from fake_aws.resource import Account, Kind, Plain, Properties, Resource, changed_names, remove

_CODE = frozenset({"Code"})
_FUNCTION = Plain(
    service="lambda",
    create_with="CreateFunction",
    id="FunctionName",
    attributes={"Arn": "FunctionArn"},
    name="FunctionName",
)


def _code(properties: Properties) -> Properties:
    """Code that stands in the template is packed as Lambda does it."""
    text = properties["Code"].get("ZipFile")
    if text is None:
        return properties
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", text)
    return {**properties, "Code": {"ZipFile": packed.getvalue()}}


class Function:
    """A Lambda function: code and configuration are changed by calls of their own."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        made = _FUNCTION.create(account, logical_id, _code(properties))
        made.properties = properties
        return made

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        for fixed in ("FunctionName", "PackageType"):
            if properties.get(fixed) != resource.properties.get(fixed):
                return False
        named = {"FunctionName": resource.id}
        if properties["Code"] != resource.properties["Code"]:
            account.call("lambda", "UpdateFunctionCode", {**named, **_code(properties)["Code"]})
        other = {
            key: one
            for key, one in properties.items()
            if key not in {"Code", "Architectures", "Tags", "ReservedConcurrentExecutions"}
        }
        account.call("lambda", "UpdateFunctionConfiguration", {**other, **named})
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        remove(account, "lambda", "DeleteFunction", {"FunctionName": resource.id})


class Permission:
    """The right to call a function."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        name = account.name_for(logical_id, 100)
        account.call("lambda", "AddPermission", {"StatementId": name, **properties})
        return Resource(name, {}, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        del account, resource, properties
        return False

    def delete(self, account: Account, resource: Resource) -> None:
        named = {"FunctionName": resource.properties["FunctionName"], "StatementId": resource.id}
        remove(account, "lambda", "RemovePermission", named)


_SERVICE_FIXED = {"Cluster", "LaunchType", "LoadBalancers", "ServiceName", "Tags", "Role"}
_SERVICE_UPDATED = (
    "CapacityProviderStrategy",
    "DeploymentConfiguration",
    "DesiredCount",
    "EnableExecuteCommand",
    "HealthCheckGracePeriodSeconds",
    "NetworkConfiguration",
    "PlatformVersion",
    "TaskDefinition",
)


def _service(it: Resource) -> Properties:
    changed = {key: it.properties[key] for key in _SERVICE_UPDATED if key in it.properties}
    return {"service": it.id, "cluster": it.properties["Cluster"], **changed}


def _registered(operation: str) -> tuple[str, object]:
    return operation, lambda it: {
        key: it.properties[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace")
    }


def _policy(properties: Properties) -> Properties:
    """CloudFormation lets a policy name its target by `Ref`: three words in one."""
    turned = {key: one for key, one in properties.items() if key != "ScalingTargetId"}
    if "ScalingTargetId" in properties:
        place, dimension, namespace = properties["ScalingTargetId"].split("|")
        turned |= {
            "ResourceId": place,
            "ScalableDimension": dimension,
            "ServiceNamespace": namespace,
        }
    return turned


def _policy_place(it: Resource) -> Properties:
    turned = _policy(it.properties)
    return {
        key: turned[key]
        for key in ("PolicyName", "ResourceId", "ScalableDimension", "ServiceNamespace")
    }


def _scaled(account: Account, target: Resource) -> None:
    """Bring a service within its new limits, as the scaling does at once."""
    least, most = target.properties["MinCapacity"], target.properties["MaxCapacity"]
    _, cluster, name = target.properties["ResourceId"].split("/")
    named = {"cluster": cluster, "services": [name]}
    wanted = account.call("ecs", "DescribeServices", named)["services"][0]["desiredCount"]
    within = min(max(wanted, int(least)), int(most))
    if within != wanted:
        named = {"cluster": cluster, "service": name}
        account.call("ecs", "UpdateService", {**named, "desiredCount": within})


def _is_there(account: Account, image: str) -> bool:
    """Whether a task could pull it: from the account's own registry, or by a name of others."""
    if ".dkr.ecr." not in image:
        return "does-not-exist" not in image
    name, _, tag = image.partition("/")[2].partition(":")
    wanted = {"repositoryName": name, "imageIds": [{"imageTag": tag}]}
    try:
        return bool(account.call("ecr", "DescribeImages", wanted)["imageDetails"])
    except StackError:
        return False


class Service:
    """An ECS service. What one of its tasks would run must be there, as ECS would find out."""

    _plain = Plain(
        service="ecs",
        create_with="CreateService",
        id="service.serviceArn",
        attributes={"Name": "service.serviceName", "ServiceArn": "service.serviceArn"},
        name="serviceName",
        name_chars_max=255,
        usual={"desiredCount": 1},
        spelled={"ServiceName": "serviceName"},
        update_with=("UpdateService", _service),
        delete_with=(
            "DeleteService",
            lambda it: {"service": it.id, "cluster": it.properties["Cluster"], "force": True},
        ),
    )

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        self._startable(account, properties)
        return self._plain.create(account, logical_id, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        if changed_names(resource.properties, properties) & _SERVICE_FIXED:
            return False
        self._startable(account, properties)
        return self._plain.update(account, resource, properties)

    def delete(self, account: Account, resource: Resource) -> None:
        self._plain.delete(account, resource)

    @staticmethod
    def _startable(account: Account, properties: Properties) -> None:
        wanted = {"taskDefinition": properties["TaskDefinition"]}
        definition = account.call("ecs", "DescribeTaskDefinition", wanted)["taskDefinition"]
        for container in definition["containerDefinitions"]:
            if not _is_there(account, container["image"]):
                raise StackError(
                    "Error occurred during operation 'ECS Deployment Circuit Breaker was "
                    "triggered'."
                )


KINDS: dict[str, Kind] = {
    "AWS::ECS::Cluster": Plain(
        service="ecs",
        create_with="CreateCluster",
        id="cluster.clusterName",
        attributes={"Arn": "cluster.clusterArn"},
        name="clusterName",
        name_chars_max=255,
        spelled={"ClusterName": "clusterName", "ClusterSettings": "settings"},
        delete_with=("DeleteCluster", lambda it: {"cluster": it.id}),
    ),
    "AWS::ECS::ClusterCapacityProviderAssociations": Plain(
        service="ecs",
        create_with="PutClusterCapacityProviders",
        id="in.Cluster",
    ),
    "AWS::ECS::TaskDefinition": Plain(
        service="ecs",
        create_with="RegisterTaskDefinition",
        id="taskDefinition.taskDefinitionArn",
        attributes={"TaskDefinitionArn": "taskDefinition.taskDefinitionArn"},
        name="family",
        name_chars_max=255,
        spelled={"Family": "family"},
        delete_with=("DeregisterTaskDefinition", lambda it: {"taskDefinition": it.id}),
    ),
    "AWS::ECS::Service": Service(),
    "AWS::ApplicationAutoScaling::ScalableTarget": Plain(
        service="application-autoscaling",
        create_with="RegisterScalableTarget",
        id="={in.ResourceId}|{in.ScalableDimension}|{in.ServiceNamespace}",
        update_with=("RegisterScalableTarget", lambda it: it.properties),
        delete_with=_registered("DeregisterScalableTarget"),
        fixed=frozenset({"ResourceId", "ScalableDimension", "ServiceNamespace"}),
        after=_scaled,
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Plain(
        service="application-autoscaling",
        create_with="PutScalingPolicy",
        id="PolicyARN",
        attributes={"Arn": "PolicyARN"},
        turned=_policy,
        update_with=("PutScalingPolicy", lambda it: _policy(it.properties)),
        delete_with=("DeleteScalingPolicy", _policy_place),
    ),
    "AWS::Lambda::Function": Function(),
    "AWS::Lambda::Permission": Permission(),
    "AWS::Lambda::EventInvokeConfig": Plain(
        service="lambda",
        create_with="PutFunctionEventInvokeConfig",
        id="in.FunctionName",
        delete_with=(
            "DeleteFunctionEventInvokeConfig",
            lambda it: {
                "FunctionName": it.properties["FunctionName"],
                "Qualifier": it.properties["Qualifier"],
            },
        ),
    ),
}
