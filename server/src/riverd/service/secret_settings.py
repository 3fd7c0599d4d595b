"""The settings that are secret: each stands in the environment, or where another setting says."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec.structs import replace

from riverd.auth.apps import App, encoded, parse_apps, with_older_keys
from riverd.auth.tokens import SECRET_BYTES_MIN
from riverd.auth.webhooks import parse_webhooks
from riverd.errors import SettingsError
from riverd.service.secret_sources import SecretSource, SourceError, source_of
from riverd.service.setting_values import Texts, split
from riverd.service.settings import PREFIX, Settings

API_KEY_LENGTH_MIN = 16

T = TypeVar("T")


class SecretSetting(Generic[T]):
    """One secret setting: its typed fields in `Settings`, and what makes a good value.

    Args:
        variable: the environment variable of the value itself; with `_FROM` that of its source.
        value: the value in the environment, empty where it stands elsewhere.
        uri: where to read it instead.
        put: the settings with this value.
        parse: the value in texts from a source, the newest first.
    """

    def __init__(
        self,
        variable: str,
        *,
        value: Callable[[Settings], T],
        uri: Callable[[Settings], str | None],
        put: Callable[[Settings, T], Settings],
        parse: Callable[[str, Sequence[str]], T],
    ) -> None:
        self.variable = variable
        self.value = value
        self._uri = uri
        self._put = put
        self._parse = parse

    @property
    def name(self) -> str:
        """What logs call it."""
        return self.variable.removeprefix(PREFIX).lower()

    @property
    def source_variable(self) -> str:
        """The variable that says where to read it."""
        return f"{self.variable}_FROM"

    def source(self, settings: Settings) -> SecretSource | None:
        """Where it is read, if that is not the environment.

        Raises:
            SettingsError: when what stands there names no source.
        """
        uri = self._uri(settings)
        if uri is None:
            return None
        try:
            return source_of(uri)
        except SourceError as error:
            # What stands there is not shown: it may be the secret itself.
            raise SettingsError(f"{self.source_variable}: {error}") from None

    def parse(self, texts: Sequence[str]) -> T:
        """The value in texts from its source.

        Raises:
            SettingsError: when there is none, or one that is no good.
        """
        return self._parse(self.source_variable, texts)

    def loaded(self, settings: Settings, now: float) -> Settings:
        """The settings with what its source holds at `now` (unix seconds), if it has a source.

        Raises:
            SettingsError: when the source cannot be read, or holds nothing good.
        """
        source = self.source(settings)
        if source is None:
            return settings
        try:
            return self._put(settings, self.parse(source.read(now)))
        except SourceError as error:
            uri = self._uri(settings)
            raise SettingsError(f"{self.source_variable}={uri}: {error}") from None

    def check(self, settings: Settings) -> None:
        """Look at what stands in the environment.

        Raises:
            SettingsError: when it is no good, or is given twice.
        """
        value = self.value(settings)
        if self.source(settings) is not None and value:
            raise SettingsError(
                f"{self.variable} and {self.source_variable} exclude each other: set one"
            )


def _secrets_in(variable: str, texts: Sequence[str]) -> Texts:
    found = _each(variable, texts)
    check_secrets(variable, found)
    return found


def _api_keys_in(variable: str, texts: Sequence[str]) -> Texts:
    found = _each(variable, texts)
    check_api_keys(variable, found)
    return found


def _password_in(variable: str, texts: Sequence[str]) -> str | None:
    """The newest, as it stands: a comma is part of it."""
    password = texts[0]
    if not password or not password.isprintable():
        raise SettingsError(f"{variable}: there is no password")
    return password


def _apps_in(variable: str, texts: Sequence[str]) -> str | None:
    """The newest, with the keys that were good before it."""
    newest, *before = [parse_apps(variable, text) for text in texts]
    for older in before:
        newest = with_older_keys(newest, older)
    return encoded(newest)


def _webhooks_in(variable: str, texts: Sequence[str]) -> str | None:
    """The newest: receivers are given the new secret before River is."""
    parse_webhooks(variable, texts[0])
    return texts[0]


TOKEN_SECRETS = SecretSetting[Texts](
    "RIVER_SECRETS",
    value=lambda settings: settings.secrets,
    uri=lambda settings: settings.secrets_from,
    put=lambda settings, found: replace(settings, secrets=found),
    parse=_secrets_in,
)
API_KEYS = SecretSetting[Texts](
    "RIVER_API_KEYS",
    value=lambda settings: settings.api_keys,
    uri=lambda settings: settings.api_keys_from,
    put=lambda settings, found: replace(settings, api_keys=found),
    parse=_api_keys_in,
)
BROKER_PASSWORD = SecretSetting[str | None](
    "RIVER_BROKER_PASSWORD",
    value=lambda settings: settings.broker_password,
    uri=lambda settings: settings.broker_password_from,
    put=lambda settings, found: replace(settings, broker_password=found),
    parse=_password_in,
)
APPS = SecretSetting[str | None](
    "RIVER_APPS",
    value=lambda settings: settings.apps,
    uri=lambda settings: settings.apps_from,
    put=lambda settings, found: replace(settings, apps=found),
    parse=_apps_in,
)
WEBHOOKS = SecretSetting[str | None](
    "RIVER_WEBHOOKS",
    value=lambda settings: settings.webhooks,
    uri=lambda settings: settings.webhooks_from,
    put=lambda settings, found: replace(settings, webhooks=found),
    parse=_webhooks_in,
)
ALL: tuple[SecretSetting[Any], ...] = (TOKEN_SECRETS, API_KEYS, BROKER_PASSWORD, APPS, WEBHOOKS)

OF_FUNCTIONS = tuple(one for one in ALL if one is not WEBHOOKS)
"""What a function needs: webhooks are sent by processes that stay."""


def with_secrets(settings: Settings, now: float, *wanted: SecretSetting[Any]) -> Settings:
    """The settings with what the sources of these hold at `now` (unix seconds).

    Raises:
        SettingsError: when one cannot be read, or holds nothing good.
    """
    for one in wanted:
        settings = one.loaded(settings, now)
    return settings


def with_keys(settings: Settings, *, secret: str, api_key: str) -> Settings:
    """The settings with a secret and a key, where they have none of their own."""
    return replace(
        settings, secrets=settings.secrets or (secret,), api_keys=settings.api_keys or (api_key,)
    )


def with_app(settings: Settings, app: App) -> Settings:
    """The settings with an app, where they have none of their own."""
    return settings if settings.apps is not None else replace(settings, apps=encoded((app,)))


def new_secret() -> str:
    """256 random bits as 64 hex digits."""
    return secrets.token_hex(32)


def check_secrets(variable: str, found: Texts) -> None:
    """Raise SettingsError for a token secret that is too short."""
    for secret in found:
        if len(secret.encode()) < SECRET_BYTES_MIN:
            raise SettingsError(f"{variable}: a secret is shorter than {SECRET_BYTES_MIN} bytes")


def check_api_keys(variable: str, found: Texts) -> None:
    """Raise SettingsError for a key that is too short, or that no header can carry."""
    for key in found:
        if len(key) < API_KEY_LENGTH_MIN or not key.isascii() or not key.isprintable():
            raise SettingsError(
                f"{variable}: a key is at least {API_KEY_LENGTH_MIN} printable ASCII characters"
            )


def _each(variable: str, texts: Sequence[str]) -> Texts:
    """What stands in texts from a source, each once."""
    if not all(text.isprintable() for text in texts):
        raise SettingsError(f"{variable}: it has characters that cannot be printed")
    found = tuple(dict.fromkeys(part for text in texts for part in split(text)))
    if not found:
        raise SettingsError(f"{variable}: it is empty")
    return found
