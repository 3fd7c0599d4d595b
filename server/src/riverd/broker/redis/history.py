"""Which history of its data a server has, and whether it may be written to."""

import re
from typing import cast

import msgspec

from riverd.broker.redis.connection import RedisConnection, Reply, checked
from riverd.broker.redis.scripts import DataHistory
from riverd.broker.redis.stored import READING
from riverd.errors import BrokerError
from riverd.model.log import NOWHERE, Position

_FIELD = re.compile(
    rb"^(run_id|role|master_replid|connected_slaves|min_slaves_good_slaves|cluster_enabled"
    rb"|maxmemory|maxmemory_policy|used_memory|total_system_memory|uptime_in_seconds"
    rb"|loading):([\w-]+)",
    re.MULTILINE,
)

KEEPS_ALL = "noeviction"


class ServerState(msgspec.Struct, frozen=True):
    """What a server says of itself.

    `keeps_replicas` says whether it refuses writes without replicas that have the last ones
    (min-replicas-to-write).
    """

    history: DataHistory
    is_master: bool
    has_replicas: bool
    keeps_replicas: bool
    is_clustered: bool
    uptime_s: int = 0
    free_bytes: int | None = None
    """How much more it may keep; None if it does not say."""
    evicts_by: str = ""
    """Its policy, if it drops logs instead of refusing writes when it is full."""


async def state_of(connection: RedisConnection) -> ServerState:
    """Ask a server. See `state_in` for what is raised."""
    return state_in(await connection.ask("INFO"))


def state_in(answer: Reply) -> ServerState:
    """What an answer to INFO says.

    Raises:
        BrokerError: when the server is no master, loads its data still, or does not say which
            history it has.
    """
    info: dict[bytes, bytes] = dict(_FIELD.findall(cast("bytes", checked(answer))))

    def text(name: bytes) -> str:
        return info.get(name, b"").decode()

    if text(b"loading") == "1":
        raise BrokerError("the server loads its data")
    policy = text(b"maxmemory_policy")
    bytes_max = int(text(b"maxmemory") or 0) or int(text(b"total_system_memory") or 0)
    state = ServerState(
        history=DataHistory(text(b"run_id"), text(b"master_replid")),
        is_master=text(b"role") == "master",
        has_replicas=text(b"connected_slaves") not in ("", "0"),
        keeps_replicas=text(b"min_slaves_good_slaves") != "",
        is_clustered=text(b"cluster_enabled") == "1",
        uptime_s=int(text(b"uptime_in_seconds") or 0),
        free_bytes=max(0, bytes_max - int(text(b"used_memory") or 0)) if bytes_max else None,
        evicts_by="" if policy == KEEPS_ALL else policy,
    )
    if not state.history.is_named:
        raise BrokerError("the server does not say which run and history it has")
    if not state.is_master:
        raise BrokerError("the server is a replica, which takes no publications")
    return state


def position_in(values: list[bytes | None], history: DataHistory | None) -> Position:
    """A position as it is kept; one of another history is none in any log that is known."""
    epoch, offset, run_id, replication_id, term = values
    if history is None or epoch is None or offset is None or run_id is None:
        return NOWHERE
    mark = None if replication_id is None else replication_id.decode()
    if not history.counts(run_id.decode(), mark, term=None if term is None else term.decode()):
        return NOWHERE
    return Position(epoch.decode(), int(offset))


def term_in(answer: Reply) -> str:
    """The term that data was opened as, of its number and name."""
    number, name = cast("list[bytes | None]", checked(answer))
    with READING:
        return f"{(number or b'').decode()}.{(name or b'').decode()}"
