"""All settings: their types, their defaults, what each means."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, cast

import msgspec
from msgspec import Meta

from riverd.channels.names import NODE_NAME_LENGTH_MAX
from riverd.channels.rules import HISTORY_BYTES, HISTORY_BYTES_MAX
from riverd.model.webhook_events import WEBHOOK_BYTES_MAX
from riverd.service.setting_values import Texts

PREFIX = "RIVER_"
MEMORY = "memory://"

Port = Annotated[int, Meta(ge=0, le=65_535)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=100_000_000)]
ByteCount = Annotated[int, Meta(ge=1_024, le=1_000_000_000_000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings with their defaults. See `DESCRIPTIONS` for what each means."""

    secrets: Texts = ()
    secrets_from: str | None = None
    api_keys: Texts = ()
    api_keys_from: str | None = None
    read_keys: Texts = ()
    apps: str | None = None
    apps_from: str | None = None
    pusher_api_on_gateway: bool = False
    webhooks: str | None = None
    webhooks_from: str | None = None
    webhook_networks: Texts = ()
    webhook_max_bytes: Annotated[int, Meta(ge=1_048_576, le=1_099_511_627_776)] = WEBHOOK_BYTES_MAX
    secrets_refresh_s: Annotated[float, Meta(ge=0.1, le=86_400)] = 60
    jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_leeway_s: Annotated[float, Meta(ge=0, le=300)] = 5
    token_max_age_s: Annotated[float, Meta(ge=60, le=315_360_000)] = 2_592_000
    broker: str = MEMORY
    broker_password: str | None = None
    broker_password_from: str | None = None
    broker_ack: Literal["master", "replica"] = "master"
    broker_unsafe: bool = False
    host: str = "127.0.0.1"
    port: Port = 8000
    api_host: str = "127.0.0.1"
    api_port: Port = 8001
    auth_timeout_s: Seconds = 15
    ping_interval_s: Seconds = 25
    history_size: Annotated[int, Meta(ge=0, le=100_000)] = 100
    history_ttl_s: Annotated[float, Meta(ge=0, le=86_400)] = 300
    history_bytes: Annotated[int, Meta(ge=0, le=HISTORY_BYTES_MAX)] = HISTORY_BYTES
    channel_rules: str | None = None
    user_channels: bool = True
    allowed_origins: Texts = ("*",)
    events_query_token: bool = False
    leave_delay_s: Annotated[float, Meta(ge=0, le=60)] = 1
    max_connections: Count = 50_000
    max_unauthenticated: Count = 10_000
    max_guests: Count = 10_000
    trusted_proxies: Texts = ()
    max_connections_per_address: Count = 2_000
    max_unauthenticated_per_address: Count = 500
    connect_rate_per_address: Annotated[float, Meta(gt=0, le=1_000_000)] = 200
    max_message_bytes: Annotated[int, Meta(ge=256, le=16_777_216)] = 65_536
    max_channels_per_connection: Count = 100
    max_buffer_bytes: Annotated[int, Meta(ge=4_096, le=16_777_216)] = 65_536
    client_rate: Annotated[float, Meta(gt=0, le=1_000_000)] = 50
    max_connections_per_user: Count = 1_000
    max_channels_per_user: Count = 5_000
    user_rate: Annotated[float, Meta(gt=0, le=1_000_000)] = 500
    new_channels_rate: Annotated[float, Meta(gt=0, le=1_000_000)] = 1
    max_channels: Count = 100_000
    read_bytes_rate: ByteCount = 2_097_152
    fanout_bytes_rate: ByteCount = 16_777_216
    max_unauthenticated_bytes: ByteCount = 65_536
    session_history_bytes: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 16_777_216
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
    "apps": "Apps of the Pusher protocol, with their secrets: JSON, or @FILE. See docs/pusher.md.",
    "apps_from": "Where to read them instead, as RIVER_SECRETS_FROM.",
    "pusher_api_on_gateway": "true: the apps' HTTP API answers on the gateway's port too.",
    "webhooks": "Webhooks, with their secrets: JSON, or @FILE. See docs/webhooks.md.",
    "webhooks_from": "Where to read them instead, as RIVER_SECRETS_FROM.",
    "webhook_networks": "Networks that are not public and may be sent webhooks; private: all such.",
    "webhook_max_bytes": "Bytes that wait for one webhook; more of them are replaced by a reset.",
    "read_keys": "Keys that may look at everything and change nothing (GET), comma-separated.",
    "secrets_refresh_s": "How often what is read from elsewhere is read again.",
    "jwks_url": "Also accept RS256/ES256 tokens whose keys stand at this URL.",
    "jwt_issuer": "Tokens must come from this issuer (iss).",
    "jwt_audience": "Tokens must be for this audience (aud).",
    "jwt_leeway_s": "By how much clocks may differ: for nbf, iat and exp of tokens.",
    "token_max_age_s": "Tokens end at this age (iat); so long is a log-out everywhere remembered.",
    "broker": "The broker between publishers and gateways: memory:// (one process), redis://...",
    "broker_password": "The broker's password, where its URL has none.",
    "broker_password_from": "Where to read it instead, as RIVER_SECRETS_FROM.",
    "broker_ack": "Servers that must have a publication before the answer 200: master or replica.",
    "broker_unsafe": "true: publish also where a failover can lose what was accepted.",
    "host": "Address of the gateway.",
    "port": "Port of the gateway.",
    "api_host": "Address of the publish API.",
    "api_port": "Port of the publish API.",
    "auth_timeout_s": "A connection without a valid token is closed after this.",
    "ping_interval_s": "How often a connection is pinged; one that stays silent is closed.",
    "history_size": "How many publications every channel's log keeps.",
    "history_ttl_s": "How long every channel's log keeps them.",
    "history_bytes": "How many bytes of data and names of events every channel's log keeps.",
    "channel_rules": "Rules for channels by globs: JSON, or @FILE. See docs/channel-rules.md.",
    "user_channels": "Whether back ends can publish to users; false saves what each connect costs.",
    "allowed_origins": "Globs of the origins whose pages may connect, comma-separated.",
    "events_query_token": "Whether GET /events also takes its token from the URL, which logs keep.",
    "leave_delay_s": "How long a user who is gone stays a member: who returns has not left.",
    "max_connections": "Connections to one gateway process.",
    "max_unauthenticated": "Connections to one gateway process that have not sent a token yet.",
    "max_guests": "Connections to one gateway process that listen without a token.",
    "trusted_proxies": "Proxies in front whose X-Forwarded-For counts: addresses, or none.",
    "max_connections_per_address": "Connections of one IPv4 address or IPv6 network (/64).",
    "max_unauthenticated_per_address": "Connections of one address without a token yet.",
    "connect_rate_per_address": "New connections a second of one address, over ten seconds.",
    "max_message_bytes": "Size of one message, from a client or a publisher.",
    "max_channels_per_connection": "Channels that one connection may subscribe to.",
    "max_buffer_bytes": "Bytes that wait for one slow client before its cursors stand still.",
    "client_rate": "Messages a second that one client may send.",
    "max_connections_per_user": "Connections of one user, roughly over all gateways.",
    "max_channels_per_user": "Channels on all of these connections.",
    "user_rate": "Messages a second of one user to one gateway process.",
    "new_channels_rate": "Channels a second that a user may begin by publishing to them first.",
    "max_channels": "Channels on one gateway process.",
    "read_bytes_rate": "Bytes a second of histories and lists of members that a user is given.",
    "fanout_bytes_rate": "Bytes a second that others are sent for a user's publications.",
    "max_unauthenticated_bytes": "Bytes that a connection without a token may send in 25 seconds.",
    "session_history_bytes": "Bytes of session history that a gateway keeps; 0: none.",
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
            else str(value).lower()
            if isinstance(value, bool)
            else value
        )
        yield Setting(
            field,
            PREFIX + field.upper(),
            "--" + field.replace("_", "-"),
            f"{shown:g}" if isinstance(shown, float) else str(shown),
            DESCRIPTIONS[field],
        )


def named(settings: Settings, node: str) -> Settings:
    """The settings of a node of this name."""
    return msgspec.structs.replace(settings, node_name=node)
