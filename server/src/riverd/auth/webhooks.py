"""Webhooks as RIVER_WEBHOOKS and the apps of RIVER_APPS name them, and their signatures.

River's own form is signed as Standard Webhooks has it: HMAC-SHA256 of `ID.TIMESTAMP.BODY`. Pusher's
form is that of its server libraries: HMAC-SHA256 of the body.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from riverd.auth.json_lists import json_list, repeated
from riverd.errors import SettingsError
from riverd.http.proxies import Address, Network
from riverd.model.webhook_events import Interest, WebhookKind

WEBHOOKS_MAX = 100
URL_LENGTH_MAX = 2_000
PRIVATE = "private"
"""The setting's word for all private networks.

Link-local ones, where clouds keep their metadata, are allowed by their addresses only.
"""
PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    ip_network(one)
    for one in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
    )
)
_NAT64 = ip_network("64:ff9b::/96")
_NOT_PUBLIC = tuple(ip_network(one) for one in ("64:ff9b:1::/48", "::/96", "fec0::/10"))
"""What ipaddress takes for global: a network's own NAT64 (RFC 8215), and two obsolete ones."""
METADATA = frozenset(
    ip_address(one)
    for one in (
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "100.100.100.200",
        "168.63.129.16",
    )
)
"""Of AWS, Google, Oracle, Alibaba and Azure, beside the link-local one that all have."""
SECRET_PREFIX = "whsec_"  # noqa: S105  how secrets of Standard Webhooks begin
SECRET_BYTES_MIN = 24

_Url = Annotated[str, Meta(min_length=1, max_length=URL_LENGTH_MAX)]
_Glob = Annotated[str, Meta(min_length=1, max_length=200)]
_Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.-]{1,64}\Z")]


class WebhookForm(StrEnum):
    """How a webhook's requests look."""

    RIVER = "river"
    PUSHER = "pusher"


class PusherEvent(StrEnum):
    """The events that webhooks in Pusher's form can have, as its documentation names them."""

    CHANNEL_OCCUPIED = "channel_occupied"
    CHANNEL_VACATED = "channel_vacated"
    MEMBER_ADDED = "member_added"
    MEMBER_REMOVED = "member_removed"
    CLIENT_EVENT = "client_event"
    CACHE_MISS = "cache_miss"
    SUBSCRIPTION_COUNT = "subscription_count"


PUSHER_NAMES: Mapping[str, str] = {
    WebhookKind.MEMBER_JOINED: PusherEvent.MEMBER_ADDED,
    WebhookKind.MEMBER_LEFT: PusherEvent.MEMBER_REMOVED,
}
"""The kinds of events that Pusher calls otherwise."""
_KINDS: Mapping[str, str] = {name: kind for kind, name in PUSHER_NAMES.items()}


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of RIVER_WEBHOOKS.

    Attributes:
        url: Where requests go: https, or http within networks that are allowed.
        channels: A glob; events of users have no channel and are always sent.
        secret: Signs. One that begins with `whsec_` is Base64, any other the text as it stands.
        name: What `GET /webhooks` calls it, and what keeps its queue when the URL changes.
    """

    url: _Url
    events: Annotated[tuple[WebhookKind, ...], Meta(min_length=1)]
    secret: Annotated[str, Meta(min_length=1, max_length=512)]
    channels: _Glob = "*"
    name: _Name | None = None


class AppWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of an app's webhooks: as `Webhook`, with Pusher's events; the app's secret signs."""

    url: _Url
    events: Annotated[tuple[PusherEvent, ...], Meta(min_length=1)]
    channels: _Glob = "*"
    name: _Name | None = None


class WebhookEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a webhook's events go, and in which form.

    Attributes:
        secrets: The first signs.
        key: In Pusher's form, which key of the app signs.
        app: The id of the app whose webhook it is.
    """

    id: str
    url: str
    form: WebhookForm
    interest: Interest
    secrets: tuple[str, ...]
    key: str = ""
    app: str | None = None

    @property
    def event_names(self) -> list[str]:
        """The events that it asks for, as its form names them."""
        events = self.interest.events
        if self.form is WebhookForm.RIVER:
            return list(events)
        return sorted(PUSHER_NAMES.get(one, one) for one in events)

    @property
    def shown_url(self) -> str:
        """The URL without what may be secret in it."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"


_decode = msgspec.json.Decoder(tuple[Webhook, ...]).decode


def parse_webhooks(variable: str, text: str) -> tuple[Webhook, ...]:
    """The webhooks in a JSON text.

    Raises:
        SettingsError: one line that names the variable, and shows no secret.
    """
    found = json_list(
        variable, text, decode=_decode, what="webhooks", most=WEBHOOKS_MAX, events=WebhookKind
    )
    for number, one in enumerate(found, 1):
        problem = url_problem(one.url) or _secret_problem(one.secret)
        if problem is not None:
            raise SettingsError(f"{variable}: webhook {number}: {problem}")
    check_ids(variable, found)
    return tuple(found)


def endpoints_of(webhooks: Iterable[Webhook]) -> list[WebhookEndpoint]:
    """Where River's own webhooks go."""
    return [
        WebhookEndpoint(
            id=_id_of(one),
            url=one.url,
            form=WebhookForm.RIVER,
            interest=Interest(
                webhook=_id_of(one), events=tuple(sorted(set(one.events))), channels=one.channels
            ),
            secrets=(one.secret,),
        )
        for one in webhooks
    ]


def app_endpoint(
    webhook: AppWebhook, *, app: str, is_native: bool, key: str, secret: str
) -> WebhookEndpoint:
    """Where a webhook of an app goes. A native app's channels are those without an app."""
    # No webhook of RIVER_WEBHOOKS can be called so.
    found = f"{_id_of(webhook)}@{app}"
    events = {WebhookKind(_KINDS.get(one, one)) for one in webhook.events}
    return WebhookEndpoint(
        id=found,
        url=webhook.url,
        form=WebhookForm.PUSHER,
        interest=Interest(
            webhook=found,
            app=None if is_native else app,
            events=tuple(sorted(events)),
            channels=webhook.channels,
        ),
        secrets=(secret,),
        key=key,
        app=app,
    )


def check_ids(variable: str, webhooks: Sequence[Webhook | AppWebhook]) -> None:
    """Find out whether each webhook has a queue of its own.

    Raises:
        SettingsError: two are called the same.
    """
    twice = repeated([_id_of(one) for one in webhooks])
    if twice is not None:
        raise SettingsError(
            f"{variable}: two webhooks have the same name, or the same url and channels ({twice})"
        )


def check_networks(
    variable: str, endpoints: Sequence[WebhookEndpoint], *, allowed: Sequence[Network]
) -> None:
    """Find out whether an address that stands in a URL may be called.

    Raises:
        SettingsError: it is private, and not allowed.
    """
    for one in endpoints:
        host = urlsplit(one.url).hostname or ""
        try:
            address = ip_address(host)
        except ValueError:
            continue
        if not is_allowed(address, allowed):
            raise SettingsError(
                f"{variable}: {one.shown_url} is no public address: allow its network with "
                "RIVER_WEBHOOK_NETWORKS if that is meant"
            )


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether requests may go to an address: a public one, or one of a network that is allowed."""
    address = _within(address)
    for network in allowed:
        if address.version == network.version and address in network:
            # A cloud's metadata may have an address in a private network.
            return address not in METADATA or network.num_addresses == 1
    if address in METADATA or any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast


def _within(address: Address) -> Address:
    """The IPv4 address that one of IPv6 leads to, if it does."""
    if not isinstance(address, IPv6Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def url_problem(url: str) -> str | None:
    """What is wrong with a URL, if anything."""
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
        parts = urlsplit("")
    if not is_web or not url.isascii() or not url.isprintable() or " " in url:
        return "url: not an http(s) URL"
    if parts.username or parts.password:
        return "url: has a user or password in it; the signature says who sends"
    if parts.fragment:
        return "url: has a fragment (#), which no server is sent"
    return None


def sign(secret: str, message_id: str, *, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature` (Standard Webhooks)."""
    text = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return "v1," + b64encode(hmac.digest(_key_of(secret), text, sha256)).decode()


def sign_for_pusher(secret: str, body: bytes) -> str:
    """The value of `X-Pusher-Signature`."""
    return hmac.digest(secret.encode(), body, sha256).hex()


def _key_of(secret: str) -> bytes:
    if secret.startswith(SECRET_PREFIX):
        return b64decode(secret[len(SECRET_PREFIX) :], validate=True)
    return secret.encode()


def _secret_problem(secret: str) -> str | None:
    try:
        key = _key_of(secret)
    except (binascii.Error, ValueError):
        return "secret: what follows whsec_ is not Base64"
    if len(key) < SECRET_BYTES_MIN:
        return f"secret: shorter than {SECRET_BYTES_MIN} bytes (try `openssl rand -hex 32`)"
    return None


def _id_of(webhook: Webhook | AppWebhook) -> str:
    if webhook.name is not None:
        return webhook.name
    return "wh_" + sha256(f"{webhook.url} {webhook.channels}".encode()).hexdigest()[:12]
