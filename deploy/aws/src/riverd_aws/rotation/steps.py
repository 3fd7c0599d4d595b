"""The four steps in which Secrets Manager has a secret rotated."""

import secrets
from collections.abc import Callable, Mapping
from typing import Protocol, TypedDict

import boto3
from botocore.exceptions import ClientError

HEX_BYTES = 32
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"


class Step(TypedDict):
    """What Secrets Manager asks for."""

    SecretId: str
    ClientRequestToken: str
    Step: str


class About(TypedDict, total=False):
    """What Secrets Manager knows about a secret: the stages of each of its versions."""

    RotationEnabled: bool
    VersionIdsToStages: dict[str, list[str]]


class Vault(Protocol):
    """The part of Secrets Manager's client that a rotation uses."""

    def describe_secret(self, *, SecretId: str) -> About:  # noqa: N803  AWS's names
        """What there is of a secret."""
        ...

    def get_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
    ) -> Mapping[str, str]:
        """The value of a version."""
        ...

    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        ClientRequestToken: str,  # noqa: N803
        SecretString: str,  # noqa: N803
        VersionStages: list[str],  # noqa: N803
    ) -> object:
        """Give a version its value."""
        ...

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
        MoveToVersionId: str,  # noqa: N803
        RemoveFromVersionId: str,  # noqa: N803
    ) -> object:
        """Move a stage from one version to another."""
        ...


class RotationError(Exception):
    """A rotation that cannot go on: the secret stays as it is."""


def handler(event: Step, _context: object, *, vault: Vault | None = None) -> None:
    """Carry out one step of one rotation. A step may come twice, and does nothing the second time.

    Raises:
        RotationError: the version is not one that is being rotated, or has no proper value.
    """
    vault = vault or boto3.client("secretsmanager")
    rotation = Rotation(vault, arn=event["SecretId"], version=event["ClientRequestToken"])
    if not rotation.is_due():
        return
    steps: dict[str, Callable[[], None]] = {
        "createSecret": rotation.create,
        "setSecret": _nothing,
        "testSecret": rotation.test,
        "finishSecret": rotation.finish,
    }
    step = steps.get(event["Step"])
    if step is None:
        raise RotationError(f"{event['Step']!r} is no step of a rotation")
    step()


class Rotation:
    """One version of one secret on its way to become the current one."""

    def __init__(self, vault: Vault, *, arn: str, version: str) -> None:
        self._vault, self._arn, self._version = vault, arn, version

    def is_due(self) -> bool:
        """Whether there is something left to do for this version."""
        about = self._vault.describe_secret(SecretId=self._arn)
        if not about.get("RotationEnabled"):
            raise RotationError("rotation is not enabled for this secret")
        stages = about.get("VersionIdsToStages", {}).get(self._version)
        if stages is None:
            raise RotationError("this version is not staged for rotation")
        if CURRENT in stages:
            return False
        if PENDING not in stages:
            raise RotationError("this version is not the pending one")
        return True

    def create(self) -> None:
        """Make the new value, once: 256 bits as hex digits, as the first one was."""
        if self._pending() is None:
            self._vault.put_secret_value(
                SecretId=self._arn,
                ClientRequestToken=self._version,
                SecretString=secrets.token_hex(HEX_BYTES),
                VersionStages=[PENDING],
            )

    def test(self) -> None:
        """The new value is one that River takes."""
        value = self._pending()
        if value is None or len(value.encode()) < HEX_BYTES or not _is_one_word(value):
            raise RotationError(f"the pending version is not one word of {HEX_BYTES} bytes or more")

    def finish(self) -> None:
        """Make the new version the current one; the one that was becomes AWSPREVIOUS by that."""
        self.test()
        about = self._vault.describe_secret(SecretId=self._arn)
        current = next(
            version for version, stages in about["VersionIdsToStages"].items() if CURRENT in stages
        )
        self._vault.update_secret_version_stage(
            SecretId=self._arn,
            VersionStage=CURRENT,
            MoveToVersionId=self._version,
            RemoveFromVersionId=current,
        )

    def _pending(self) -> str | None:
        try:
            found = self._vault.get_secret_value(
                SecretId=self._arn, VersionId=self._version, VersionStage=PENDING
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                return None
            raise
        return found["SecretString"]


def _nothing() -> None:
    """Who reads a secret asks for it again by himself: there is nowhere to set it."""


def _is_one_word(value: str) -> bool:
    """Whether a list that is separated by commas takes it as one."""
    return value.isascii() and value.isprintable() and not set(value) & set(", ")
