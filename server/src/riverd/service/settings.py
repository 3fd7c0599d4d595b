"""Configuration: read from the environment and checked once, at the start."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Literal, cast, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, inspect

from riverd.auth.tokens import SECRET_BYTES_MIN
from riverd.broker.redis import address as redis_address
from riverd.broker.redis.address import RedisAddress
from riverd.channels import NODE_NAME_LENGTH_MAX
from riverd.errors import SettingsError
from riverd.service.secret_sources import Source, SourceError, source_of

PREFIX = "RIVER_"
MEMORY = "memory://"
API_KEY_LENGTH_MIN = 16
NO_SETTINGS = ("RIVER_API_KEY", "RIVER_WORKER")
"""Variables that have names like settings: a publisher's key, a supervisor's mark."""

Port = Annotated[int, Meta(ge=0, le=65_535)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=100_000_000)]
Texts = tuple[str, ...]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings with their defaults. See `DESCRIPTIONS` for what each means."""

    secrets: Texts = ()
    secrets_from: str | None = None
    api_keys: Texts = ()
    api_keys_from: str | None = None
    secrets_refresh_s: Annotated[float, Meta(ge=0.1, le=86_400)] = 60
    jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_leeway_s: Annotated[float, Meta(ge=0, le=300)] = 5
    broker: str = MEMORY
    broker_password: str | None = None
    broker_password_from: str | None = None
    host: str = "127.0.0.1"
    port: Port = 8000
    api_host: str = "127.0.0.1"
    api_port: Port = 8001
    auth_timeout_s: Seconds = 15
    ping_interval_s: Seconds = 25
    history_size: Annotated[int, Meta(ge=0, le=100_000)] = 100
    history_ttl_s: Seconds = 300
    allowed_origins: Texts = ("*",)
    max_connections: Count = 50_000
    max_unauthenticated: Count = 10_000
    max_message_bytes: Annotated[int, Meta(ge=256, le=16_777_216)] = 65_536
    max_channels_per_connection: Count = 100
    max_buffer_bytes: Annotated[int, Meta(ge=4_096, le=16_777_216)] = 65_536
    client_rate: Annotated[float, Meta(gt=0, le=1_000_000)] = 50
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    drain_s: Annotated[float, Meta(ge=0, le=3_600)] = 30
    node_name: Annotated[str, Meta(max_length=NODE_NAME_LENGTH_MAX)] | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "json"
    metrics_log_s: Annotated[float, Meta(ge=0, le=86_400)] = 0


DESCRIPTIONS: Mapping[str, str] = {
    "secrets": "Token secrets, comma-separated: the first signs, all verify; of 32 bytes or more.",
    "secrets_from": "Where to read them instead: file:///PATH or aws-secretsmanager:NAME_OR_ARN.",
    "api_keys": "Keys that may publish, comma-separated.",
    "api_keys_from": "Where to read them instead, as RIVER_SECRETS_FROM.",
    "secrets_refresh_s": "How often what is read from elsewhere is read again.",
    "jwks_url": "Also accept RS256/ES256 tokens whose keys stand at this URL.",
    "jwt_issuer": "Tokens must come from this issuer (iss).",
    "jwt_audience": "Tokens must be for this audience (aud).",
    "jwt_leeway_s": "By how much clocks may differ: for nbf, iat and exp of tokens.",
    "broker": "What stands between publishers and gateways: memory:// (one process), redis://...",
    "broker_password": "The broker's password, where its URL has none.",
    "broker_password_from": "Where to read it instead, as RIVER_SECRETS_FROM.",
    "host": "Address of the gateway.",
    "port": "Port of the gateway.",
    "api_host": "Address of the publish API.",
    "api_port": "Port of the publish API.",
    "auth_timeout_s": "A connection without a valid token is closed after this.",
    "ping_interval_s": "How often a connection is pinged; one that stays silent is closed.",
    "history_size": "How many publications every channel's log keeps.",
    "history_ttl_s": "How long every channel's log keeps them.",
    "allowed_origins": "Globs of the origins whose pages may connect, comma-separated.",
    "max_connections": "Connections to one gateway process.",
    "max_unauthenticated": "Connections to one gateway process that have not sent a token yet.",
    "max_message_bytes": "Size of one message, from a client or a publisher.",
    "max_channels_per_connection": "Channels that one connection may hear.",
    "max_buffer_bytes": "Bytes that wait for one slow client before its cursors stand still.",
    "client_rate": "Messages a second that one client may send.",
    "workers": "Gateway processes on one port, one a core; they need a broker between them.",
    "drain_s": "How long a planned stop takes to move its clients.",
    "node_name": "How the gateway is called when it is asked to drain; ecs-task: its task's ARN.",
    "log_level": "The least that is logged.",
    "log_format": "Logs for people (console) or for machines (json).",
    "metrics_log_s": "Log the metrics this often too, where nobody scrapes them; 0: never.",
}


class Setting(msgspec.Struct, frozen=True):
    """One setting, as the command line and the documentation name it."""

    field: str
    variable: str
    flag: str
    default: str
    description: str


def describe() -> Iterator[Setting]:
    """All settings, in the order in which people read them."""
    defaults = Settings()
    for field in Settings.__struct_fields__:
        value: object = getattr(defaults, field)
        shown = (
            ",".join(cast("Texts", value))
            if isinstance(value, tuple)
            else ""
            if value is None
            else value
        )
        yield Setting(
            field,
            PREFIX + field.upper(),
            "--" + field.replace("_", "-"),
            f"{shown:g}" if isinstance(shown, float) else str(shown),
            DESCRIPTIONS[field],
        )


def load(values: Mapping[str, str]) -> Settings:
    """The settings in an environment: variables of the prefix, empty ones as if absent.

    Raises:
        SettingsError: one line that names the setting that is wrong.
    """
    types = get_type_hints(Settings, include_extras=True)
    given: dict[str, object] = {}
    for setting in describe():
        text = values.get(setting.variable, "").strip()
        if text:
            given[setting.field] = _parsed(setting, text, types[setting.field])
    settings = msgspec.convert(given, Settings)
    _check(settings)
    return settings


def misspelt(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Variables of an environment that look like a setting and are none, each with that setting."""
    known = [setting.variable for setting in describe()]
    for name in values:
        if name.startswith(PREFIX) and name not in {*known, *NO_SETTINGS}:
            for meant in get_close_matches(name, known, n=1, cutoff=0.88):
                yield name, meant


def source(settings: Settings, field: str) -> Source | None:
    """Where a setting is read instead of in the environment, if anywhere.

    Raises:
        SettingsError: when that is no place.
    """
    place = cast("str | None", getattr(settings, f"{field}_from"))
    if place is None:
        return None
    try:
        return source_of(place)
    except SourceError as error:
        # What stands there is not shown: it may be the secret itself.
        raise SettingsError(f"{_variable_from(field)}: {error}") from None


def fetched(settings: Settings, now: float, *fields: str) -> Settings:
    """The settings with what stands in the sources of these fields at `now` (unix seconds).

    Raises:
        SettingsError: when a source cannot be read, or has nothing good.
    """
    found: dict[str, object] = {}
    for field in fields:
        place = source(settings, field)
        if place is not None:
            try:
                found[field] = SOURCED[field](place.read(now))
            except SourceError as error:
                told = getattr(settings, f"{field}_from")
                raise SettingsError(f"{_variable_from(field)}={told}: {error}") from None
    return msgspec.structs.replace(settings, **found)


def secrets_in(texts: Sequence[str]) -> Texts:
    """The token secrets in texts from a source.

    Raises:
        SettingsError: when there is none, or one that is no good.
    """
    variable = _variable_from("secrets")
    secrets = _each(variable, texts)
    _check_secrets(variable, secrets)
    return secrets


def api_keys_in(texts: Sequence[str]) -> Texts:
    """The API keys in texts from a source.

    Raises:
        SettingsError: when there is none, or one that is no good.
    """
    variable = _variable_from("api_keys")
    keys = _each(variable, texts)
    _check_api_keys(variable, keys)
    return keys


def password_in(texts: Sequence[str]) -> str:
    """The broker's password in texts from a source: the newest, whole.

    Raises:
        SettingsError: when there is none.
    """
    password = texts[0]
    if not password or not password.isprintable():
        raise SettingsError(f"{_variable_from('broker_password')}: no password stands there")
    return password


SOURCED: Mapping[str, Callable[[Sequence[str]], Texts | str]] = {
    "secrets": secrets_in,
    "api_keys": api_keys_in,
    "broker_password": password_in,
}
"""What may be read from elsewhere, and how it is checked."""


def broker_address(settings: Settings) -> RedisAddress:
    """Where the broker is, when it is not in memory.

    Raises:
        SettingsError: when RIVER_BROKER is no such place.
    """
    address = redis_address.parse(settings.broker)
    if settings.broker_password is None:
        return address
    return msgspec.structs.replace(address, password=settings.broker_password)


def require_secrets(settings: Settings) -> None:
    """Outside `river dev` nothing starts without a way to know clients.

    Raises:
        SettingsError: when there is none.
    """
    if not settings.secrets and settings.jwks_url is None:
        raise SettingsError(
            "RIVER_SECRETS is missing: set it to at least 32 random bytes, "
            "for example the output of `openssl rand -hex 32`"
        )


def require_api_keys(settings: Settings) -> None:
    """The publish API does not start open to everybody.

    Raises:
        SettingsError: when there is no key.
    """
    if not settings.api_keys:
        raise SettingsError("RIVER_API_KEYS is missing: set it to a key that may publish")


def with_keys(settings: Settings, *, secret: str, api_key: str) -> Settings:
    """The settings with a secret and a key, where they have none of their own."""
    return msgspec.structs.replace(
        settings, secrets=settings.secrets or (secret,), api_keys=settings.api_keys or (api_key,)
    )


def named(settings: Settings, node: str) -> Settings:
    """The settings of a node that is called so."""
    return msgspec.structs.replace(settings, node_name=node)


def new_secret() -> str:
    """256 random bits as 64 hex digits."""
    return secrets.token_hex(32)


def _variable_from(field: str) -> str:
    return f"{PREFIX}{field.upper()}_FROM"


def _parsed(setting: Setting, text: str, wanted: object) -> object:
    if not text.isprintable():
        raise SettingsError(f"{setting.variable}: it has characters that cannot be printed")
    if wanted == Texts:
        return _parts(text)
    try:
        return msgspec.convert(text, wanted, strict=False)
    except msgspec.ValidationError:
        wrong = f"{setting.variable}={text}"
        raise SettingsError(f"{wrong}: write {_in_words(wanted)}") from None


def _in_words(wanted: object) -> str:
    """What a setting may be, for somebody who wrote something else."""
    kind = inspect.type_info(wanted)
    if isinstance(kind, inspect.UnionType):
        kind = kind.types[0]
    match kind:
        case inspect.LiteralType(values):
            return " or ".join(str(value) for value in values)
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least:,} to {most:,}"
        case inspect.FloatType(gt=None, ge=least, le=most):
            return f"a number from {least:,} to {most:,}"
        case inspect.FloatType(gt=floor, le=most):
            return f"a number above {floor:,}, up to {most:,}"
        case inspect.StrType(max_length=most):
            return f"at most {most} characters"
        case _:
            raise AssertionError(kind)


def _parts(text: str) -> Texts:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _each(variable: str, texts: Sequence[str]) -> Texts:
    """What stands in texts from a source, each once."""
    if not all(text.isprintable() for text in texts):
        raise SettingsError(f"{variable}: it has characters that cannot be printed")
    found = tuple(dict.fromkeys(part for text in texts for part in _parts(text)))
    if not found:
        raise SettingsError(f"{variable}: nothing stands there")
    return found


def _check_secrets(variable: str, secrets: Texts) -> None:
    for secret in secrets:
        if len(secret.encode()) < SECRET_BYTES_MIN:
            raise SettingsError(f"{variable}: a secret is shorter than {SECRET_BYTES_MIN} bytes")


def _check_api_keys(variable: str, keys: Texts) -> None:
    for key in keys:
        if len(key) < API_KEY_LENGTH_MIN or not key.isascii() or not key.isprintable():
            raise SettingsError(
                f"{variable}: a key is at least {API_KEY_LENGTH_MIN} printable ASCII characters"
            )


def _check(settings: Settings) -> None:
    _check_secrets("RIVER_SECRETS", settings.secrets)
    _check_api_keys("RIVER_API_KEYS", settings.api_keys)
    for field in SOURCED:
        if source(settings, field) is not None and getattr(settings, field):
            variable = PREFIX + field.upper()
            raise SettingsError(f"{variable} and {variable}_FROM exclude each other: set one")
    if settings.workers > 1 and settings.broker == MEMORY:
        raise SettingsError("RIVER_WORKERS: several workers need a RIVER_BROKER between them")
    _check_broker(settings)
    if settings.jwks_url is not None and not _is_web_address(settings.jwks_url):
        raise SettingsError("RIVER_JWKS_URL: not an http(s) URL")


def _check_broker(settings: Settings) -> None:
    if settings.broker == MEMORY:
        return
    address = redis_address.parse(settings.broker)
    given = settings.broker_password or settings.broker_password_from
    if address.password is not None and given is not None:
        raise SettingsError(
            "RIVER_BROKER has a password already: it stands there or in RIVER_BROKER_PASSWORD"
        )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
