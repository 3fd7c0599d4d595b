"""Settings: from the environment, and for River also from what `river dev` left behind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEV_FILE = Path(".river/dev.json")
"""Where `river dev`, started in the same folder, keeps its addresses and keys."""


class AssistantSettingsError(Exception):
    """A setting is wrong or missing; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantSettings:
    """Everything that the app is started with.

    `river_url` is the gateway as browsers reach it.
    """

    river_url: str
    river_api_url: str
    river_api_key: str
    river_secret: str
    host: str = "127.0.0.1"
    port: int = 8095
    tokens_per_s: float = 20.0


def read_settings(environment: Mapping[str, str]) -> AssistantSettings:
    """Read the settings once.

    Raises:
        AssistantSettingsError: one is missing or no number.
    """
    dev = _read_dev_file()
    names = {
        "RIVER_URL": "url",
        "RIVER_API_URL": "api_url",
        "RIVER_API_KEY": "api_key",
        "RIVER_SECRETS": "secret",
    }
    found = {name: environment.get(name) or dev.get(kept, "") for name, kept in names.items()}
    if missing := [name for name, value in found.items() if not value]:
        reason = f"{', '.join(missing)} missing (or start `river dev` in this folder first)"
        raise AssistantSettingsError(reason)
    try:
        port = int(environment.get("ASSISTANT_PORT", "8095"))
        tokens_per_s = float(environment.get("ASSISTANT_TOKENS_PER_S", "20"))
    except ValueError as error:
        raise AssistantSettingsError(f"ASSISTANT_PORT, ASSISTANT_TOKENS_PER_S: {error}") from None
    if not tokens_per_s > 0:
        raise AssistantSettingsError("ASSISTANT_TOKENS_PER_S: more than 0")
    return AssistantSettings(
        river_url=found["RIVER_URL"].rstrip("/"),
        river_api_url=found["RIVER_API_URL"].rstrip("/"),
        river_api_key=found["RIVER_API_KEY"],
        river_secret=found["RIVER_SECRETS"].split(",")[0].strip(),
        host=environment.get("ASSISTANT_HOST", "127.0.0.1"),
        port=port,
        tokens_per_s=tokens_per_s,
    )


def _read_dev_file() -> dict[str, str]:
    try:
        content: object = json.loads(DEV_FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise AssistantSettingsError(f"{DEV_FILE} cannot be read: {problem}") from problem
    if not isinstance(content, dict):
        raise AssistantSettingsError(f"{DEV_FILE} is not what `river dev` writes")
    return {str(name): str(value) for name, value in content.items()}
