"""Checks of what must be secret, encrypted, kept for a while, or gone when River is."""

import json
import re
from collections.abc import Iterator

from aws_template import WEBHOOKS, Check, Finding, Template, target, text, walk

from riverd.service import settings

KNOWN_SETTINGS = {one.variable for one in settings.describe()}
RESOLVED = "{{resolve:"


def check_valkey_is_closed(template: Template) -> Iterator[Finding]:
    group = template.one("ElastiCache::ReplicationGroup")
    if group.get("TransitEncryptionEnabled") is not True:
        yield "Valkey is spoken to without TLS"
    if group.get("TransitEncryptionMode") != "required":
        yield "Valkey takes connections without TLS too"
    if group.get("AtRestEncryptionEnabled") is not True:
        yield "what Valkey keeps is not encrypted"
    secret = template.id_of("SecretsManager::Secret", "Broker")
    wanted = f"{RESOLVED}secretsmanager:${{{secret}}}:SecretString:::}}}}"
    if text(group.get("AuthToken", "")) != wanted:
        yield "Valkey has no password, or one that stands in the template"


def check_tls(template: Template) -> Iterator[Finding]:
    config = template.one("CloudFront::Distribution")["DistributionConfig"]
    if config.get("Aliases"):
        certificate = config.get("ViewerCertificate", {})
        if certificate.get("MinimumProtocolVersion") != "TLSv1.2_2021":
            yield "browsers may speak old TLS"
        if certificate.get("SslSupportMethod") != "sni-only":
            yield "a dedicated address costs $600 a month"
    for name, certificate in template.of("CertificateManager::Certificate").items():
        if certificate.get("ValidationMethod") != "DNS" or not all(
            "HostedZoneId" in one for one in certificate.get("DomainValidationOptions", [{}])
        ):
            yield f"{name}: waits for somebody to validate it"
    for name, policy in template.of("SNS::TopicPolicy").items():
        if '"aws:SecureTransport": "false"' not in json.dumps(policy):
            yield f"{name}: takes messages without TLS"


def check_secrets_are_made(template: Template) -> Iterator[Finding]:
    secrets = template.of("SecretsManager::Secret")
    if len(secrets) != 3:
        yield f"there are {len(secrets)} secrets"
    for name, secret in secrets.items():
        made = secret.get("GenerateSecretString", {})
        if "SecretString" in secret or not made:
            yield f"{name}: its value stands in the template"
        left = set("0123456789abcdefghijklmnopqrstuvwxyz") - set(made.get("ExcludeCharacters", ""))
        only = made.get("ExcludeUppercase") and made.get("ExcludePunctuation")
        if left != set("0123456789abcdef") or not only or made.get("PasswordLength") != 64:
            yield f"{name}: it is not 256 bits as 64 hex digits"


def check_secrets_stay_secret(template: Template) -> Iterator[Finding]:
    for name, resource in template.resources():
        for value in walk(resource):
            shown = isinstance(value, str) and RESOLVED in value
            if shown and resource["Type"] != "AWS::ElastiCache::ReplicationGroup":
                yield f"{name}: shows a secret to whoever may look at it"
    if RESOLVED in json.dumps(template.raw.get("Outputs", {})):
        yield "an output shows a secret"
    for name, task in template.of("ECS::TaskDefinition").items():
        if task["ContainerDefinitions"][0].get("Secrets"):
            yield f"{name}: gets secrets at its start only, and a rotation does not reach it"


def check_settings(template: Template) -> Iterator[Finding]:
    secrets = {f"aws-secretsmanager:${{{name}}}" for name in template.of("SecretsManager::Secret")}
    for who, told in template.environments():
        for name, value in told.items():
            if name not in KNOWN_SETTINGS:
                yield f"{who}: River has no setting {name}"
            ours = {f"aws-secretsmanager:{WEBHOOKS}"} if "WEBHOOKS" in name else secrets
            if name.endswith("_FROM") and text(value) not in ours:
                yield f"{who}: {name} names no secret"
            if re.search(r"SECRETS?$|KEYS?$|PASSWORD$|TOKEN$", name):
                yield f"{who}: {name} is told, where everybody can read it"


def check_rotation(template: Template) -> Iterator[Finding]:
    schedules = template.of("SecretsManager::RotationSchedule")
    rotated = {target(one["SecretId"]) for one in schedules.values()}
    for part in ("Token", "ApiKey"):
        if template.id_of("SecretsManager::Secret", part) not in rotated:
            yield f"{part} is never rotated"
    for name, one in schedules.items():
        if "Rotation" not in target(one.get("RotationLambdaARN")):
            yield f"{name}: nothing rotates it"
        if one.get("RotateImmediatelyOnUpdate") is not False:
            yield f"{name}: every deployment rotates it"
    for name, function in template.of("Lambda::Function").items():
        if name.startswith("Rotation") and "VpcConfig" in function:
            yield f"{name}: reaches Secrets Manager from outside of the network only"


def check_logs(template: Template) -> Iterator[Finding]:
    groups = template.of("Logs::LogGroup")
    for name, group in groups.items():
        if not 1 <= group.get("RetentionInDays", 0) <= 365:
            yield f"{name}: is kept for ever, and paid for"
    for name, function in template.of("Lambda::Function").items():
        if target(function.get("LoggingConfig", {}).get("LogGroup")) not in groups:
            yield f"{name}: logs into a group that is made without an end"
    for name, task in template.of("ECS::TaskDefinition").items():
        options = task["ContainerDefinitions"][0].get("LogConfiguration", {}).get("Options", {})
        if target(options.get("awslogs-group")) not in groups:
            yield f"{name}: its log is lost"
        if options.get("mode") != "non-blocking":
            yield f"{name}: a log that does not take lines holds up deliveries"


def check_nothing_stays(template: Template) -> Iterator[Finding]:
    for name, resource in template.resources():
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(policy, "Delete") != "Delete":
                yield f"{name}: stays when River is removed"
    group = template.one("ElastiCache::ReplicationGroup")
    if group.get("SnapshotRetentionLimit"):
        yield "snapshots of Valkey stay, and cost"
    for name, one in template.of("ElasticLoadBalancingV2::LoadBalancer").items():
        attributes = {pair["Key"]: pair["Value"] for pair in one["LoadBalancerAttributes"]}
        if attributes.get("deletion_protection.enabled") != "false":
            yield f"{name}: cannot be removed"
    for name, pool in template.of("Cognito::UserPool").items():
        if pool.get("DeletionProtection") == "ACTIVE":
            yield f"{name}: cannot be removed"


def check_plain(template: Template) -> Iterator[Finding]:
    for name, resource in template.resources():
        if not resource["Type"].startswith("AWS::") or "CustomResource" in resource["Type"]:
            yield f"{name}: is made by code of its own at deployment"
    if set(template.raw.get("Parameters", {})) != {"BootstrapVersion"}:
        yield "it asks for parameters"


CHECKS: tuple[Check, ...] = (
    check_valkey_is_closed,
    check_tls,
    check_secrets_are_made,
    check_secrets_stay_secret,
    check_settings,
    check_rotation,
    check_logs,
    check_nothing_stays,
    check_plain,
)
