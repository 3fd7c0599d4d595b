"""What keeps state: ElastiCache and Secrets Manager."""

from fake_aws.failures import StackError
from fake_aws.kept import Kept
from fake_aws.resource import Account, Kind, Plain, Properties, Resource, remove

_SECRET = Plain(
    service="secretsmanager",
    create_with="CreateSecret",
    id="ARN",
    attributes={"Id": "ARN"},
    name="Name",
    name_chars_max=512,
    later=frozenset({"GenerateSecretString"}),
)


class Secret:
    """A secret; its value is given, or made here as CloudFormation makes it."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        given = dict(properties)
        if "GenerateSecretString" in given:
            given["SecretString"] = self._make(account, given["GenerateSecretString"])
        made = _SECRET.create(account, logical_id, given)
        made.properties = properties
        return made

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        for fixed in ("Name", "GenerateSecretString"):
            if properties.get(fixed) != resource.properties.get(fixed):
                return False
        changed = {
            key: one
            for key, one in properties.items()
            if key in {"Description", "KmsKeyId", "SecretString"}
        }
        account.call("secretsmanager", "UpdateSecret", {"SecretId": resource.id, **changed})
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        # Without a week in which it could be had back, and its name taken: as CloudFormation does.
        gone = {"SecretId": resource.id, "ForceDeleteWithoutRecovery": True}
        remove(account, "secretsmanager", "DeleteSecret", gone)

    @staticmethod
    def _make(account: Account, wanted: Properties) -> str:
        if "SecretStringTemplate" in wanted:
            raise StackError("AWS::SecretsManager::Secret: SecretStringTemplate is not emulated")
        answer = account.call("secretsmanager", "GetRandomPassword", wanted)
        return str(answer["RandomPassword"])


def _rotation(it: Resource) -> Properties:
    wanted = {
        key: one
        for key, one in it.properties.items()
        if key not in {"RotateImmediatelyOnUpdate", "HostedRotationLambda"}
    }
    return {**wanted, "RotateImmediately": it.properties.get("RotateImmediatelyOnUpdate", True)}


class Rotation:
    """When a secret is changed, and by which function."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        del logical_id
        if "HostedRotationLambda" in properties:
            raise StackError("AWS::SecretsManager::RotationSchedule: hosted is not emulated")
        account.call("secretsmanager", "RotateSecret", _rotation(Resource("", {}, properties)))
        return Resource(properties["SecretId"], {}, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        account.call("secretsmanager", "RotateSecret", _rotation(Resource("", {}, properties)))
        return properties["SecretId"] == resource.properties["SecretId"]

    def delete(self, account: Account, resource: Resource) -> None:
        remove(account, "secretsmanager", "CancelRotateSecret", {"SecretId": resource.id})


def _group(answer: Properties) -> Properties:
    found: Properties = answer["out"]["ReplicationGroup"]
    return found


def _endpoint(name: str, key: str) -> object:
    def find(answer: Properties) -> object:
        group = _group(answer)
        shards = group.get("NodeGroups") or [{}]
        found = group.get("ConfigurationEndpoint") if name == "Configuration" else None
        place = found or shards[0].get(f"{name}Endpoint") or shards[0].get("PrimaryEndpoint") or {}
        return str(place.get(key, ""))

    return find


KINDS: dict[str, Kind] = {
    "AWS::SecretsManager::Secret": Secret(),
    "AWS::SecretsManager::RotationSchedule": Rotation(),
    "AWS::SecretsManager::ResourcePolicy": Plain(
        service="secretsmanager",
        create_with="PutResourcePolicy",
        id="ARN",
        update_with=("PutResourcePolicy", lambda it: it.properties),
        delete_with=(
            "DeleteResourcePolicy",
            lambda it: {"SecretId": it.properties["SecretId"]},
        ),
    ),
    "AWS::ElastiCache::SubnetGroup": Plain(
        service="elasticache",
        create_with="CreateCacheSubnetGroup",
        id="CacheSubnetGroup.CacheSubnetGroupName",
        name="CacheSubnetGroupName",
        lower=True,
        spelled={"Description": "CacheSubnetGroupDescription"},
        delete_with=("DeleteCacheSubnetGroup", lambda it: {"CacheSubnetGroupName": it.id}),
    ),
    "AWS::ElastiCache::ReplicationGroup": Plain(
        service="elasticache",
        create_with="CreateReplicationGroup",
        id="ReplicationGroup.ReplicationGroupId",
        name="ReplicationGroupId",
        name_chars_max=40,
        lower=True,
        attributes={
            f"{name}EndPoint.{key}": _endpoint(name, key)
            for name in ("Primary", "Reader", "Configuration")
            for key in ("Address", "Port")
        },
        delete_with=("DeleteReplicationGroup", lambda it: {"ReplicationGroupId": it.id}),
    ),
    "AWS::ElastiCache::ParameterGroup": Kept(
        service="elasticache",
        create_with="CreateCacheParameterGroup",
        name="CacheParameterGroupName",
        later=frozenset({"Properties"}),
    ),
}
