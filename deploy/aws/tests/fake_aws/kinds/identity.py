"""Roles, users, certificates, names: IAM, Cognito, ACM, Route 53."""

from fake_aws.failures import StackError
from fake_aws.resource import Account, Kind, Plain, Properties, Resource, remove

_ROLE = Plain(
    service="iam",
    create_with="CreateRole",
    id="in.RoleName",
    attributes={"Arn": "Role.Arn", "RoleId": "Role.RoleId"},
    name="RoleName",
    later=frozenset({"ManagedPolicyArns", "Policies"}),
)


class Role:
    """A role with its policies, those of its own and those that it shares."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        made = _ROLE.create(account, logical_id, properties)
        self._attach(account, made.id, properties)
        return made

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        if properties.get("RoleName") != resource.properties.get("RoleName"):
            return False
        self._detach(account, resource.id)
        self._attach(account, resource.id, properties)
        trust = {"RoleName": resource.id, "PolicyDocument": properties["AssumeRolePolicyDocument"]}
        account.call("iam", "UpdateAssumeRolePolicy", trust)
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        self._detach(account, resource.id)
        remove(account, "iam", "DeleteRole", {"RoleName": resource.id})

    @staticmethod
    def _attach(account: Account, role: str, properties: Properties) -> None:
        for arn in properties.get("ManagedPolicyArns", []):
            account.call("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": arn})
        for policy in properties.get("Policies", []):
            account.call("iam", "PutRolePolicy", {"RoleName": role, **policy})

    @staticmethod
    def _detach(account: Account, role: str) -> None:
        name = {"RoleName": role}
        for policy in account.call("iam", "ListAttachedRolePolicies", name)["AttachedPolicies"]:
            account.call("iam", "DetachRolePolicy", {**name, "PolicyArn": policy["PolicyArn"]})
        for policy in account.call("iam", "ListRolePolicies", name)["PolicyNames"]:
            account.call("iam", "DeleteRolePolicy", {**name, "PolicyName": policy})


class InlinePolicy:
    """AWS::IAM::Policy: a document that each of its roles has as its own."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        self._put(account, properties)
        return Resource(account.name_for(logical_id, 64), {}, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        if properties["Roles"] != resource.properties["Roles"]:
            return False
        self._put(account, properties)
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        for role in resource.properties["Roles"]:
            name = {"RoleName": role, "PolicyName": resource.properties["PolicyName"]}
            remove(account, "iam", "DeleteRolePolicy", name)

    @staticmethod
    def _put(account: Account, properties: Properties) -> None:
        policy = {key: one for key, one in properties.items() if key != "Roles"}
        for role in properties["Roles"]:
            account.call("iam", "PutRolePolicy", {"RoleName": role, **policy})


def _records(verb: str, properties: Properties) -> Properties:
    record = {
        key: one
        for key, one in properties.items()
        if key not in {"HostedZoneId", "HostedZoneName", "Comment", "ResourceRecords"}
    }
    if "AliasTarget" in record:
        record["AliasTarget"] = {"EvaluateTargetHealth": False, **record["AliasTarget"]}
    if "ResourceRecords" in properties:
        record["ResourceRecords"] = [{"Value": one} for one in properties["ResourceRecords"]]
    change = {"Action": verb, "ResourceRecordSet": record}
    return {"HostedZoneId": properties["HostedZoneId"], "ChangeBatch": {"Changes": [change]}}


def change_record(account: Account, verb: str, properties: Properties) -> None:
    """Change one record of a zone, if the zone may hold it."""
    zone = account.call("route53", "GetHostedZone", {"Id": properties["HostedZoneId"]})
    domain = zone["HostedZone"]["Name"].rstrip(".")
    name = properties["Name"].rstrip(".")
    if name != domain and not name.endswith(f".{domain}"):
        # moto takes any name.
        raise StackError(
            f"[RRSet with DNS name {name}. is not permitted in zone {domain}.] "
            "(Service: Route53, Status Code: 400)"
        )
    account.call("route53", "ChangeResourceRecordSets", _records(verb, properties))


class Record:
    """AWS::Route53::RecordSet."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        del logical_id
        change_record(account, "CREATE", properties)
        return Resource(properties["Name"].rstrip("."), {}, properties)

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        if properties["Name"] != resource.properties["Name"]:
            return False
        change_record(account, "UPSERT", properties)
        return True

    def delete(self, account: Account, resource: Resource) -> None:
        change_record(account, "DELETE", resource.properties)


class Certificate:
    """A certificate; the records that prove the domain stay in its zone, as on AWS."""

    _plain = Plain(
        service="acm",
        create_with="RequestCertificate",
        id="CertificateArn",
        later=frozenset({"DomainValidationOptions"}),
        delete_with=("DeleteCertificate", lambda it: {"CertificateArn": it.id}),
    )

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        zones = {
            one["DomainName"]: one["HostedZoneId"]
            for one in properties.get("DomainValidationOptions", [])
        }
        made = self._plain.create(account, logical_id, properties)
        told = account.call("acm", "DescribeCertificate", {"CertificateArn": made.id})
        try:
            for one in told["Certificate"]["DomainValidationOptions"]:
                if one["DomainName"] not in zones:
                    raise StackError(f"{one['DomainName']} waits for its validation for ever")
                record = one["ResourceRecord"]
                wanted = {
                    "HostedZoneId": zones[one["DomainName"]],
                    "Name": record["Name"],
                    "Type": record["Type"],
                    "TTL": 300,
                    "ResourceRecords": [record["Value"]],
                }
                change_record(account, "UPSERT", wanted)
        except StackError:
            self.delete(account, made)
            raise
        return made

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        del account, resource, properties
        return False

    def delete(self, account: Account, resource: Resource) -> None:
        self._plain.delete(account, resource)


KINDS: dict[str, Kind] = {
    "AWS::IAM::Role": Role(),
    "AWS::IAM::Policy": InlinePolicy(),
    "AWS::IAM::ManagedPolicy": Plain(
        service="iam",
        create_with="CreatePolicy",
        id="Policy.Arn",
        name="PolicyName",
        name_chars_max=128,
        spelled={"ManagedPolicyName": "PolicyName"},
        delete_with=("DeletePolicy", lambda it: {"PolicyArn": it.id}),
    ),
    "AWS::KMS::Key": Plain(
        service="kms",
        create_with="CreateKey",
        id="KeyMetadata.KeyId",
        attributes={"Arn": "KeyMetadata.Arn", "KeyId": "KeyMetadata.KeyId"},
        spelled={"KeyPolicy": "Policy"},
        delete_with=("ScheduleKeyDeletion", lambda it: {"KeyId": it.id}),
    ),
    "AWS::KMS::Alias": Plain(
        service="kms",
        create_with="CreateAlias",
        id="in.AliasName",
        delete_with=("DeleteAlias", lambda it: {"AliasName": it.id}),
    ),
    "AWS::CertificateManager::Certificate": Certificate(),
    "AWS::Route53::RecordSet": Record(),
    "AWS::Cognito::UserPool": Plain(
        service="cognito-idp",
        create_with="CreateUserPool",
        id="UserPool.Id",
        attributes={
            "Arn": "UserPool.Arn",
            "UserPoolId": "UserPool.Id",
            "ProviderName": "=cognito-idp.{region}.amazonaws.com/{UserPool.Id}",
            "ProviderURL": "=https://cognito-idp.{region}.amazonaws.com/{UserPool.Id}",
        },
        name="PoolName",
        spelled={"UserPoolName": "PoolName", "EnabledMfas": "MfaConfiguration"},
        delete_with=("DeleteUserPool", lambda it: {"UserPoolId": it.id}),
    ),
    "AWS::Cognito::UserPoolClient": Plain(
        service="cognito-idp",
        create_with="CreateUserPoolClient",
        id="UserPoolClient.ClientId",
        attributes={"ClientId": "UserPoolClient.ClientId"},
        name="ClientName",
        delete_with=(
            "DeleteUserPoolClient",
            lambda it: {"UserPoolId": it.properties["UserPoolId"], "ClientId": it.id},
        ),
    ),
    "AWS::Cognito::UserPoolDomain": Plain(
        service="cognito-idp",
        create_with="CreateUserPoolDomain",
        id="in.Domain",
        delete_with=(
            "DeleteUserPoolDomain",
            lambda it: {"UserPoolId": it.properties["UserPoolId"], "Domain": it.id},
        ),
    ),
}
