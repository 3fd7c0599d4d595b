"""The forum's settings: flags first, then the environment, then what `river dev` left behind."""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEV_FILE = Path(".river/dev.json")
"""Where `river dev`, started in the same folder, keeps its addresses and keys."""


class ForumSettingsError(Exception):
    """A setting is wrong or missing; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PusherApp:
    """The app of River that pages use with pusher-js, and where that lies."""

    key: str
    secret: str
    script: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RiverPlace:
    """Where River is, and what proves to it that the forum is the forum."""

    url: str
    api_url: str
    api_key: str
    secret: str
    pusher: PusherApp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForumSettings:
    """Everything the forum is started with; `river` is None when it runs by itself."""

    host: str = "127.0.0.1"
    port: int = 8080
    database: Path = Path("forum.db")
    posts_per_minute: int = 20
    river: RiverPlace | None = None


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> ForumSettings:
    """Read the settings once.

    Raises:
        ForumSettingsError: River's settings are given in part only, or `--river on` finds none.
    """
    flags = _parser(environment).parse_args(arguments)
    return ForumSettings(
        host=flags.host,
        port=flags.port,
        database=flags.db,
        posts_per_minute=flags.posts_per_minute,
        river=_river(flags),
    )


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="forum",
        description="Towpath, a forum. Every flag is also an environment variable, named in [ ].",
        argument_default="",
    )
    default = environment.get
    add = parser.add_argument
    add("--host", default=default("FORUM_HOST", "127.0.0.1"), help="[FORUM_HOST] 127.0.0.1")
    add("--port", type=int, default=default("FORUM_PORT", "8080"), help="[FORUM_PORT] 8080")
    add("--db", type=Path, default=default("FORUM_DB", "forum.db"), help="[FORUM_DB] forum.db")
    add(
        "--posts-per-minute",
        type=int,
        default=default("FORUM_POSTS_PER_MINUTE", "20"),
        help="[FORUM_POSTS_PER_MINUTE] how fast one person may post: 20",
    )
    add(
        "--river",
        choices=["auto", "on", "off"],
        default=default("RIVER", "auto"),
        help="[RIVER] off: the plain forum; auto: with River when its settings are found",
    )
    add("--river-url", default=default("RIVER_URL", ""), help="[RIVER_URL] the gateway")
    add("--river-api-url", default=default("RIVER_API_URL", ""), help="[RIVER_API_URL]")
    add("--river-api-key", default=default("RIVER_API_KEY", ""), help="[RIVER_API_KEY]")
    add(
        "--river-secrets",
        default=default("RIVER_SECRETS", ""),
        help="[RIVER_SECRETS] comma-separated, the first signs",
    )
    add(
        "--pusher-js",
        type=Path,
        default=default("FORUM_PUSHER_JS"),
        help="[FORUM_PUSHER_JS] Pusher's client, for pages instead of River's own",
    )
    return parser


def _river(flags: argparse.Namespace) -> RiverPlace | None:
    if flags.river not in {"auto", "on", "off"}:
        raise ForumSettingsError(f"RIVER must be auto, on or off, not {flags.river!r}")
    if flags.river == "off":
        return None
    dev = _read_dev_file()
    found = {
        "RIVER_URL": flags.river_url or dev.get("url", ""),
        "RIVER_API_URL": flags.river_api_url or dev.get("api_url", ""),
        "RIVER_API_KEY": flags.river_api_key or dev.get("api_key", ""),
        "RIVER_SECRETS": flags.river_secrets or dev.get("secret", ""),
    }
    if flags.river == "auto" and not any(found.values()):
        return None
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise ForumSettingsError(f"{', '.join(missing)} missing (or start `river dev` here first)")
    return RiverPlace(
        url=found["RIVER_URL"].rstrip("/"),
        api_url=found["RIVER_API_URL"].rstrip("/"),
        api_key=found["RIVER_API_KEY"],
        secret=found["RIVER_SECRETS"].split(",")[0].strip(),
        pusher=_pusher(flags.pusher_js, dev),
    )


def _pusher(script: Path | None, dev: Mapping[str, str]) -> PusherApp | None:
    if script is None:
        return None
    if not script.is_file() or not dev.get("app_key"):
        raise ForumSettingsError(f"for pages with pusher-js: {script}, and a `river dev` here")
    return PusherApp(key=dev["app_key"], secret=dev["app_secret"], script=script)


def _read_dev_file() -> dict[str, str]:
    try:
        content: object = json.loads(DEV_FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, TypeError, ValueError) as problem:
        raise ForumSettingsError(f"{DEV_FILE} cannot be read: {problem}") from problem
    match content:
        case {"secret": str(secret), "api_key": str(key), "url": str(url), "api_url": str(api)}:
            app = {name: str(content.get(name, "")) for name in ("app_key", "app_secret")}
            return {"secret": secret, "api_key": key, "url": url, "api_url": api, **app}
        case _:
            raise ForumSettingsError(f"{DEV_FILE} is not what `river dev` writes")


def from_process(arguments: Sequence[str]) -> ForumSettings:
    """Read the settings of this process."""
    return read_settings(arguments, os.environ)
