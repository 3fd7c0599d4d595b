"""What moto does otherwise than AWS, put right where the deployment would notice."""

import json
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.cloudformation import urls as cloudformation_urls
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.responses import ActionResult
from moto.ec2.models.vpcs import VPCBackend
from moto.elasticache.exceptions import CacheSubnetGroupNotFound
from moto.elasticache.models import ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse
from moto.events.models import Rule
from moto.route53 import models as route53
from moto.secretsmanager.models import SecretsManagerBackend
from moto.ssm.models import SimpleSystemManagerBackend

from . import faults, functions
from .cloudformation import Stacks


def apply() -> None:
    """Put all of it right. Call once, before the first request."""
    cloudformation_urls.url_paths["{0}/$"] = Stacks.dispatch
    ElastiCacheResponse.delete_cache_subnet_group = _delete_cache_subnet_group
    # The toolkit looks here after a failure, and again for half a minute if it is not answered.
    CloudTrailResponse.lookup_events = lambda _: json.dumps({"Events": []})
    _finish_replication_groups()
    _finish_endpoints()
    _run_functions()
    _tell_functions()
    _current_is_current()
    _lack_services()
    _name_zones()


def _delete_cache_subnet_group(self: ElastiCacheResponse) -> ActionResult:
    """An action that moto does not have."""
    name = self._get_param("CacheSubnetGroupName")
    if self.elasticache_backend.cache_subnet_groups.pop(name, None) is None:
        raise CacheSubnetGroupNotFound(name)
    return ActionResult({})


def _finish_replication_groups() -> None:
    """A group that is deleted is gone one day; moto leaves it `deleting` for ever."""
    delete = ElastiCacheBackend.delete_replication_group

    def finish(self: ElastiCacheBackend, *arguments: Any, **named: Any) -> object:
        group = delete(self, *arguments, **named)
        self.replication_groups.pop(group.replication_group_id)
        return group

    ElastiCacheBackend.delete_replication_group = finish


def _finish_endpoints() -> None:
    """An endpoint that is deleted is listed no more; moto lists it as `deleted` for ever."""
    delete = VPCBackend.delete_vpc_endpoints

    def finish(self: VPCBackend, vpce_ids: list[str] | None = None) -> None:
        delete(self, vpce_ids)
        for one in vpce_ids or []:
            self.vpc_end_points.pop(one, None)

    VPCBackend.delete_vpc_endpoints = finish


def _run_functions() -> None:
    """moto runs functions in Docker; here their own code runs in an interpreter of its own."""

    def run(self: LambdaFunction, event: object = None) -> tuple[str, bool, str]:
        given = json.loads(event) if isinstance(event, str) else event
        answer, failed, log = functions.run(
            self.code_bytes,
            self.handler,
            event=given,
            environment=self.environment_vars,
            region=self.region,
        )
        return json.dumps(answer), failed, log

    LambdaFunction._invoke_lambda = run


def _tell_functions() -> None:
    """A rule's target may be a function; moto knows other targets only."""
    from moto.awslambda.models import lambda_backends  # noqa: PLC0415  beside its use

    send = Rule.send_to_targets

    def tell(self: Rule, original_event: dict[str, Any], *rest: Any, **named: Any) -> None:
        if not self.event_pattern.matches_event(original_event):
            return
        arns = [one["Arn"] for one in self.targets if ":lambda:" in one["Arn"]]
        if not arns:
            send(self, original_event, *rest, **named)
        for arn in arns:
            backend = lambda_backends[self.account_id][self.region_name]
            answered: dict[str, str] = {}
            backend.invoke(arn, None, json.dumps(original_event), {}, answered)

    Rule.send_to_targets = tell


def _name_zones() -> None:
    """The ids of zones begin with a Z."""
    make = route53.create_route53_zone_id
    route53.create_route53_zone_id = lambda *rest, **named: f"Z{make(*rest, **named)[1:]}"


def _lack_services() -> None:
    """The list of a region's services lacks those that a test says."""
    listed = SimpleSystemManagerBackend.get_parameters_by_path

    def told(self: SimpleSystemManagerBackend, *rest: Any, **named: Any) -> tuple[Any, Any]:
        found, token = listed(self, *rest, **named)
        return [one for one in found if one.value not in faults.MISSING], token

    SimpleSystemManagerBackend.get_parameters_by_path = told


def _current_is_current() -> None:
    """Who asks for a secret without a stage gets AWSCURRENT, also after the label moved."""
    move = SecretsManagerBackend.update_secret_version_stage

    def moved(
        self: SecretsManagerBackend, secret_id: str, version_stage: str, *rest: Any, **named: Any
    ) -> object:
        told = move(self, secret_id, version_stage, *rest, **named)
        if version_stage == "AWSCURRENT":
            secret = self.secrets[secret_id]
            for version, one in secret.versions.items():
                if "AWSCURRENT" in one["version_stages"]:
                    secret.set_default_version_id(version)
        return told

    SecretsManagerBackend.update_secret_version_stage = moved
    rotate = SecretsManagerBackend.rotate_secret

    def rotated(self: SecretsManagerBackend, secret_id: str, *rest: Any, **named: Any) -> object:
        """After a test without a rotation nothing is pending, and the value is what it was."""
        secret = self.secrets[secret_id]
        before = secret.default_version_id
        # Who asks for a rotation now does not take the function away that the secret has.
        if not named.get("rotation_lambda_arn"):
            named["rotation_lambda_arn"] = secret.rotation_lambda_arn
        # A schedule may be an expression as well as a number of days.
        secret.rotation_enabled = bool(named["rotation_lambda_arn"])
        told = rotate(self, secret_id, *rest, **named)
        current = [
            version
            for version, one in secret.versions.items()
            if "AWSCURRENT" in one["version_stages"]
        ]
        secret.set_default_version_id(current[0] if current else before)
        for version, one in list(secret.versions.items()):
            if one["version_stages"] == ["AWSPENDING"]:
                del secret.versions[version]
            elif "AWSPENDING" in one["version_stages"]:
                one["version_stages"].remove("AWSPENDING")
        return told

    SecretsManagerBackend.rotate_secret = rotated
