"""A node's lease: while it is renewed, what the node has at the broker counts.

One node's members are removed by one of the others when its lease runs out. A node whose lease
ran out while it lived takes a new name: the old name's presence entries are cleared by another.
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from typing import cast

from riverd.broker.interface import REMAKING_S
from riverd.broker.redis import keys
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import Reply
from riverd.broker.redis.messages import member_body
from riverd.broker.redis.scripts import DataHistory
from riverd.broker.redis.stored import READING
from riverd.broker.redis.webhooks import RedisWebhooks
from riverd.errors import BrokerError
from riverd.model.log import Member
from riverd.scheduling.portions import portions
from riverd.scheduling.tasks import Tasks

LEASE_MS = 5_000
RENEW_S = 1.2
CLAIM_MS = 5_000
FORMER_MS = 30_000
"""For how long a node has time to make its entries under another name, before others clear up."""
COUNTS_MS = 2 * LEASE_MS
CLOCK_MS_MAX = 2_000
"""The most by which one renewal moves the leases' clock: longer than between two renewals."""
CLEARED_AT_ONCE = 200
CHANNELS_AT_ONCE = 64
CHANNELS_TTL_S = 86_400


class NodeName:
    """A node's name at the broker until its lease is lost, and where it has presence entries.

    Which channels these are is noted at the broker too, before the first entry is made: the node
    that clears up looks there.
    """

    def __init__(self) -> None:
        self.text = secrets.token_hex(8)
        self.channels: set[str] = set()
        self.renewed = False
        self.joining: Counter[str] = Counter()
        """By channel, how many presence entries are being made at this moment."""
        self.noted_by: DataHistory | None = None
        """The history of the server that has the notes."""


class Lease:
    """One node's name at the broker, its presence entries, and its share in clearing others'."""

    def __init__(
        self,
        server: Server,
        feed_name: Callable[[str], str],
        announce: str,
        *,
        lost: Callable[[], None],
        failed: Callable[[BaseException], None],
        webhooks: RedisWebhooks,
    ) -> None:
        self._name = NodeName()
        self._first_name = self._name.text
        self._server = server
        self._feed_name = feed_name
        self._announce = announce
        self._lost = lost
        self._webhooks = webhooks
        self._failed = failed
        self._tasks = Tasks(failed)
        self._tried = asyncio.Event()
        self._renewing = asyncio.Lock()
        self._asked: asyncio.Future[bool] | None = None
        """A renewal that those who join wait for."""
        self._former: list[NodeName] = []
        self._makes_entries_again = False
        """Whether what is under a former name is not under the new one yet."""
        self._clearing: set[str] = set()

    @property
    def node(self) -> str:
        """The name that the node has now."""
        return self._name.text

    async def start(self) -> None:
        """Take the lease, and renew it until `close`. Returns after the first attempt."""
        self._tasks.start(self._renew_always())
        await self._tried.wait()

    async def close(self) -> None:
        """Remove everything at once, so that nobody has to wait for the lease's end."""
        await self._tasks.close()
        if self._asked is not None:
            self._asked.cancel()
        try:
            for name in (*self._former, self._name):
                await self._clear_name(name)
            # Others need not wait for entries of this one.
            await self.remaking(here=False)
        except BrokerError:
            # The broker is away: the lease runs out instead.
            return

    async def join(self, channel: str, member: Member, *, limit: int | None = None) -> Reply:
        """Make a presence entry. Gives the version of the list that has the user, b"" if full."""
        # The node may have another name after any await: all of this is under one.
        name = await self._known_name()
        name.joining[channel] += 1
        try:
            if channel not in name.channels:
                await self._note(name, (channel,))
                name.channels.add(channel)
            return await self._webhooks.change(
                "join",
                (*keys.member_keys(channel), keys.node_entries(channel, name.text)),
                channel=channel,
                arguments=(
                    secrets.token_hex(4),
                    member.user,
                    member_body(member),
                    self._feed_name(channel),
                    self._announce,
                    name.text,
                    "" if limit is None else limit,
                ),
            )
        finally:
            # Of this one alone: to look at all of them would make a crowd's cost its square.
            name.joining[channel] -= 1
            if not name.joining[channel]:
                del name.joining[channel]

    async def _known_name(self) -> NodeName:
        """The node's name, once the data of now has its lease: by that its entries are found."""
        while not self._is_known(self._name):
            if self._asked is None or self._asked.done():
                self._asked = asyncio.ensure_future(self._renew())
            await asyncio.shield(self._asked)
        return self._name

    def _is_known(self, name: NodeName) -> bool:
        history = self._server.history(keys.node_channels(name.text))
        return history is not None and history == name.noted_by

    async def leave(self, channel: str, user: str) -> None:
        """Remove a presence entry."""
        name = self._name
        left = await self._webhooks.change(
            "leave",
            (*keys.member_keys(channel), keys.node_entries(channel, name.text)),
            channel=channel,
            arguments=(
                secrets.token_hex(4),
                user,
                self._feed_name(channel),
                self._announce,
                name.text,
            ),
        )
        if left == 0 and channel in name.channels and not name.joining[channel]:
            # Who joins from now on notes the channel again, after this.
            name.channels.discard(channel)
            await self._server.commands([("SREM", keys.node_channels(name.text), channel)])

    async def remaking(self, *, here: bool) -> bool:
        """Note whether the node makes its entries again, whatever its name; whether others do."""
        self._makes_entries_again = here
        arguments = (self._first_name, "1" if here else "0", int(REMAKING_S * 1000))
        others = await self._server.call("remaking", (keys.REMAKING,), arguments=arguments)
        return others != 0

    async def _note(self, name: NodeName, channels: Iterable[str]) -> None:
        async for some in portions(list(channels)):
            noted_names = keys.node_channels(name.text)
            await self._server.commands(
                [("SADD", noted_names, *some), ("EXPIRE", noted_names, CHANNELS_TTL_S)]
            )

    async def _renew_always(self) -> None:
        while True:
            try:
                while await self._renew():
                    # There may be more nodes to clear up after.
                    continue
                await self._clear_former()
            except BrokerError:
                # The lease may run out over this: then the node takes a new name.
                pass
            except Exception as error:  # noqa: BLE001  whatever it is, a node without a lease is none
                self._failed(error)
            self._tried.set()
            await asyncio.sleep(RENEW_S)

    async def _renew(self) -> bool:
        """Renew the lease, or take another name. Whether there was a node to clear up after."""
        async with self._renewing:
            return await self._renew_now()

    async def _renew_now(self) -> bool:
        name = self._name
        answer = await self._server.call(
            "renew",
            (keys.NODES, keys.CLAIMS),
            arguments=(
                name.text,
                LEASE_MS,
                CLAIM_MS,
                "old" if name.renewed else "new",
                CLOCK_MS_MAX,
                FORMER_MS,
            ),
        )
        kept, over = cast("tuple[int, bytes]", answer)
        if not kept:
            self._former.append(name)
            self._name = NodeName()
            self._makes_entries_again = True
            self._lost()
            is_over = await self._renew_now()
            with contextlib.suppress(BrokerError):
                # Where its entries are may be lost as well: others look there if this node dies.
                await self._note(name, name.channels)
                # They would count twice, until they end.
                await self._server.commands(
                    [("DEL", keys.counts(name.text)), ("DEL", keys.user_counts(name.text))]
                )
            return is_over
        name.renewed = True
        if over:
            with READING:
                node = over.decode()
            if node not in self._clearing:
                self._clear_soon(node)
        await self._server.commands(
            [
                ("PEXPIRE", keys.counts(name.text), COUNTS_MS),
                ("PEXPIRE", keys.user_counts(name.text), COUNTS_MS),
                ("EXPIRE", keys.node_channels(name.text), CHANNELS_TTL_S),
            ]
        )
        await self._keep_notes(name)
        return bool(over)

    async def _keep_notes(self, name: NodeName) -> None:
        """Write the notes again where some of them may have been lost."""
        history = self._server.history(keys.node_channels(name.text))
        if history != name.noted_by and name.channels:
            await self._note(name, name.channels)
        name.noted_by = history

    async def _clear_former(self) -> None:
        """Remove what is under a name that was lost: others have cleared up after it before.

        Or the lease alone was lost, with a server of a cluster: then each entry is removed once it
        is made under the new name, so that nobody leaves.
        """
        if self._makes_entries_again:
            return
        for name in list(self._former):
            if not name.joining:
                await self._clear_name(name)
                self._former.remove(name)

    async def _clear_name(self, name: NodeName) -> None:
        if name.channels:
            await self._note(name, name.channels)
        await self._clear(name.text)

    def _clear_soon(self, node: str) -> None:
        self._clearing.add(node)
        self._tasks.start(self._clear_other(node))

    async def _clear_other(self, node: str) -> None:
        try:
            await self._clear(node)
        except BrokerError:
            # The claim runs out, and somebody goes on.
            return
        finally:
            self._clearing.discard(node)

    async def _clear(self, node: str) -> None:
        """Remove all presence entries of a node, announce each leave, and forget the node."""
        upto = b"0"
        while True:
            scan = ("SSCAN", keys.node_channels(node), upto, "COUNT", CHANNELS_AT_ONCE)
            [found] = await self._server.commands([scan])
            upto, noted = cast("tuple[bytes, list[bytes]]", found)
            async for some in portions(noted, CHANNELS_AT_ONCE):
                with READING:
                    channels = [name.decode() for name in some]
                await asyncio.gather(*[self._clear_channel(node, one) for one in channels])
            if upto == b"0":
                break
        await self._webhooks.clear(node)
        await self._server.commands(
            [
                ("DEL", keys.node_channels(node)),
                ("DEL", keys.counts(node)),
                ("DEL", keys.user_counts(node)),
                ("ZREM", keys.NODES, node),
                ("HDEL", keys.CLAIMS, node),
            ]
        )

    async def _clear_channel(self, node: str, channel: str) -> None:
        names = (*keys.member_keys(channel), keys.node_entries(channel, node))
        feed_name, upto = self._feed_name(channel), b"0"
        while True:
            # In portions: the others' calls go in between.
            arguments = (
                secrets.token_hex(4),
                CLEARED_AT_ONCE,
                feed_name,
                self._announce,
                upto,
                node,
            )
            answer = await self._webhooks.change(
                "clear", names, channel=channel, arguments=arguments
            )
            upto = cast("bytes", answer)
            if upto == b"0":
                return
