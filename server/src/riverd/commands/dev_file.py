"""What `river dev` keeps between runs: a secret, an API key, and where it listens."""

import json
import os
import secrets
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from riverd.auth.apps import App
from riverd.auth.tokens import SECRET_BYTES_MIN
from riverd.errors import SettingsError
from riverd.service.secret_settings import API_KEY_LENGTH_MIN, new_secret

PATH = Path(".river") / "dev.json"


class DevFile(msgspec.Struct):
    """The content of `.river/dev.json`, readable by its owner only."""

    secret: Annotated[str, Meta(min_length=SECRET_BYTES_MIN)]
    api_key: Annotated[str, Meta(min_length=API_KEY_LENGTH_MIN)]
    app_key: str = ""
    app_secret: str = ""
    url: str = "http://127.0.0.1:8000"
    api_url: str = "http://127.0.0.1:8001"


def read(path: Path = PATH) -> DevFile | None:
    """What is kept, or None.

    Raises:
        SettingsError: when the file is not what `river dev` writes.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=DevFile)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, OSError) as error:
        raise SettingsError(f"{path} cannot be used ({error}); delete it to start anew") from None


def read_if_possible(*, needed: bool) -> DevFile | None:
    """What is kept, or None; also if it cannot be used and is not needed.

    Raises:
        SettingsError: it is needed, and not what `river dev` writes.
    """
    try:
        return read()
    except SettingsError:
        if needed:
            raise
        return None


def write_if_possible(kept: DevFile, *, needed: bool) -> None:
    """Keep it, or if it is not needed at least try. What cannot be used is not overwritten then.

    Raises:
        OSError: it is needed, and the folder cannot be written.
    """
    try:
        if not needed:
            read()
        write(kept)
    except SettingsError:
        return
    except OSError as error:
        if needed:
            raise OSError(
                f"{PATH} cannot be written ({error.strerror or error}): run `river dev` in a "
                "folder of yours, or set RIVER_SECRETS and RIVER_API_KEYS"
            ) from None


def new() -> DevFile:
    """A secret and a key of its own, not yet kept."""
    return DevFile(new_secret(), f"dev-{secrets.token_urlsafe(24)}")


def with_app(kept: DevFile) -> DevFile:
    """The same with a key and a secret of an app; an older version made none."""
    if kept.app_key and kept.app_secret:
        return kept
    return msgspec.structs.replace(
        kept, app_key=secrets.token_hex(10), app_secret=secrets.token_hex(10)
    )


def app_of(kept: DevFile) -> App:
    """The app of `river dev`: everything that an app may do, in the channels of everybody."""
    return App(
        id="1",
        key=kept.app_key,
        secret=kept.app_secret,
        native=True,
        public="open",
        presence="open",
        client_events=True,
        subscription_counts=True,
    )


def write(kept: DevFile, path: Path = PATH) -> None:
    """Keep it, with mode 0600 from its first byte on."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    text = json.dumps(msgspec.to_builtins(kept), indent=2) + "\n"
    # A file of its own, renamed: nobody reads half of it, and an old mode does not stay.
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.rename(path)
