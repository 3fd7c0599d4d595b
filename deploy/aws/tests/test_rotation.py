"""Rotation, step by step, against an emulated Secrets Manager."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from riverd_aws.rotation import steps
from riverd_aws.rotation.steps import RotationError, handler

FIRST = "0" * 64
NO_VALUE = "(none)"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:River-rotation"


@dataclass
class Vault:
    """One secret whose rotation has begun: its client, its ARN, the version that is pending."""

    client: Any
    arn: str
    version: str

    def step(self, name: str, *, version: str | None = None) -> None:
        asked = version or self.version
        event: steps.Step = {"SecretId": self.arn, "ClientRequestToken": asked, "Step": name}
        handler(event, None, vault=self.client)

    def value(self, stage: str) -> str:
        found = self.client.get_secret_value(SecretId=self.arn, VersionStage=stage)
        return str(found["SecretString"])

    def stages(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self.client.describe_secret(SecretId=self.arn)[
            "VersionIdsToStages"
        ]
        return found


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("secretsmanager")
        arn = client.create_secret(Name="River/token-secret", SecretString=FIRST)["ARN"]
        version = str(uuid.uuid4())
        # As Secrets Manager does it before the first step: a version that has no value yet.
        client.put_secret_value(
            SecretId=arn,
            ClientRequestToken=version,
            SecretString=NO_VALUE,
            VersionStages=["AWSPENDING"],
        )
        monkeypatch.setattr(client, "describe_secret", _rotating(client.describe_secret))
        monkeypatch.setattr(client, "get_secret_value", _empty_is_missing(client))
        yield Vault(client, arn, version)


def _rotating(describe: Any) -> Any:
    """Rotation is enabled, which the emulation has only with a function that it can call."""
    return lambda **asked: {**describe(**asked), "RotationEnabled": True}


def _empty_is_missing(client: Any) -> Any:
    """AWS answers with this error for a version that has no value yet; the emulation needs one."""
    get = client.get_secret_value

    def get_secret_value(**asked: str) -> Any:
        found = get(**asked)
        if found["SecretString"] == NO_VALUE:
            error = {"Error": {"Code": "ResourceNotFoundException", "Message": "no value"}}
            raise client.exceptions.ResourceNotFoundException(error, "GetSecretValue")
        return found

    return get_secret_value


def test_four_steps_make_a_new_secret_and_keep_the_old_one(vault: Vault) -> None:
    for name in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        vault.step(name)
    assert re.fullmatch(r"[0-9a-f]{64}", vault.value("AWSCURRENT"))
    assert vault.value("AWSCURRENT") != FIRST
    assert vault.value("AWSPREVIOUS") == FIRST


def test_steps_that_come_twice_change_nothing(vault: Vault) -> None:
    vault.step("createSecret")
    made = vault.value("AWSPENDING")
    vault.step("createSecret")
    assert vault.value("AWSPENDING") == made
    vault.step("finishSecret")
    before = vault.stages()
    vault.step("finishSecret")
    vault.step("createSecret")
    assert vault.stages() == before
    assert vault.value("AWSCURRENT") == made


def test_secret_without_a_value_does_not_become_the_current_one(vault: Vault) -> None:
    with pytest.raises(RotationError, match="not one word of 32 bytes"):
        vault.step("finishSecret")
    assert vault.value("AWSCURRENT") == FIRST


@pytest.mark.parametrize(
    "value", ["short", "with, a comma and more than thirty-two bytes", "ü" * 40]
)
def test_value_that_river_would_refuse_does_not_pass(vault: Vault, value: str) -> None:
    vault.client.put_secret_value(
        SecretId=vault.arn,
        ClientRequestToken=str(uuid.uuid4()),
        SecretString=value,
        VersionStages=["AWSPENDING"],
    )
    (version,) = [name for name, one in vault.stages().items() if "AWSPENDING" in one]
    with pytest.raises(RotationError, match="not one word"):
        vault.step("testSecret", version=version)


def test_version_that_nobody_rotates_is_refused(vault: Vault) -> None:
    with pytest.raises(RotationError, match="not staged"):
        vault.step("createSecret", version=str(uuid.uuid4()))


def test_step_that_there_is_not_is_refused(vault: Vault) -> None:
    with pytest.raises(RotationError, match="no step"):
        vault.step("polishSecret")
