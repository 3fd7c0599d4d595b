"""Where the term of some data is kept, and what it says of a server."""

from typing import Protocol, cast

import msgspec

from riverd.broker.redis import keys
from riverd.broker.redis.connection import Argument, OpenConnection, RedisConnection, Reply
from riverd.broker.redis.healing import RedisSite, history_name, term_text
from riverd.broker.redis.history import ServerState, state_of
from riverd.broker.redis.scripts import DataHistory
from riverd.broker.redis.stored import READING
from riverd.channels.rules import ChannelRules
from riverd.healing.process import Healing, Term
from riverd.healing.shards import Shards

SILENCE_S_MAX = 2.0


class TermEntry(msgspec.Struct, frozen=True):
    """An open term, and as what a server is in it.

    `history` is the server's, with the term since which its logs count; `feeds` are the histories
    of all servers whose announcements are of this term.
    """

    term: Term
    opened_at: float
    """In unix seconds; 0 of the first term."""
    history: DataHistory
    feeds: frozenset[DataHistory]
    shards: Shards = ()
    """Of a cluster."""


class Home(Protocol):
    """Where a term is kept. Every method raises `BrokerError`."""

    is_elsewhere: bool
    """Whether connections do not find out by themselves that the term is over."""

    async def entry(self, connection: RedisConnection, state: ServerState) -> TermEntry | None:
        """The open term for a process that has connected to a server; None if it is not open."""
        ...

    async def ask(self, connection: RedisConnection, *command: Argument) -> Reply:
        """Ask where the term is; `connection` is to some server of the data."""
        ...

    async def site(self, *, rules: ChannelRules, key_ttl_s: int, is_light: bool) -> RedisSite:
        """Connect to what is to be healed; who asks closes it."""
        ...


class ServerHome:
    """One server: it has the term of its own data."""

    is_elsewhere = False

    def __init__(self, healing: Healing, open_connection: OpenConnection) -> None:
        self._healing = healing
        self._open = open_connection

    async def entry(self, connection: RedisConnection, state: ServerState) -> TermEntry | None:
        """Asks on the process's own connection."""
        name, number, text, opened_ms = cast(
            "list[bytes | None]", await connection.ask("HMGET", keys.TERM, "h", "n", "t", "at")
        )
        known = history_name(state.history).encode()
        if name != known or number is None or text is None:
            return None
        with READING:
            term, opened_at = Term(int(number), text.decode()), int(opened_ms or 0) / 1000
        if term.number < self._healing.least or self._healing.is_rival(term):
            return None
        return TermEntry(
            term,
            opened_at if term.number > 1 else 0.0,
            msgspec.structs.replace(state.history, term=term_text(term)),
            frozenset((state.history,)),
        )

    async def ask(self, connection: RedisConnection, *command: Argument) -> Reply:
        """Over the same connection."""
        return await connection.ask(*command)

    async def site(self, *, rules: ChannelRules, key_ttl_s: int, is_light: bool) -> RedisSite:
        """Over a connection of its own."""
        connection = await self._open(lambda: RedisConnection(SILENCE_S_MAX))
        try:
            state = await state_of(connection)
            site = RedisSite(connection, state, rules=rules, key_ttl_s=key_ttl_s, is_light=is_light)
            await site.begin()
        except BaseException:
            connection.drop()
            raise
        return site
