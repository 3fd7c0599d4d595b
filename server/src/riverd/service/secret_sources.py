"""Where secrets are kept instead of in the environment: a file, or AWS Secrets Manager."""

import importlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol, cast
from urllib.parse import unquote, urlsplit

TEXT_BYTES_MAX = 65_536
PREVIOUS_S = 86_400.0
"""How long the secret before the present one is good after that was made."""
CALL_S_MAX = 3.0
ATTEMPTS_MAX = 2

_FILE = "file"
_AWS = "aws-secretsmanager"
_ARN_REGION = 3


class SourceError(Exception):
    """A source cannot be read; the message is one line that never has a secret in it."""


class SecretSource(Protocol):
    """Can be read again and again. Reading blocks, but not for ever."""

    def read(self, now: float) -> tuple[str, ...]:
        """The texts that are good at `now` (unix seconds), the newest first; at least one.

        Raises:
            SourceError: when it cannot be read.
        """
        ...


def source_of(uri: str) -> SecretSource:
    """The source at `file:///path` or `aws-secretsmanager:NAME_OR_ARN`.

    Raises:
        SourceError: when it is neither.
    """
    kind, _, rest = uri.partition(":")
    if kind == _AWS and rest:
        return SecretsManager(rest)
    if kind == _FILE:
        parts = urlsplit(uri)
        if parts.netloc in {"", "localhost"} and parts.path.startswith("/"):
            return File(Path(unquote(parts.path)))
    raise SourceError("not a source of secrets: file:///PATH or aws-secretsmanager:NAME_OR_ARN")


class File:
    """A file with one text; when it is replaced, the newest secret comes first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, now: float) -> tuple[str, ...]:
        """The file's text."""
        del now
        try:
            with self._path.open("rb") as file:
                content = file.read(TEXT_BYTES_MAX + 1)
            if len(content) > TEXT_BYTES_MAX:
                raise SourceError(f"larger than {TEXT_BYTES_MAX} bytes")
            return (content.decode().strip(),)
        except UnicodeDecodeError:
            raise SourceError("not UTF-8") from None
        except OSError as error:
            raise SourceError(error.strerror or repr(error)) from None
        except ValueError:
            raise SourceError("no file can be called so") from None


class SecretsManager:
    """A secret of AWS Secrets Manager, by its name or ARN.

    Its present version, and the one before as long as the present one is younger than a day: so
    that what was signed before a rotation is good after it. Where AWSCURRENT was moved back, the
    version that it was taken from is the newer one: what that signed is good until the next
    rotation, since nobody says when it was moved.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._client: _Client | None = None
        self._settled = ""
        """The id of the present version if the one before it has served its day."""

    def read(self, now: float) -> tuple[str, ...]:
        """AWSCURRENT, and AWSPREVIOUS for a day or if it is the newer one."""
        client = self._client = self._client or _new_client(_region_in(self._name))
        current = _version(client, self._name, stage="AWSCURRENT")
        if current is None:
            raise SourceError("there is no such secret, or nothing in it")
        is_young = now - current.made < PREVIOUS_S
        # Each question costs money: most of the time one is enough.
        if current.id == self._settled and not is_young:
            return (current.text,)
        previous = _version(client, self._name, stage="AWSPREVIOUS")
        if previous is not None and (is_young or previous.made > current.made):
            return (current.text, previous.text)
        self._settled = current.id
        return (current.text,)


class _Version(NamedTuple):
    """A version of a secret. `made`: when (unix seconds)."""

    text: str
    made: float
    id: str


class _Client(Protocol):
    """What is used of boto3's client."""

    def get_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803  AWS calls it so
        VersionStage: str,  # noqa: N803
    ) -> Mapping[str, object]: ...


def _region_in(name: str) -> str | None:
    """The region of an ARN; a name is looked for in the region of the environment."""
    parts = name.split(":")
    return parts[_ARN_REGION] if parts[0] == "arn" and len(parts) > _ARN_REGION else None


def _new_client(region: str | None) -> _Client:
    # Half a second and many megabytes, which only those pay who keep their secrets there.
    try:
        session = importlib.import_module("boto3.session")
        config = importlib.import_module("botocore.config")
    except ModuleNotFoundError:
        raise SourceError("boto3 is not installed: pip install 'riverd[aws]'") from None
    limits = config.Config(
        connect_timeout=CALL_S_MAX,
        read_timeout=CALL_S_MAX,
        retries={"total_max_attempts": ATTEMPTS_MAX},
    )
    try:
        made = session.Session(region_name=region).client("secretsmanager", config=limits)
    except _aws_errors() as error:
        raise SourceError(_message(error)) from None
    return cast("_Client", made)


def _version(client: _Client, name: str, *, stage: str) -> _Version | None:
    """The version at a stage; None if there is none."""
    try:
        answer = client.get_secret_value(SecretId=name, VersionStage=stage)
    except _aws_errors() as error:
        if _code_of(error) == "ResourceNotFoundException":
            return None
        raise SourceError(_message(error)) from None
    text, made = answer.get("SecretString"), answer.get("CreatedDate")
    if not isinstance(text, str) or not isinstance(made, datetime):
        raise SourceError("the secret is no text (SecretString)")
    return _Version(text.strip(), made.timestamp(), str(answer.get("VersionId")))


def _aws_errors() -> tuple[type[Exception], ...]:
    errors = importlib.import_module("botocore.exceptions")
    return cast(
        "tuple[type[Exception], ...]", (errors.BotoCoreError, errors.ClientError, ValueError)
    )


def _code_of(error: Exception) -> object:
    """The code that AWS gave a refused call; None if it did not come that far."""
    response = getattr(error, "response", {})
    return cast("Mapping[str, Mapping[str, object]]", response).get("Error", {}).get("Code")


def _message(error: Exception) -> str:
    message = " ".join(str(error).split())
    if _code_of(error) == "AccessDeniedException":
        message = f"{message} (it needs secretsmanager:GetSecretValue)"
    return message
