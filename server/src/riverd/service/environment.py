"""Reads the settings from an environment, and checks them once, at the start."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import get_type_hints
from urllib.parse import urlsplit

import msgspec

from riverd.auth.apps import App, Apps, parse_apps
from riverd.auth.webhooks import (
    PRIVATE,
    PRIVATE_NETWORKS,
    WebhookEndpoint,
    check_networks,
    endpoints_of,
    parse_webhooks,
)
from riverd.broker.redis import address as redis_address
from riverd.broker.redis.address import RedisAddress
from riverd.channels.rules import ChannelRules, Sharing, parse_rules
from riverd.errors import SettingsError
from riverd.http.proxies import Network, parse_proxies
from riverd.service import allowed_origins, secret_settings
from riverd.service.loopback import is_loopback
from riverd.service.secret_settings import check_api_keys, check_secrets
from riverd.service.setting_values import is_service_link, parsed
from riverd.service.settings import MEMORY, PREFIX, Settings, describe
from riverd.service.shared_metrics import SLOTS, WORKER

NO_SETTINGS = frozenset({"RIVER_API_KEY", "RIVER_API_URL", "RIVER_TOKEN", WORKER, SLOTS})
"""Variables that are named like settings: those of clients, and a supervisor's mark."""


def load(values: Mapping[str, str]) -> Settings:
    """The settings in an environment: variables of the prefix, empty ones as if absent.

    Raises:
        SettingsError: one line that names the setting that is wrong.
    """
    types = get_type_hints(Settings, include_extras=True)
    given: dict[str, object] = {}
    for setting in describe():
        text = values.get(setting.variable, "").strip()
        if text and not is_service_link(setting.variable, text):
            given[setting.field] = parsed(setting.variable, text, wanted=types[setting.field])
    settings = msgspec.convert(given, Settings)
    _check(settings)
    return msgspec.structs.replace(
        settings, allowed_origins=allowed_origins.normalised(settings.allowed_origins)
    )


def misspelt(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Variables of an environment that look like a setting and are none, each with that setting."""
    known = [setting.variable for setting in describe()]
    for name, text in values.items():
        is_ours = name.startswith(PREFIX) and name not in NO_SETTINGS and name not in known
        if is_ours and not is_service_link(name, text):
            for meant in get_close_matches(name, known, n=1, cutoff=0.88):
                yield name, meant


def service_links(values: Mapping[str, str]) -> list[str]:
    """Variables that are named like a setting and hold an address that Kubernetes has put there."""
    names = (setting.variable for setting in describe())
    return [name for name in names if is_service_link(name, values.get(name, ""))]


def broker_address(settings: Settings) -> RedisAddress:
    """Where the broker is, when it is not in memory.

    Raises:
        SettingsError: when RIVER_BROKER is no address.
    """
    address = redis_address.parse(settings.broker)
    return msgspec.structs.replace(
        address,
        password=settings.broker_password or address.password,
        ack_replica=settings.broker_ack == "replica",
        unsafe=settings.broker_unsafe,
    )


def channel_rules_of(settings: Settings) -> ChannelRules:
    """The rules of all channels, read from their file where the setting names one.

    Raises:
        SettingsError: when the file cannot be read, or the rules are none.
    """
    text = _json_of("RIVER_CHANNEL_RULES", settings.channel_rules)
    native = Apps(apps_of(settings)).native
    return ChannelRules(
        parse_rules(text) if text else (),
        history_size=settings.history_size,
        history_ttl_s=settings.history_ttl_s,
        history_bytes=settings.history_bytes,
        shared=None if native is None else Sharing(native.presence == "grant"),
        user_channels=settings.user_channels,
    )


def trusted_proxies_of(settings: Settings) -> tuple[Network, ...] | None:
    """The networks of the proxies in front of the gateway; None if nothing is known of any.

    Raises:
        SettingsError: an entry is no address and no network.
    """
    try:
        return parse_proxies(settings.trusted_proxies)
    except ValueError as error:
        raise SettingsError(f"RIVER_TRUSTED_PROXIES: {error}") from None


def apps_of(settings: Settings) -> tuple[App, ...]:
    """The Pusher apps, read from their file where the setting names one.

    Raises:
        SettingsError: when the file cannot be read, or holds no apps.
    """
    text = _json_of("RIVER_APPS", settings.apps)
    return parse_apps("RIVER_APPS", text) if text else ()


def webhooks_of(settings: Settings) -> list[WebhookEndpoint]:
    """River's own webhooks, read from their file where the setting names one.

    Raises:
        SettingsError: when the file cannot be read, or they are no good.
    """
    text = _json_of("RIVER_WEBHOOKS", settings.webhooks)
    return endpoints_in("RIVER_WEBHOOKS", text, settings=settings) if text else []


def endpoints_in(variable: str, text: str, *, settings: Settings) -> list[WebhookEndpoint]:
    """The webhooks in a text.

    Raises:
        SettingsError: they are no good, or go where they may not.
    """
    found = endpoints_of(parse_webhooks(variable, text))
    check_networks(variable, found, allowed=webhook_networks_of(settings))
    return found


def webhook_networks_of(settings: Settings) -> tuple[Network, ...]:
    """The networks that are not public and may be sent webhooks.

    Raises:
        SettingsError: an entry is no address and no network.
    """
    entries = [one for one in settings.webhook_networks if one != PRIVATE]
    try:
        found = parse_proxies(entries) or ()
    except ValueError as error:
        raise SettingsError(f"RIVER_WEBHOOK_NETWORKS: {error}") from None
    return found + (PRIVATE_NETWORKS if PRIVATE in settings.webhook_networks else ())


def _json_of(variable: str, text: str | None) -> str | None:
    if text is None or not text.startswith("@"):
        return text
    name = text[1:]
    if not name:
        raise SettingsError(f"{variable}: write a file's name behind the @")
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{variable}: {name}: {error.strerror}") from None
    except ValueError:
        raise SettingsError(f"{variable}: {name}: it is not UTF-8") from None


def require_secrets(settings: Settings) -> None:
    """Outside `river dev` nothing starts without a way to know clients.

    Raises:
        SettingsError: when there is none.
    """
    if not settings.secrets and settings.jwks_url is None and settings.apps is None:
        raise SettingsError(
            "RIVER_SECRETS is missing: set it to at least 32 random bytes, "
            "for example the output of `openssl rand -hex 32`"
        )


def require_api_keys(settings: Settings) -> None:
    """The publish API does not start open to everybody.

    Raises:
        SettingsError: when there is no key, or one that is also something else.
    """
    if not settings.api_keys:
        raise SettingsError("RIVER_API_KEYS is missing: set it to a key that may publish")
    _check_keys_differ(settings)


def fetches_keys_in_clear(settings: Settings) -> bool:
    """Whether somebody between River and the identity provider could give keys of their own."""
    if settings.jwks_url is None:
        return False
    parts = urlsplit(settings.jwks_url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def _check(settings: Settings) -> None:
    check_secrets("RIVER_SECRETS", settings.secrets)
    check_api_keys("RIVER_API_KEYS", settings.api_keys)
    check_api_keys("RIVER_READ_KEYS", settings.read_keys)
    _check_keys_differ(settings)
    for setting in secret_settings.ALL:
        setting.check(settings)
    if settings.workers > 1 and settings.broker == MEMORY:
        raise SettingsError("RIVER_WORKERS: several workers need a RIVER_BROKER between them")
    _check_broker(settings)
    channel_rules_of(settings)
    trusted_proxies_of(settings)
    webhook_networks_of(settings)
    webhooks_of(settings)
    if settings.jwks_url is not None and not _is_web_address(settings.jwks_url):
        raise SettingsError("RIVER_JWKS_URL: not an http(s) URL")


def _check_keys_differ(settings: Settings) -> None:
    """Refuse a key that is in two lists: it would have the rights of one of them only."""
    if {*settings.read_keys} & {*settings.api_keys}:
        raise SettingsError("RIVER_READ_KEYS: one of them is in RIVER_API_KEYS too: it may publish")
    if {*settings.secrets} & {*settings.api_keys, *settings.read_keys}:
        raise SettingsError(
            "RIVER_SECRETS: one of them is an API key too: who may publish could sign tokens"
        )


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
