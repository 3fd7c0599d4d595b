"""What keeps things: S3, ECR, SSM parameters, logs, and the record that CDK leaves of itself."""

import re
from collections.abc import Callable

from fake_aws.failures import StackError
from fake_aws.resource import Account, Kind, Plain, Properties, Resource, remove

_BUCKET = Plain(
    service="s3",
    create_with="CreateBucket",
    id="in.Bucket",
    name="Bucket",
    name_chars_max=63,
    lower=True,
    attributes={
        "Arn": "=arn:aws:s3:::{in.Bucket}",
        "DomainName": "={in.Bucket}.s3.amazonaws.com",
        "RegionalDomainName": "={in.Bucket}.s3.{region}.amazonaws.com",
    },
    delete_with=("DeleteBucket", lambda it: {"Bucket": it.id}),
)


class Bucket:
    """An S3 bucket. `parts` is how each property is set, once the bucket is there."""

    _parts: dict[str, Callable[[Properties], tuple[str, Properties]]] = {  # noqa: RUF012  a table
        "BucketEncryption": lambda one: (
            "PutBucketEncryption",
            {
                "ServerSideEncryptionConfiguration": {
                    "Rules": [
                        {
                            "ApplyServerSideEncryptionByDefault": rule[
                                "ServerSideEncryptionByDefault"
                            ]
                        }
                        for rule in one["ServerSideEncryptionConfiguration"]
                    ]
                }
            },
        ),
        "VersioningConfiguration": lambda one: (
            "PutBucketVersioning",
            {"VersioningConfiguration": one},
        ),
        "PublicAccessBlockConfiguration": lambda one: (
            "PutPublicAccessBlock",
            {"PublicAccessBlockConfiguration": one},
        ),
        "OwnershipControls": lambda one: (
            "PutBucketOwnershipControls",
            {"OwnershipControls": one},
        ),
        "Tags": lambda one: ("PutBucketTagging", {"Tagging": {"TagSet": one}}),
        "LifecycleConfiguration": lambda one: (
            "PutBucketLifecycleConfiguration",
            {"LifecycleConfiguration": {"Rules": [_lifecycle(rule) for rule in one["Rules"]]}},
        ),
    }

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        named = {"Bucket": properties["BucketName"]} if "BucketName" in properties else {}
        if account.region != "us-east-1":
            named["CreateBucketConfiguration"] = {"LocationConstraint": account.region}
        if "AccessControl" in properties:
            named["ACL"] = re.sub(r"(?<!^)(?=[A-Z])", "-", properties["AccessControl"]).lower()
        made = _BUCKET.create(account, logical_id, named)
        made.properties = properties
        self._set(account, made)
        return made

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        if properties.get("BucketName") != resource.properties.get("BucketName"):
            return False
        self._set(account, Resource(resource.id, {}, properties))
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        _BUCKET.delete(account, resource)

    def _set(self, account: Account, bucket: Resource) -> None:
        for name, value in bucket.properties.items():
            if name in {"BucketName", "AccessControl"}:
                continue
            if name not in self._parts:
                raise StackError(f"AWS::S3::Bucket: {name} is not emulated")
            operation, parameters = self._parts[name](value)
            account.call("s3", operation, {"Bucket": bucket.id, **parameters})


def _lifecycle(rule: Properties) -> Properties:
    made: Properties = {
        "ID": rule["Id"],
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
    }
    known = {"Id", "Status", "Prefix"}
    for name, to, key in (
        ("ExpirationInDays", "Expiration", "Days"),
        ("NoncurrentVersionExpirationInDays", "NoncurrentVersionExpiration", "NoncurrentDays"),
    ):
        if name in rule:
            known.add(name)
            made[to] = {key: rule[name]}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            known.add(name)
            (value,) = rule[name].values()
            key = "NoncurrentDays" if name.startswith("Non") else "DaysAfterInitiation"
            made[name] = {key: value}
    if set(rule) - known:
        raise StackError(f"AWS::S3::Bucket: {set(rule) - known} of a rule are not emulated")
    return made


class BucketPolicy:
    """A bucket's policy, without what moto takes for a ban of everything.

    moto reads no conditions: "deny what does not come over TLS" would deny all.
    """

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        self._put(account, properties)
        return Resource(account.name_for(logical_id, 64), {}, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        if properties["Bucket"] != resource.properties["Bucket"]:
            return False
        self._put(account, properties)
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        remove(account, "s3", "DeleteBucketPolicy", {"Bucket": resource.properties["Bucket"]})

    @staticmethod
    def _put(account: Account, properties: Properties) -> None:
        document = properties["PolicyDocument"]
        said = [
            one
            for one in document["Statement"]
            if not (one["Effect"] == "Deny" and "Condition" in one)
        ]
        account.call("s3", "HeadBucket", {"Bucket": properties["Bucket"]})
        if said:
            wanted = {"Bucket": properties["Bucket"], "Policy": {**document, "Statement": said}}
            account.call("s3", "PutBucketPolicy", wanted)


class Nothing:
    """AWS::CDK::Metadata: it says which constructs were used, and is nothing."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        return Resource(account.name_for(logical_id, 64), {}, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        del account, resource, properties
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        del account, resource


def _repository(account: Account, made: Resource) -> None:
    named = {"repositoryName": made.id}
    if "LifecyclePolicy" in made.properties:
        text = made.properties["LifecyclePolicy"]["LifecyclePolicyText"]
        account.call("ecr", "PutLifecyclePolicy", {**named, "lifecyclePolicyText": text})
    if "RepositoryPolicyText" in made.properties:
        text = made.properties["RepositoryPolicyText"]
        account.call("ecr", "SetRepositoryPolicy", {**named, "policyText": text})


def _retention(account: Account, made: Resource) -> None:
    if "RetentionInDays" in made.properties:
        days = made.properties["RetentionInDays"]
        account.call(
            "logs", "PutRetentionPolicy", {"logGroupName": made.id, "retentionInDays": days}
        )


KINDS: dict[str, Kind] = {
    "AWS::CDK::Metadata": Nothing(),
    "AWS::S3::Bucket": Bucket(),
    "AWS::S3::BucketPolicy": BucketPolicy(),
    "AWS::ECR::Repository": Plain(
        service="ecr",
        create_with="CreateRepository",
        id="repository.repositoryName",
        attributes={
            "Arn": "repository.repositoryArn",
            "RepositoryUri": "repository.repositoryUri",
        },
        name="repositoryName",
        lower=True,
        spelled={"RepositoryName": "repositoryName"},
        later=frozenset({"LifecyclePolicy", "RepositoryPolicyText"}),
        after=_repository,
        delete_with=("DeleteRepository", lambda it: {"repositoryName": it.id, "force": True}),
    ),
    "AWS::SSM::Parameter": Plain(
        service="ssm",
        create_with="PutParameter",
        id="in.Name",
        attributes={"Value": "in.Value", "Type": "in.Type"},
        name="Name",
        update_with=("PutParameter", lambda it: {**it.properties, "Overwrite": True}),
        delete_with=("DeleteParameter", lambda it: {"Name": it.id}),
    ),
    "AWS::Logs::LogGroup": Plain(
        service="logs",
        create_with="CreateLogGroup",
        id="in.logGroupName",
        attributes={"Arn": "=arn:aws:logs:{region}:123456789012:log-group:{in.logGroupName}:*"},
        name="logGroupName",
        name_chars_max=512,
        spelled={"LogGroupName": "logGroupName"},
        later=frozenset({"RetentionInDays"}),
        after=_retention,
        delete_with=("DeleteLogGroup", lambda it: {"logGroupName": it.id}),
    ),
    "AWS::Logs::MetricFilter": Plain(
        service="logs",
        create_with="PutMetricFilter",
        id="in.filterName",
        name="filterName",
        name_chars_max=512,
        spelled={"FilterName": "filterName", "LogGroupName": "logGroupName"},
        delete_with=(
            "DeleteMetricFilter",
            lambda it: {"logGroupName": it.properties["LogGroupName"], "filterName": it.id},
        ),
    ),
}
