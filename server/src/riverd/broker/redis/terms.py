"""This process's part in healing a Redis: in which term it is, and its signs of life."""

import asyncio
import math
import time
from collections.abc import Callable
from enum import Enum
from typing import cast

import msgspec

from riverd.broker.redis import keys
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import RedisConnection, Reply, fail
from riverd.broker.redis.history import ServerState
from riverd.broker.redis.homes import Home, TermEntry
from riverd.broker.redis.scripts import DataHistory, script
from riverd.broker.redis.stored import READING
from riverd.channels.rules import ChannelRules
from riverd.errors import BrokerError
from riverd.healing.process import BEAT_S, FAREWELL, GRACE_S, TURN_S, Beats, Healing
from riverd.healing.union import ABSENT_S, SILENT_S
from riverd.model.log import Message, Position
from riverd.scheduling.tasks import Tasks

BEAT_KEYS = keys.SIGNS, keys.TERM, keys.ANSWERED
SIGNS_MS = 60_000
LOOKED_S_MAX = 1.0
"""An outsider looks so often whether its term is over, where no connection says so."""
NUDGE_S = 0.3
KNOWN_S_MAX = 0.6
HEALED_S_MAX = 0.5
"""Who connects waits for so long: mostly nothing was lost, or nobody has anything of it."""


class Part(Enum):
    """Of a process in healing. Functions are outsiders."""

    NONE = "none"
    MEMBER = "member"
    OUTSIDER = "outsider"


class RedisTerms:
    """See `Terms`: this process's part in healing, and its signs of life.

    `revived` is called when this process publishes and delivers again; what was announced meanwhile
    is lost. An outsider gives no signs of life: where one publishes nothing can be restored.
    """

    def __init__(
        self,
        rules: ChannelRules,
        *,
        failed: Callable[[BaseException], None],
        key_ttl_s: int,
        is_outsider: bool,
        nudge: Callable[[], None],
    ) -> None:
        # Where functions publish nothing is certain: they wait for nobody.
        self.healing = Healing(time.monotonic, grace_s=0.0 if is_outsider else GRACE_S)
        self.entered = 0
        self.opened_at = 0.0
        """When the term of this process was opened, in unix seconds; 0 of the first one."""
        self.revived: Callable[[], None] = _nothing
        self._rules = rules
        self._tasks = Tasks(failed)
        self._key_ttl_s = key_ttl_s
        self._is_outsider = is_outsider
        self._nudge = nudge
        self._nudged_at = 0.0
        self._entry: TermEntry | None = None
        self._home: Home | None = None
        self._looked_at = -math.inf
        """When an outsider was last known to be in the open term."""
        self._reset: Callable[[], None] = _nothing
        self._server: Server | None = None
        self._offers_light = False
        """Whether the last attempt to heal ended with the connection, over an offer."""
        self._healed: asyncio.Future[None] | None = None
        """When what is lost is restored, while that is under way."""
        self._known: asyncio.Future[bool] | None = None
        """Whether others know of this process, when that has been found out."""
        self._is_living = False
        self._trouble = ""
        """Why the last sign of life came to nothing, if the broker did not answer it."""
        self._wanted = asyncio.Event()
        self._beats_wanted = 0

    @property
    def is_over(self) -> bool:
        """See `Terms`."""
        return self.healing.has_left

    @property
    def may_act(self) -> bool:
        """Whether this process may publish and deliver."""
        if not self._is_outsider:
            return self.healing.is_alive
        is_looked_for = self._home is not None and self._home.is_elsewhere
        return not is_looked_for or time.monotonic() - self._looked_at < LOOKED_S_MAX

    async def become_known(self) -> None:
        """Wait a little until this process may act.

        Raises:
            BrokerError: others do not know of it yet.
        """
        if self.may_act:
            return
        if self._known is None:
            self._known = asyncio.get_running_loop().create_future()
            self._tasks.start(self._find_out(self._known))
        if not await asyncio.shield(self._known):
            raise BrokerError(self._trouble or "other processes do not know of this one yet")

    async def _find_out(self, known: asyncio.Future[bool]) -> None:
        # Once for all that wait: a thousand publications are one sign of life.
        until = time.monotonic() + KNOWN_S_MAX
        try:
            while not self.may_act:
                if not await self._beat() or time.monotonic() > until:
                    break
                await asyncio.sleep(KNOWN_S_MAX / 20)
        finally:
            self._known = None
            known.set_result(self.may_act)

    def accepted(self, message: Message, position: Position, *, is_new: bool) -> None:
        """A message was answered."""
        acceptance = self.healing.acceptance
        acceptance.accepted(message, position, is_new=is_new, now=time.monotonic())

    def unanswered(self, message: Message, *, after: Position) -> None:
        """A message was not."""
        self.healing.acceptance.unanswered(message, after=after, now=time.monotonic())

    def read(self, channel: str, position: Position) -> None:
        """A log was read."""
        self.healing.acceptance.read(channel, position, now=time.monotonic())

    def accepts(self, history: DataHistory | None) -> bool:
        """Whether a feed is that of the server whose data this process is in."""
        return self._entry is None or history in self._entry.feeds

    def use(self, home: Home, reset: Callable[[], None]) -> None:
        """See `Terms`."""
        self._home, self._reset = home, reset

    def live(self, server: Server) -> None:
        """Give signs of life from the first connection on."""
        self._server = server

    def beat_soon(self) -> None:
        """Somebody waits to be seen: by one sign of life it is, and the next one says so."""
        self._beats_wanted = 2
        self._wanted.set()

    async def enter(self, connection: RedisConnection, state: ServerState) -> DataHistory:
        """See `Terms`."""
        assert self._home is not None, "there is a connection"
        entry = await self._home.entry(connection, state)
        if entry is None:
            await self._heal_a_little()
            entry = await self._home.entry(connection, state)
        if entry is None:
            raise BrokerError("what the broker has lost is being restored")
        history = entry.history
        if self._is_outsider:
            await self._be_known(connection)
            history = msgspec.structs.replace(history, others=history.others and ())
        former = self._entry
        if former is None or (entry.term, entry.feeds) != (former.term, former.feeds):
            self.entered += 1
            self.healing.enter(entry.term, entry.shards)
            # Connections to other servers are in the former one still.
            self._reset()
        self._entry, self.opened_at = entry, entry.opened_at
        if not (self._is_living or self._is_outsider):
            self._is_living = True
            self._tasks.start(self._live())
        return history

    async def close(self) -> None:
        """Bid farewell: nobody waits for this process any more, and no sign of life comes after."""
        await self._tasks.close()
        if self._is_living:
            sign = FAREWELL + self.healing.members.name
            await self._call_beat(sign, older_ms=int(ABSENT_S * 1000))

    # Signs of life.

    async def _live(self) -> None:
        while True:
            self._beats_wanted = max(0, self._beats_wanted - 1)
            done = await self._beat()
            if done and self._beats_wanted > 0:
                continue
            self._wanted.clear()
            wait_s = BEAT_S if done and self.healing.is_alive else TURN_S
            try:
                await asyncio.wait_for(self._wanted.wait(), wait_s)
            except TimeoutError:
                continue

    async def _beat(self) -> bool:
        asked_at, was_alive = time.monotonic(), self.healing.is_alive
        members = self.healing.members
        try:
            answer = await self._call_beat(members.sign)
            now, signs, term, outsiders, sign, answered = cast(
                "tuple[int, list[bytes], bytes | None, bytes, bytes, list[bytes]]", answer
            )
            with READING:
                at, answered_at = _times(signs), _times(answered)
                is_member = sign.decode() == members.name
        except BrokerError as error:
            self._trouble = str(error)
            return False
        self._trouble = ""
        is_same = term == self._term_name.encode()
        if not is_same or (self.healing.has_left and self._healed is None):
            # Somebody flushed the data, or opened it as another term; or it is no more this one's.
            self._reset()
            return False
        if self._is_outsider:
            self._looked_at = asked_at
            return True
        beats = Beats(float(now), at, answered_at, outsiders != b"0", is_member)
        members.took(beats, asked_at)
        if not self.healing.is_alive:
            self._ask_for_signs()
        elif not was_alive:
            self.revived()
        return True

    async def _call_beat(self, sign: str, *, older_ms: int = 0) -> Reply:
        assert self._server is not None, "it has been connected"
        members, silent_ms = self.healing.members, int(SILENT_S * 1000)
        answered_ms = int(members.answered_ms)
        arguments = (
            "" if self._is_outsider else sign,
            SIGNS_MS,
            older_ms,
            members.name,
            silent_ms,
            answered_ms,
            self._term_name,
        )
        return await self._server.call("beat", BEAT_KEYS, arguments=arguments)

    @property
    def _term_name(self) -> str:
        return "" if self._entry is None else self._entry.term.name

    def _ask_for_signs(self) -> None:
        now = time.monotonic()
        if now - self._nudged_at > NUDGE_S:
            self._nudged_at = now
            self._nudge()

    async def _be_known(self, connection: RedisConnection) -> None:
        """Wait until others know that somebody publishes who cannot be asked."""
        assert self._home is not None, "there is a connection"
        until = time.monotonic() + KNOWN_S_MAX
        while True:
            sign = ("", SIGNS_MS, 0, "", 0, 0, "")
            answer = await self._home.ask(
                connection, "EVAL", script("beat"), len(BEAT_KEYS), *BEAT_KEYS, *sign
            )
            now, signs, _, outsiders, *_ = cast(
                "tuple[int, list[bytes], object, bytes, object, object]", answer
            )
            with READING:
                ages_ms = [now - float(sign) for sign in signs[1::2]]
            if outsiders == b"2" or all(age >= ABSENT_S * 1000 for age in ages_ms):
                return
            if time.monotonic() > until:
                raise BrokerError("other processes do not know of this one yet")
            self._ask_for_signs()
            await asyncio.sleep(KNOWN_S_MAX / 20)

    # Healing.

    async def _heal_a_little(self) -> None:
        """Have it done, and wait for it if it is done soon.

        Raises:
            BrokerError: the server refuses it.
        """
        if self._healed is None:
            self._healed = asyncio.get_running_loop().create_future()
            self._tasks.start(self._heal(self._healed))
        healed = self._healed
        await asyncio.wait([healed], timeout=HEALED_S_MAX)
        if healed.done():
            healed.result()

    async def _heal(self, healed: asyncio.Future[None]) -> None:
        assert self._home is not None, "there is a connection that asked"
        # What is still under way to other servers is not answered: it is offered as such.
        self._reset()
        try:
            site = await self._home.site(
                rules=self._rules, key_ttl_s=self._key_ttl_s, is_light=self._offers_light
            )
            try:
                await self.healing.heal(site)
            finally:
                self._offers_light = site.is_offering
                site.close()
            self._wanted.set()
        except (BrokerError, TimeoutError) as error:
            # Who asks next finds the data closed, and it is tried again.
            fail(healed, error if isinstance(error, BrokerError) else BrokerError("no answer"))
        finally:
            if not healed.done():
                healed.set_result(None)
            self._healed = None


def _nothing() -> None:
    pass


def _times(pairs: list[bytes]) -> dict[str, float]:
    return {name.decode(): float(at) for name, at in zip(pairs[::2], pairs[1::2], strict=True)}
