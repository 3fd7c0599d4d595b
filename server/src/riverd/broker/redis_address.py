"""Where a Redis or Valkey is: one URL for one server, a Sentinel's master, or a cluster."""

import ssl
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from riverd.errors import SettingsError

PORT = 6379
SENTINEL_PORT = 26379
SCHEMES = (
    "redis",
    "rediss",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)


class RedisAddress(msgspec.Struct, frozen=True):
    """A parsed RIVER_BROKER. `service` is the master's name at the Sentinels."""

    hosts: tuple[tuple[str, int], ...]
    username: str | None = None
    password: str | None = None
    database: int = 0
    tls: bool = False
    service: str | None = None
    cluster: bool = False
    ca_file: str | None = None
    sentinel_password: str | None = None

    def ssl_context(self) -> ssl.SSLContext | None:
        """What verifies the server, when TLS is wanted."""
        return ssl.create_default_context(cafile=self.ca_file) if self.tls else None


def parse(url: str) -> RedisAddress:
    """The address in a URL; several hosts are separated by commas.

    `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS (`?ca_file=` for an own
    authority), `redis+sentinel://host,host/service[/database]`, `redis+cluster://host,host`.

    Raises:
        SettingsError: it names RIVER_BROKER and never the password.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES:
        known = ", ".join(f"{one}://" for one in ("memory", *SCHEMES))
        raise SettingsError(f"RIVER_BROKER: unknown scheme {scheme!r}; known: {known}")
    kind = scheme.partition("+")[2]
    credentials, _, places = rest.partition("?")[0].rpartition("@")
    hosts, _, path = places.partition("/")
    username, _, password = credentials.partition(":")
    parts = path.split("/") if path else []
    service = parts.pop(0) if kind == "sentinel" and parts else None
    if kind == "sentinel" and not service:
        raise SettingsError("RIVER_BROKER: redis+sentinel://HOSTS/SERVICE needs the service's name")
    options = parse_qs(urlsplit(f"//{rest}").query)
    return RedisAddress(
        hosts=tuple(
            _host(one, SENTINEL_PORT if kind == "sentinel" else PORT) for one in hosts.split(",")
        ),
        username=unquote(username) or None,
        password=unquote(password) or None,
        database=_database(parts),
        tls=scheme.startswith("rediss"),
        service=service,
        cluster=kind == "cluster",
        ca_file=options["ca_file"][0] if "ca_file" in options else None,
    )


def _host(text: str, default: int) -> tuple[str, int]:
    try:
        parsed = urlsplit(f"//{text}")
        if not parsed.hostname:
            raise ValueError
        return parsed.hostname, parsed.port or default
    except ValueError:
        raise SettingsError("RIVER_BROKER: a host is missing or its port is no number") from None


def _database(parts: list[str]) -> int:
    if not parts or not parts[0]:
        return 0
    if len(parts) > 1 or not parts[0].isdigit():
        raise SettingsError("RIVER_BROKER: the path is a database's number")
    return int(parts[0])
