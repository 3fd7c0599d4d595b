"""Which publish API a command speaks to, and with which key.

    a profile      --profile or RIVER_PROFILE: URL and key from the file of profiles
    else           --url or RIVER_API_URL, --key or RIVER_API_KEY
    what is left   RIVER_API_KEYS (or its source), and what `river dev` left in this folder

A profile is not mixed with anything else: the key of one deployment is not sent to another.
"""

import functools
import os
import stat
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from riverd.commands import dev_file
from riverd.commands.api_client import ApiTarget
from riverd.errors import SettingsError
from riverd.service.environment import load
from riverd.service.secret_settings import API_KEYS, with_secrets

FindTarget = Callable[[], ApiTarget]
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def with_target(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--url`, `--key` and `--profile`, and as `target` what finds the API by them.

    It is found when the command asks: what is wrong with its arguments is said first.
    """

    @functools.wraps(command)
    def wrapped(*, url: str | None, key: str | None, profile: str | None, **rest: Any) -> None:
        command(target=functools.partial(target_of, url, key, profile=profile), **rest)

    options = (
        click.option(
            "--url",
            "--api-url",
            envvar="RIVER_API_URL",
            help="Where the publish API is. [RIVER_API_URL; default: that of river dev]",
        ),
        click.option(
            "--key",
            envvar="RIVER_API_KEY",
            help="Its key. [RIVER_API_KEY; default: the first of RIVER_API_KEYS, or river dev's]",
        ),
        click.option(
            "--profile",
            envvar="RIVER_PROFILE",
            help="URL and key of this name in the file of profiles. [RIVER_PROFILE]",
        ),
    )
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def target_of(url: str | None, key: str | None, *, profile: str | None) -> ApiTarget:
    """The API that is meant.

    Raises:
        SettingsError: there is no key, or the profile cannot be used.
    """
    if profile:
        if url or key:
            raise SettingsError(
                f"profile {profile} and an address or key (--url, --key, RIVER_API_URL, "
                "RIVER_API_KEY): give one of both"
            )
        return read_profile(profile)
    chosen = load(os.environ) if key else with_secrets(load(os.environ), time.time(), API_KEYS)
    kept = dev_file.read()
    if not key:
        key = chosen.api_keys[0] if chosen.api_keys else (kept.api_key if kept else None)
    if not key:
        raise SettingsError(
            "there is no key: set RIVER_API_KEYS, give --profile, or run `river dev` in this folder"
        )
    usual = kept.api_url if kept else f"http://{chosen.api_host}:{chosen.api_port}"
    return ApiTarget(url or usual, key)


def profiles_file() -> Path:
    """Where profiles are kept."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "river" / "profiles.toml"


def read_profile(name: str) -> ApiTarget:
    """URL and key of a profile.

    Raises:
        SettingsError: there is none of this name, or the file is not for its owner alone.
    """
    path = profiles_file()
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & OTHERS:
                raise SettingsError(f"{path} has keys and others can read it: chmod 600 {path}")
            profiles = tomllib.load(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(f"profile {name}: {path}: {why}") from None
    if name not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise SettingsError(f"no profile {name} in {path}: there is {known}")
    try:
        return msgspec.convert(profiles[name], ApiTarget)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"profile {name} in {path}: {error}. It has url and key, as texts"
        ) from None
