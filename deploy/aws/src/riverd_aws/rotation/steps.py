"""The four steps in which Secrets Manager has a secret rotated."""

import secrets

import boto3
from botocore.exceptions import ClientError

HEX_BYTES = 32
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"


class RotationError(Exception):
    """A rotation that cannot go on: the secret stays as it is."""


def handler(event, _context, client=None):
    """Carry out one step of one rotation. A step may come twice, and does nothing the second time.

    Raises:
        RotationError: the version is not one that is being rotated, or has no proper value.
    """
    client = client or boto3.client("secretsmanager")
    rotation = Rotation(client, arn=event["SecretId"], version=event["ClientRequestToken"])
    if not rotation.is_due():
        return
    steps = {
        "createSecret": rotation.create,
        "setSecret": lambda: None,  # Who reads the secret asks for it again by himself.
        "testSecret": rotation.test,
        "finishSecret": rotation.finish,
    }
    step = steps.get(event["Step"])
    if step is None:
        raise RotationError(f"{event['Step']!r} is no step of a rotation")
    step()


class Rotation:
    """One version of one secret on its way to become the current one."""

    def __init__(self, client, *, arn, version):
        self._client, self._arn, self._version = client, arn, version

    def is_due(self):
        """Whether there is something left to do for this version."""
        about = self._client.describe_secret(SecretId=self._arn)
        if not about.get("RotationEnabled"):
            raise RotationError("rotation is not enabled for this secret")
        stages = about["VersionIdsToStages"].get(self._version)
        if stages is None:
            raise RotationError("this version is not staged for rotation")
        if CURRENT in stages:
            return False
        if PENDING not in stages:
            raise RotationError("this version is not the pending one")
        return True

    def create(self):
        """Make the new value, once: 256 bits as hex digits, as the first one was."""
        if self._pending() is None:
            self._client.put_secret_value(
                SecretId=self._arn,
                ClientRequestToken=self._version,
                SecretString=secrets.token_hex(HEX_BYTES),
                VersionStages=[PENDING],
            )

    def test(self):
        """The new value is one that River takes."""
        value = self._pending()
        if value is None or len(value.encode()) < HEX_BYTES or not _is_one_word(value):
            raise RotationError(f"the pending version is not one word of {HEX_BYTES} bytes or more")

    def finish(self):
        """Make the new version the current one; the one that was becomes AWSPREVIOUS by that."""
        self.test()
        about = self._client.describe_secret(SecretId=self._arn)
        current = next(
            version for version, stages in about["VersionIdsToStages"].items() if CURRENT in stages
        )
        self._client.update_secret_version_stage(
            SecretId=self._arn,
            VersionStage=CURRENT,
            MoveToVersionId=self._version,
            RemoveFromVersionId=current,
        )

    def _pending(self):
        try:
            found = self._client.get_secret_value(
                SecretId=self._arn, VersionId=self._version, VersionStage=PENDING
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return found["SecretString"]


def _is_one_word(value):
    """Whether a list that is separated by commas takes it as one."""
    return value.isascii() and value.isprintable() and not set(value) & set(", ")
