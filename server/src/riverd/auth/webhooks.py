"""Webhooks as RIVER_WEBHOOKS names them, and their signatures.

Requests are signed as Standard Webhooks has it: HMAC-SHA256 of `ID.TIMESTAMP.BODY`.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from riverd.errors import SettingsError
from riverd.http.proxies import Address, Network
from riverd.webhook_events import Interest, WebhookKind

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
METADATA = ip_address("fd00:ec2::254")
SECRET_PREFIX = "whsec_"  # noqa: S105  how secrets of Standard Webhooks begin
SECRET_BYTES_MIN = 24

_Url = Annotated[str, Meta(min_length=1, max_length=URL_LENGTH_MAX)]


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
    channels: Annotated[str, Meta(min_length=1, max_length=200)] = "*"
    name: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.-]{1,64}\Z")] | None = None


class WebhookEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a webhook's events go, and in which form. `secrets`: the first signs."""

    id: str
    url: str
    interest: Interest
    secrets: tuple[str, ...]

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
    try:
        found = _decode(text)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{variable}: {error}{_kinds_for(error)}") from None
    except RecursionError:
        raise SettingsError(f"{variable}: nested too deeply") from None
    if len(found) > WEBHOOKS_MAX:
        raise SettingsError(f"{variable}: more than {WEBHOOKS_MAX} webhooks")
    for number, one in enumerate(found, 1):
        problem = url_problem(one.url) or _secret_problem(one.secret)
        if problem is not None:
            raise SettingsError(f"{variable}: webhook {number}: {problem}")
    ids = [_id_of(one) for one in found]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        raise SettingsError(
            f"{variable}: two webhooks have the same name, or the same url and channels ({twice})"
        )
    return found


def endpoints_of(webhooks: Iterable[Webhook]) -> list[WebhookEndpoint]:
    """Where River's own webhooks go."""
    return [
        WebhookEndpoint(
            id=_id_of(one),
            url=one.url,
            interest=Interest(
                webhook=_id_of(one), events=tuple(sorted(set(one.events))), channels=one.channels
            ),
            secrets=(one.secret,),
        )
        for one in webhooks
    ]


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
            # A cloud's metadata has an address in a private network.
            return address != METADATA or network.num_addresses == 1
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


def _id_of(webhook: Webhook) -> str:
    if webhook.name is not None:
        return webhook.name
    return "wh_" + sha256(f"{webhook.url} {webhook.channels}".encode()).hexdigest()[:12]


def _kinds_for(error: Exception) -> str:
    return f"; events are {', '.join(WebhookKind)}" if "events" in str(error) else ""
