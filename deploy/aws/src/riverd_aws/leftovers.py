"""What AWS's services made by themselves beside a stack, and would leave behind."""

import msgspec

from riverd_aws.account import Account, AwsError
from riverd_aws.stacks import Resource


class _Group(msgspec.Struct, rename="camel"):
    log_group_name: str


class _Groups(msgspec.Struct, rename="camel"):
    log_groups: list[_Group]


class _Snapshot(msgspec.Struct, rename="pascal"):
    snapshot_name: str


class _Snapshots(msgspec.Struct, rename="pascal"):
    snapshots: list[_Snapshot]


def remove(account: Account, resources: list[Resource]) -> list[str]:
    """Remove the logs and snapshots of what was in a stack: what was removed, a line each."""
    removed: list[str] = []
    for one in resources:
        if one.resource_type == "AWS::Lambda::Function":
            removed += _logs(account, f"/aws/lambda/{one.physical_resource_id}", exact=True)
        elif one.resource_type == "AWS::ECS::Cluster":
            place = f"/aws/ecs/containerinsights/{one.physical_resource_id}/"
            removed += _logs(account, place, exact=False)
        elif one.resource_type == "AWS::ElastiCache::ReplicationGroup":
            removed += _snapshots(account, one.physical_resource_id)
    return removed


def _logs(account: Account, name: str, *, exact: bool) -> list[str]:
    pages = account.pages("logs:describe_log_groups", _Groups, logGroupNamePrefix=name)
    found = [one.log_group_name for page in pages for one in page.log_groups]
    gone = [one for one in found if one == name or not exact]
    for one in gone:
        account.ask("logs:delete_log_group", dict[str, object], logGroupName=one)
    return [f"log group {one}" for one in gone]


def _snapshots(account: Account, group: str) -> list[str]:
    try:
        told = account.ask("elasticache:describe_snapshots", _Snapshots, ReplicationGroupId=group)
    except AwsError as error:
        if error.is_missing:
            return []
        raise
    for one in told.snapshots:
        account.ask(
            "elasticache:delete_snapshot", dict[str, object], SnapshotName=one.snapshot_name
        )
    return [f"snapshot {one.snapshot_name}" for one in told.snapshots]
