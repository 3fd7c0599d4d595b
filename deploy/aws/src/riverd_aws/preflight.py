"""What must be so before anything is made: region, services, domain, bootstrap."""

import os
import subprocess
from collections.abc import Mapping

import msgspec

from riverd_aws.account import Account, AwsError
from riverd_aws.failure import Mistake

QUALIFIER = "hnb659fds"
BOOTSTRAP_VERSION_MIN = 6
SERVICES: Mapping[str, str] = {
    "apigateway": "API Gateway",
    "ecs": "ECS",
    "elasticache": "ElastiCache",
    "elb": "Elastic Load Balancing",
    "events": "EventBridge",
    "lambda": "Lambda",
    "secretsmanager": "Secrets Manager",
}
"""What the region must have, as AWS's list of its own services calls it."""
_DOCKER_S_MAX = 60
_AS_BOTO = {"elb": "elbv2", "apigateway": "apigatewayv2"}
_CDN_LIST = "com.amazonaws.global.cloudfront.origin-facing"


class _Parameter(msgspec.Struct, rename="pascal"):
    value: str


class _Reported(msgspec.Struct, rename="pascal"):
    parameter: _Parameter


class _Parameters(msgspec.Struct, rename="pascal"):
    parameters: list[_Parameter]


class _Zone(msgspec.Struct, rename="pascal"):
    id: str
    name: str

    @property
    def domain(self) -> str:
        """Its name as people write it."""
        return self.name.rstrip(".")

    def holds(self, domain: str) -> bool:
        """Whether the domain's records can stand in it."""
        return domain == self.domain or domain.endswith(f".{self.domain}")


class _Zones(msgspec.Struct, rename="pascal"):
    hosted_zones: list[_Zone]


class _OneZone(msgspec.Struct, rename="pascal"):
    hosted_zone: _Zone


class _Certificate(msgspec.Struct, rename="pascal"):
    status: str
    domain_name: str
    subject_alternative_names: list[str] = []


class _OneCertificate(msgspec.Struct, rename="pascal"):
    certificate: _Certificate


class _List(msgspec.Struct, rename="pascal"):
    prefix_list_id: str
    prefix_list_name: str


class _Lists(msgspec.Struct, rename="pascal"):
    prefix_lists: list[_List]


def check_services(account: Account) -> None:
    """The region has all services that the stack uses.

    Raises:
        Mistake: naming those that are missing.
    """
    there = _services_told(account)
    missing = [
        words
        for name, words in SERVICES.items()
        if (name not in there if there else account.region not in _known(account, name))
    ]
    if missing:
        raise Mistake(
            f"{account.region} has no {' and no '.join(missing)}, which River needs: choose "
            "another region with --region"
        )


def _services_told(account: Account) -> frozenset[str]:
    """What AWS itself says that the region has; nothing if it may not be asked."""
    path = f"/aws/service/global-infrastructure/regions/{account.region}/services"
    try:
        pages = account.pages("ssm:get_parameters_by_path", _Parameters, Path=path)
        return frozenset(one.value for page in pages for one in page.parameters)
    except AwsError:
        return frozenset()


def _known(account: Account, name: str) -> tuple[str, ...]:
    return account.regions_of(_AS_BOTO.get(name, name))


def check_docker() -> None:
    """What builds the image is there.

    Raises:
        Mistake: it is not.
    """
    program = os.environ.get("CDK_DOCKER") or "docker"
    try:
        done = subprocess.run(  # noqa: S603  Docker, or what the user has in its place
            [program, "version"], capture_output=True, timeout=_DOCKER_S_MAX, check=False
        )
        answers = done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        answers = False
    if not answers:
        raise Mistake(
            f"build_image: Docker does not answer here (`{program} version`): start it, or leave "
            "build_image out to take the image from a registry"
        )


def is_bootstrapped(account: Account) -> bool:
    """Whether the account has in this region what `cdk deploy` needs: a bucket and roles."""
    name = f"/cdk-bootstrap/{QUALIFIER}/version"
    try:
        told = account.ask("ssm:get_parameter", _Reported, Name=name)
    except AwsError as error:
        if error.is_missing:
            return False
        raise
    return int(told.parameter.value) >= BOOTSTRAP_VERSION_MIN


def completed(account: Account, context: Mapping[str, str]) -> dict[str, str]:
    """The options, with what can be looked up: the domain's zone, CloudFront's addresses.

    Raises:
        Mistake: the domain does not fit the account's zones or the certificate.
    """
    found = dict(context)
    if found.get("domain"):
        _check_domain(account, found)
    if not found.get("prefix_list_id"):
        lists = account.ask(
            "ec2:describe_managed_prefix_lists",
            _Lists,
            Filters=[{"Name": "prefix-list-name", "Values": [_CDN_LIST]}],
        ).prefix_lists
        if lists:
            found["prefix_list_id"] = lists[0].prefix_list_id
    return found


def _check_domain(account: Account, context: dict[str, str]) -> None:
    domain = context["domain"].lower()
    if context.get("certificate_arn"):
        _check_certificate(account, domain, arn=context["certificate_arn"])
    if context.get("hosted_zone_id"):
        zone = _zone(account, context["hosted_zone_id"])
        if not zone.holds(domain):
            raise Mistake(
                f"domain={domain}: the zone {context['hosted_zone_id']} is that of {zone.domain}, "
                "where it has no place"
            )
    elif not context.get("certificate_arn"):
        context["hosted_zone_id"] = _find_zone(account, domain)


def _zone(account: Account, zone_id: str) -> _Zone:
    try:
        return account.ask("route53:get_hosted_zone", _OneZone, Id=zone_id).hosted_zone
    except AwsError as error:
        raise Mistake(
            f"hosted_zone_id={zone_id}: this account has no such zone ({error.code})"
        ) from None


def _find_zone(account: Account, domain: str) -> str:
    pages = account.pages("route53:list_hosted_zones", _Zones)
    zones = [one for page in pages for one in page.hosted_zones]
    fitting = [one for one in zones if one.holds(domain)]
    if not fitting:
        there = ", ".join(one.domain for one in zones) or "none"
        raise Mistake(
            f"domain={domain}: no Route 53 zone of this account is for it (zones: {there}). Make "
            "one for it, or pass certificate_arn and point the domain to River yourself"
        )
    return max(fitting, key=lambda one: len(one.name)).id.rpartition("/")[2]


def _check_certificate(account: Account, domain: str, *, arn: str) -> None:
    try:
        told = (
            Account(profile=account.profile, region="us-east-1")
            .ask("acm:describe_certificate", _OneCertificate, CertificateArn=arn)
            .certificate
        )
    except AwsError as error:
        raise Mistake(f"certificate_arn: there is no such certificate ({error.code})") from None
    names = {told.domain_name, *told.subject_alternative_names}
    if not names & {domain, f"*.{domain.partition('.')[2]}"}:
        raise Mistake(f"certificate_arn: it is for {', '.join(sorted(names))}, not for {domain}")
    if told.status != "ISSUED":
        raise Mistake(
            f"certificate_arn: it is {told.status}, CloudFront takes only one that is ISSUED"
        )
