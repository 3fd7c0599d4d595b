"""What the container agent says to an ECS task about itself."""

import urllib.request
from collections.abc import Mapping
from http.client import HTTPException

import msgspec

from riverd.errors import SettingsError

TASK = "ecs-task"
"""The node name that stands for the ARN of the task that this process is in."""

_VARIABLE = "ECS_CONTAINER_METADATA_URI_V4"
_CALL_S_MAX = 2.0
_ATTEMPTS_MAX = 3
_DOCUMENT_BYTES_MAX = 1_048_576


class _Task(msgspec.Struct, rename={"arn": "TaskARN"}):
    arn: str


def task_arn(environment: Mapping[str, str]) -> str:
    """The ARN of the ECS task that this process is in. Blocks for some seconds at most.

    Raises:
        SettingsError: when it is in none, or the agent does not say.
    """
    uri = environment.get(_VARIABLE, "")
    if not uri.startswith(("http://", "https://")):
        raise SettingsError(f"RIVER_NODE_NAME={TASK}: this is no ECS task ({_VARIABLE} is not set)")
    reason = ""
    for _ in range(_ATTEMPTS_MAX):
        try:
            return _read(f"{uri}/task").arn
        except (OSError, HTTPException, msgspec.DecodeError) as error:
            reason = " ".join(str(error).split())
    raise SettingsError(f"RIVER_NODE_NAME={TASK}: {uri}/task: {reason}")


def _read(url: str) -> _Task:
    with urllib.request.urlopen(url, timeout=_CALL_S_MAX) as answer:  # noqa: S310  checked above
        return msgspec.json.decode(answer.read(_DOCUMENT_BYTES_MAX), type=_Task)
