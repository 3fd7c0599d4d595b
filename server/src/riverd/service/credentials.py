"""What a process or a function verifies and signs with, kept to what its sources hold."""

import time
from collections.abc import Callable, Iterator, Sequence
from secrets import token_hex
from typing import TypeVar

from riverd.auth.api_keys import Keys
from riverd.auth.apps import Apps, parse_apps
from riverd.auth.session_secrets import SessionSecrets
from riverd.auth.tokens import Signer, Verifier
from riverd.auth.webhooks import WebhookEndpoint
from riverd.errors import SettingsError
from riverd.service.brokers import Brokers
from riverd.service.environment import apps_of, endpoints_in, webhooks_of
from riverd.service.secret_renewal import Renewal
from riverd.service.secret_settings import (
    API_KEYS,
    APPS,
    BROKER_PASSWORD,
    TOKEN_SECRETS,
    WEBHOOKS,
    SecretSetting,
)
from riverd.service.settings import Settings

T = TypeVar("T")


class Credentials:
    """Verifier, signer, session secrets and API keys of settings whose secrets were read.

    `renewed` gets the name of a secret that has changed, `kept` that of one whose source fails,
    and why: what was known stays good.
    """

    def __init__(
        self,
        settings: Settings,
        brokers: Brokers,
        *,
        renewed: Callable[[str], None],
        kept: Callable[[str, Exception], None],
    ) -> None:
        self.verifier = Verifier(
            settings.secrets,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            leeway_s=settings.jwt_leeway_s,
            max_age_s=settings.token_max_age_s,
        )
        # Where an identity provider alone signs tokens, sessions are continued on their own node.
        self.session_secrets = SessionSecrets(settings.secrets or (token_hex(),))
        self.api_keys = Keys(settings.api_keys)
        self.read_keys = Keys(settings.read_keys)
        self.apps = Apps(apps_of(settings))
        self.webhooks = webhooks_of(settings)
        self.signer = _signer(settings)
        self._settings = settings
        self._brokers = brokers
        self._renewed = renewed
        self._kept = kept

    def renewals(self) -> list[Renewal]:
        """One for each secret that was read from a source: no restart, no dropped connection."""
        return [
            *self._renewal(
                TOKEN_SECRETS, self._use_secrets, missed=lambda: self.verifier.misses_secret
            ),
            *self._renewal(API_KEYS, self.api_keys.use, missed=lambda: self.api_keys.missed),
            *self._renewal(APPS, self._use_apps),
            *self._renewal(WEBHOOKS, self._use_webhooks),
            *self._renewal(BROKER_PASSWORD, self._brokers.use_password),
        ]

    def _renewal(
        self,
        setting: SecretSetting[T],
        use: Callable[[T], None],
        *,
        missed: Callable[[], bool] = bool,
    ) -> Iterator[Renewal]:
        source, present = setting.source(self._settings), setting.value(self._settings)
        # What was not read at the start is of no use to this kind of process.
        if source is None or not present:
            return

        def take(texts: Sequence[str]) -> None:
            nonlocal present
            found = setting.parse(texts)
            use(found)
            if found != present:
                self._renewed(setting.name)
            present = found

        yield Renewal(
            source,
            take,
            every_s=self._settings.secrets_refresh_s,
            clock=time.time,
            failed=lambda error: self._kept(setting.name, error),
            missed=missed,
        )

    def _use_apps(self, found: str | None) -> None:
        apps = parse_apps(APPS.source_variable, found or "[]")
        if [app.id for app in apps if app.native] != [
            app.id for app in self.apps.by_id.values() if app.native
        ]:
            raise SettingsError('which app is "native" changes with a restart only')
        self.apps.use(apps)

    def webhook_endpoints(self) -> Sequence[WebhookEndpoint]:
        """All webhooks as they are set now: River's own, and those of apps."""
        return [*self.webhooks, *self.apps.webhook_endpoints()]

    def _use_webhooks(self, found: str | None) -> None:
        self.webhooks = endpoints_in(
            WEBHOOKS.source_variable, found or "[]", settings=self._settings
        )

    def _use_secrets(self, found: Sequence[str]) -> None:
        self.verifier.use_secrets(found)
        self.session_secrets.use_secrets(found)
        if self.signer is not None:
            self.signer.use_secret(found[0])


def _signer(settings: Settings) -> Signer | None:
    if not settings.secrets:
        return None
    return Signer(settings.secrets[0], issuer=settings.jwt_issuer, audience=settings.jwt_audience)
