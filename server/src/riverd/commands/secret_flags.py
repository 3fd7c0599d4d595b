"""Keeps secrets that are given as flags out of the list of processes.

Everybody on a machine may read the arguments of its processes, but only their owner the
environment. A command that was started with such a flag starts itself again without it. For that
moment it shows, and the shell's history keeps it: the variable is the better way.
"""

import os
import sys
from collections.abc import Mapping, Sequence

_SERVER: Mapping[str, str] = {
    "--secrets": "RIVER_SECRETS",
    "--api-keys": "RIVER_API_KEYS",
    "--read-keys": "RIVER_READ_KEYS",
    "--apps": "RIVER_APPS",
    "--webhooks": "RIVER_WEBHOOKS",
    "--broker-password": "RIVER_BROKER_PASSWORD",
    "--broker": "RIVER_BROKER",
}
_NONE: Mapping[str, str] = {}
_TOKEN: Mapping[str, str] = {"--token": "RIVER_TOKEN"}
_KEY: Mapping[str, str] = {"--key": "RIVER_API_KEY"}
VARIABLES: Mapping[str, Mapping[str, str]] = {
    "gateway": _SERVER,
    "api": _SERVER,
    "dev": _SERVER,
    "channels": _KEY,
    "history": _KEY,
    "presence": _KEY,
    "disconnect": _KEY,
    "revoke": _KEY,
    "users": _KEY,
    "verify": _KEY,
    "explain": _KEY,
    "trace": _KEY,
    "webhooks": {**_SERVER, **_KEY},
    "publish": _KEY,
    "subscribe": _TOKEN,
    "doctor": _TOKEN,
    "bench": {**_TOKEN, "--secret": "RIVER_SECRETS", "--api-key": "RIVER_API_KEYS"},
}
"""The secret flags of each command, and the variables that say the same."""


def hide() -> None:
    """Start this command again without its secret flags, if it has any. Then it does not return."""
    arguments, moved = without_secrets(sys.argv[1:])
    count = len(sys.argv) - 1
    # Where something else runs the command inside of itself, these are not its arguments.
    if moved and sys.orig_argv[-count:] == sys.argv[1:]:
        os.execve(  # noqa: S606  this very command
            sys.executable, [*sys.orig_argv[:-count], *arguments], {**os.environ, **moved}
        )


def without_secrets(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The arguments without flags that are secret, and their values by variable."""
    variables = VARIABLES.get(arguments[0], _NONE) if arguments else _NONE
    left: list[str] = []
    moved: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        flag, equals, value = argument.partition("=")
        if flag not in variables:
            left.append(argument)
            continue
        flagged = [argument]
        if not equals:
            value = next(rest, "")
            flagged += [value] if value else []
        if _is_secret(flag, value):
            moved[variables[flag]] = value
        else:
            left += flagged
    return left, moved


def _is_secret(flag: str, value: str) -> bool:
    """Whether it is, and can be moved: a broker's address only if it holds a password."""
    return bool(value) and (flag != "--broker" or "@" in value)
