"""Pusher apps: their ids, keys, secrets, and what each allows (RIVER_APPS)."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from riverd.auth.json_lists import json_list, repeated
from riverd.auth.webhooks import (
    AppWebhook,
    PusherEvent,
    WebhookEndpoint,
    app_endpoint,
    check_ids,
    url_problem,
)
from riverd.errors import SettingsError

APPS_MAX = 1_000
KEYS_MAX = 10
WEBHOOKS_MAX = 10
"""Of an app."""

_Key = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
_Secret = Annotated[str, Meta(min_length=16, max_length=256)]
_Count = Annotated[int, Meta(ge=1, le=100_000_000)]


class AppKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key, which pages show to everybody, and the secret that signs for it."""

    key: _Key
    secret: _Secret


class App(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of RIVER_APPS.

    Attributes:
        id: Digits, because the libraries of several languages want nothing else.
        previous: Keys that are still good, after a new one was made.
        native: Shares its channels and users with River's own protocol; at most one app does.
        public: In a native app, `open` lets everybody who has the key subscribe to channels that
            need no grant; in others everybody may.
        presence: In a native app, whether `presence-` channels need a grant in River's protocol.
        client_events: Whether clients may publish `client-` events.
        subscription_counts: Whether subscribers are sent how many they are.
        watchlists: Whether users who sign in are sent who of those that they watch is connected.
        enabled: Whether clients are let in.
        max_connections: Of one gateway; None for no limit of its own.
        max_members: Of a presence channel.
        max_event_bytes: Of an event's data.
        activity_timeout_s: After so much silence a client asks whether the server lives.
        webhooks: Who is notified of what, in Pusher's form.
    """

    id: Annotated[str, Meta(pattern=r"\A[0-9]{1,20}\Z")]
    key: _Key
    secret: _Secret
    previous: Annotated[tuple[AppKey, ...], Meta(max_length=KEYS_MAX)] = ()
    native: bool = False
    public: Literal["grant", "open"] = "grant"
    presence: Literal["grant", "open"] = "grant"
    client_events: bool = False
    subscription_counts: bool = False
    watchlists: bool = True
    enabled: bool = True
    max_connections: _Count | None = None
    max_members: Annotated[int, Meta(ge=1, le=10_000)] = 100
    max_event_bytes: Annotated[int, Meta(ge=1, le=16_777_216)] = 10_240
    activity_timeout_s: Annotated[int, Meta(ge=5, le=3_600)] = 120
    webhooks: Annotated[tuple[AppWebhook, ...], Meta(max_length=WEBHOOKS_MAX)] = ()

    def all_keys(self) -> Iterable[AppKey]:
        """All keys that are good, the newest first."""
        yield AppKey(key=self.key, secret=self.secret)
        yield from self.previous

    def webhook_endpoints(self) -> Iterable[WebhookEndpoint]:
        """Where its webhooks go. As Pusher does it, the oldest key that is good signs."""
        oldest = [*self.all_keys()][-1]
        for one in self.webhooks:
            yield app_endpoint(
                one, app=self.id, is_native=self.native, key=oldest.key, secret=oldest.secret
            )


class Apps:
    """The apps of a process, and whose each key is. They may be replaced while it runs."""

    def __init__(self, apps: Iterable[App] = ()) -> None:
        self.use(apps)

    def use(self, apps: Iterable[App]) -> None:
        """The apps from now on."""
        self.by_id = {app.id: app for app in apps}
        self.native = next((app for app in self.by_id.values() if app.native), None)
        """The app that shares its channels with River's own protocol."""
        self._by_key = {
            one.key: (app, one.secret) for app in self.by_id.values() for one in app.all_keys()
        }

    def webhook_endpoints(self) -> list[WebhookEndpoint]:
        """Where the webhooks of all apps go."""
        return [one for app in self.by_id.values() for one in app.webhook_endpoints()]

    def of_key(self, key: str) -> App | None:
        """The app of a key."""
        found = self._by_key.get(key)
        return None if found is None else found[0]

    def secret(self, app_id: str, key: str) -> str | None:
        """The secret of a key, if it is one of this app."""
        app, secret = self._by_key.get(key, (None, None))
        return secret if app is not None and app.id == app_id else None


_decode = msgspec.json.Decoder(tuple[App, ...]).decode


def parse_apps(variable: str, text: str) -> tuple[App, ...]:
    """The apps in a JSON text.

    Raises:
        SettingsError: one line that names the variable, and shows no secret.
    """
    apps = json_list(variable, text, decode=_decode, what="apps", most=APPS_MAX, events=PusherEvent)
    if sum(app.native for app in apps) > 1:
        raise SettingsError(f'{variable}: more than one app with "native": true')
    for what, names in (
        ("id", [app.id for app in apps]),
        ("key", [one.key for app in apps for one in app.all_keys()]),
    ):
        twice = repeated(names)
        if twice is not None:
            raise SettingsError(f"{variable}: the {what} {twice} is there twice")
    for app in apps:
        _check_webhooks(variable, app)
    return tuple(apps)


def _check_webhooks(variable: str, app: App) -> None:
    check_ids(f"{variable}: app {app.id}", app.webhooks)
    for number, one in enumerate(app.webhooks, 1):
        problem = url_problem(one.url)
        if problem is not None:
            raise SettingsError(f"{variable}: app {app.id}: webhook {number}: {problem}")


def with_older_keys(apps: Sequence[App], older: Sequence[App]) -> tuple[App, ...]:
    """The apps, with the keys that an older version of them had."""
    before = {app.id: app for app in older}
    return tuple(_with_keys_of(app, before.get(app.id)) for app in apps)


def _with_keys_of(app: App, older: App | None) -> App:
    if older is None:
        return app
    known = {one.key for one in app.all_keys()}
    missing = [one for one in older.all_keys() if one.key not in known]
    return replace(app, previous=(*app.previous, *missing)[:KEYS_MAX])


def encoded(apps: Sequence[App]) -> str:
    """The apps as the setting has them."""
    return msgspec.json.encode(apps).decode()
