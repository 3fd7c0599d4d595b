"""Where a Redis or Valkey is: one URL for one server, a Sentinel's master, or a cluster."""

import re
import ssl
from urllib.parse import parse_qsl, unquote, urlsplit

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
OPTIONS = frozenset({"ca_file", "sentinel_password"})
_DATABASE = re.compile(r"[0-9]{1,9}")


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
    unsafe: bool = False
    """Write also where a failover can lose what was accepted."""
    ack_replica: bool = False
    """Wait for a replica with each publication."""

    def ssl_context(self) -> ssl.SSLContext | None:
        """What verifies the server, when TLS is wanted.

        Raises:
            SettingsError: when the authority's file cannot be used.
        """
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise SettingsError(f"RIVER_BROKER: ca_file={self.ca_file}: {error.strerror}") from None


def parse(url: str) -> RedisAddress:
    """The address in a URL; several hosts are separated by commas.

    `redis://[[user]:password@]host[:port][/database]`, `rediss://` with TLS (`?ca_file=` for an own
    authority), `redis+sentinel://host,host/service[/database]` (`?sentinel_password=` if they want
    one), `redis+cluster://host,host`.

    Raises:
        SettingsError: it names RIVER_BROKER and never the password.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES:
        # What stands there is not shown: without its scheme, a URL begins with the password.
        known = ", ".join(f"{one}://" for one in ("memory", *SCHEMES))
        raise SettingsError(f"RIVER_BROKER: unknown scheme; known: {known}")
    kind = scheme.partition("+")[2]
    location, _, query = rest.partition("?")
    credentials, _, owners = location.rpartition("@")
    username, _, password = credentials.partition(":")
    names, _, path = owners.partition("/")
    parts = path.split("/") if path else []
    service = parts.pop(0) if kind == "sentinel" and parts else None
    if kind == "sentinel" and not service:
        raise SettingsError("RIVER_BROKER: redis+sentinel://HOSTS/SERVICE needs the service's name")
    default = SENTINEL_PORT if kind == "sentinel" else PORT
    hosts = tuple(_host(one, default) for one in names.split(","))
    if not kind and len(hosts) > 1:
        raise SettingsError(
            "RIVER_BROKER: several hosts are a redis+sentinel:// or a redis+cluster://"
        )
    options = _options(query)
    return RedisAddress(
        hosts=hosts,
        username=unquote(username) or None,
        password=unquote(password) or None,
        database=_database(parts, only_one=kind == "cluster"),
        tls=scheme.startswith("rediss"),
        service=service,
        cluster=kind == "cluster",
        ca_file=options.get("ca_file"),
        sentinel_password=options.get("sentinel_password"),
    )


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    unknown = ", ".join(sorted(options.keys() - OPTIONS))
    if unknown:
        known = ", ".join(sorted(OPTIONS))
        raise SettingsError(f"RIVER_BROKER: unknown option {unknown}; known: {known}")
    return options


def _host(text: str, default: int) -> tuple[str, int]:
    try:
        parsed = urlsplit(f"//{text}")
        if not parsed.hostname or " " in parsed.hostname or parsed.port == 0:
            raise ValueError
        return parsed.hostname, parsed.port or default
    except ValueError:
        raise SettingsError(
            "RIVER_BROKER: a host is missing, or its port is no number from 1 to 65,535"
        ) from None


def _database(parts: list[str], *, only_one: bool) -> int:
    if not parts or not parts[0]:
        return 0
    if len(parts) > 1 or _DATABASE.fullmatch(parts[0]) is None:
        raise SettingsError("RIVER_BROKER: the path is a database's number")
    if only_one and int(parts[0]):
        raise SettingsError("RIVER_BROKER: a cluster has no other database than 0")
    return int(parts[0])
