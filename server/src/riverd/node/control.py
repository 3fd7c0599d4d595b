"""A node's replica of the control log: obeys each order once, and knows whom to refuse.

    state       | position | left by
    ------------+----------+----------------------------------------------------------------------
    unloaded    | None     | listening, read where the log stands, read what is in force: confirmed
    confirmed   | set      | `UNCONFIRMED_S_MAX` without an answer of the broker, or its data has
                |          | another history: unconfirmed
    unconfirmed | set      | an answer, and what was ordered meanwhile was read: confirmed. The
                |          | log has another epoch: begun again. It no longer reaches back: lost
    begun again | set      | the broker lost the log. Its new one is read from the beginning, and
                |          | given the orders and the revocations that only this node has: confirmed
    lost        | set      | orders may have been missed: what is in force was read again, and
                |          | clients are moved: confirmed

While a node is not confirmed it takes no token: the user may have been refused meanwhile.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import sha256
from itertools import count

import msgspec

from riverd.auth.revocations import Revocations
from riverd.broker import Broker
from riverd.channels.names import CONTROL
from riverd.core.session import Session
from riverd.errors import BrokerError, ErrorCode, RiverError
from riverd.model.log import Position, Publication
from riverd.model.orders import Order, OrderKind, Standing, StandingKind, order_of
from riverd.scheduling.portions import portions
from riverd.scheduling.tasks import Tasks

CONFIRM_S = 1.0
UNCONFIRMED_S_MAX = 5.0
PORTION = 1_000
EPOCHS_MAX = 100
RECENT_MAX = 1_000
"""Orders that are kept to be given back to a broker that lost them."""


class ControlListener(msgspec.Struct, frozen=True):
    """Who carries out what a replica of the control log finds.

    Args:
        obey: carries out an order, and says how many connections it reached. Its second argument
            says whether the order came after a session was authenticated.
        confirmed: the replica is confirmed now.
        reloaded: whom to refuse was read again; with True orders may have been missed.
    """

    obey: Callable[[Order, Callable[[Session], bool]], int]
    confirmed: Callable[[], None]
    reloaded: Callable[[bool], None]


class Control:
    """See the table above."""

    def __init__(
        self,
        broker: Broker,
        listener: ControlListener,
        *,
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self.name = ""
        """What the node is called, for back ends."""
        self._epochs: dict[str, int] = {}
        """The logs that this node has followed, numbered in their order."""
        self.position: Position | None = None
        """Up to where orders were obeyed."""
        self.confirmed_until = -math.inf
        """No order can have been missed for longer than `UNCONFIRMED_S_MAX`, up to this time.

        As long as the broker's data has the history in which it was found out.
        """
        self._confirmed_in = broker.term
        self.revocations = Revocations()
        self._broker = broker
        self._listener = listener
        self._tasks = tasks
        self._clock = clock
        self._numbers = count()
        self._recent: OrderedDict[str, tuple[Order, Position]] = OrderedDict()
        """The latest orders, each with its position in the last log that is known to have it."""
        self._is_subscribed = False
        self._loads_wanted = 1
        self._loads_done = 0
        self._has_lost = False
        self._asked = False
        self._running = False

    async def start(self) -> None:
        """Confirm once, if the broker is there, and then again and again."""
        self._asked = self._running = True
        await self._confirm_while_asked()
        self._tasks.start(self._confirm_always())

    def _move_to(self, position: Position) -> None:
        self.position = position
        if position.epoch not in self._epochs:
            self._epochs[position.epoch] = next(self._numbers)
            if len(self._epochs) > EPOCHS_MAX:
                del self._epochs[next(iter(self._epochs))]

    @property
    def is_confirmed(self) -> bool:
        """Whether tokens may be taken: see `confirmed_until`."""
        is_late = self._clock() > self.confirmed_until
        # A master that was replaced goes on answering: of its successor's orders it knows nothing.
        return not is_late and self._broker.term == self._confirmed_in

    def confirm_soon(self) -> None:
        """Compare with the broker now: something may have been missed."""
        self._asked = True
        if not self._running:
            self._running = True
            self._tasks.start(self._confirm_while_asked())

    def on_publication(self, epoch: str, publication: Publication) -> None:
        """Obey an order that the feed brings, if no other is missing before it."""
        if self.position is None or self._has(Position(epoch, publication.offset)):
            return
        if self._is_next(epoch, publication):
            order, reached = self._take(epoch, publication)
            if order is not None:
                self._tasks.start(self.answer(order.id, b"%d" % reached))
        else:
            self.confirm_soon()

    def _is_next(self, epoch: str, publication: Publication) -> bool:
        position = self.position
        assert position is not None, "it was read before"
        return epoch == position.epoch and publication.offset == position.offset + 1

    # Obeying.

    def _take(self, epoch: str, publication: Publication) -> tuple[Order | None, int]:
        position = Position(epoch, publication.offset)
        self._move_to(position)
        order = order_of(publication.data)
        if order is None:
            return None, 0
        is_known = order.id in self._recent
        self._recent[order.id] = (order, position)
        if len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)
        if is_known:
            return None, 0
        if order.kind is OrderKind.RELOAD:
            self._loads_wanted += 1
            self.confirm_soon()
            return None, 0
        standing = order.standing()
        if standing is not None and order.was is None:
            self.revocations.take(standing)
        return order, self._listener.obey(
            order, partial(self._comes_after, order, position=position)
        )

    def _comes_after(self, order: Order, session: Session, *, position: Position) -> bool:
        """Whether an order was given after a session was authenticated: the log's positions say so.

        One that was given back after the broker had lost it was given where it was first.
        """
        since = session.ordered_at
        if since is None:
            return True
        given = position if order.was is None else order.was
        if given.epoch == since.epoch:
            return since.offset < given.offset
        given_in = self._epochs.get(given.epoch)
        if given_in is None:
            # In a log that only others have followed, before or since: the clocks have to do.
            return order.at >= session.authenticated_at - UNCONFIRMED_S_MAX
        return self._epochs.get(since.epoch, -1) < given_in

    async def answer(self, asked: str, body: bytes) -> None:
        """Answer an order or a question, once: who waits for it waits only a little."""
        with suppress(RiverError):
            await self._broker.control.answer(asked, body)

    async def age_s(self, channel: str, offset: int) -> float | None:
        """For how long the broker has had a publication, if it still has it."""
        return await self._broker.control.age_s(channel, offset)

    # Confirming.

    async def _confirm_always(self) -> None:
        while True:
            await asyncio.sleep(CONFIRM_S)
            self.confirm_soon()

    async def _confirm_while_asked(self) -> None:
        try:
            while self._asked:
                self._asked = False
                # That the broker is away is reported by who watches it.
                with suppress(RiverError):
                    await self._confirm()
        finally:
            self._running = False

    async def _confirm(self) -> None:
        asked_at = self._clock()
        await self._broker.control.register(self.name)
        term = self._broker.term
        if not self._is_subscribed:
            await self._broker.subscribe(CONTROL)
            self._is_subscribed = True
        if self.position is None:
            # Read after subscribing: what is ordered between the two comes by both ways.
            self._move_to(await self._newest())
        else:
            [(newest, _)] = await self._broker.positions([CONTROL])
            if not self._has(newest):
                await self._catch_up()
        if self._loads_done != self._loads_wanted:
            await self._load()
        self.confirmed_until, self._confirmed_in = asked_at + UNCONFIRMED_S_MAX, term
        self._listener.confirmed()

    async def _newest(self) -> Position:
        return (await self._broker.read(CONTROL, limit=1, keep=True)).position

    def _has(self, newest: Position) -> bool:
        position = self.position
        assert position is not None, "it was read before"
        return position.epoch == newest.epoch and position.offset >= newest.offset

    async def _catch_up(self) -> None:
        """Read what was ordered since, in portions."""
        while True:
            position = self.position
            try:
                tail = await self._broker.read(CONTROL, after=position, limit=PORTION, keep=True)
            except RiverError as error:
                if error.error is not ErrorCode.UNRECOVERABLE:
                    raise
                await self._begin_again()
                continue
            for publication in tail.publications:
                # The feed may have brought some of them meanwhile.
                if self._is_next(tail.position.epoch, publication):
                    self._take(tail.position.epoch, publication)
            if self._has(tail.position):
                return
            if self.position == position:
                raise BrokerError("the control log has a hole")

    async def _begin_again(self) -> None:
        """The log does not continue where we are: find out whether orders may have been missed."""
        position, newest = self.position, await self._newest()
        self._loads_wanted += 1
        if position is not None and position.epoch != newest.epoch:
            # Whatever it was that the broker lost: the new log is read from its beginning.
            self._move_to(Position(newest.epoch, 0))
            if await self._reaches_its_beginning(newest):
                return
        self._move_to(newest)
        self._has_lost = True

    async def _reaches_its_beginning(self, newest: Position) -> bool:
        try:
            await self._broker.read(CONTROL, after=Position(newest.epoch, 0), limit=1, keep=True)
        except RiverError as error:
            if error.error is not ErrorCode.UNRECOVERABLE:
                raise
            return False
        return True

    # What is in force.

    async def _load(self) -> None:
        """Read what is in force, and give the broker what it has lost of it."""
        wanted = self._loads_wanted
        missing = await self._missing_at_broker()
        if missing:
            digest = sha256()
            async for some in portions(missing):
                digest.update(msgspec.json.encode(some))
            reload_id = f"reload-{digest.hexdigest()[:16]}-{self._clock():.6f}"
            reload = Order(reload_id, OrderKind.RELOAD)
            await self._broker.control.give_back(missing, reload=reload)
        await self._give_back_orders()
        self._loads_done = wanted
        has_lost, self._has_lost = self._has_lost, False
        self._listener.reloaded(has_lost)

    async def _missing_at_broker(self) -> list[Standing]:
        """Take what the broker has, in portions: what it has not, or only an older one of."""
        known: dict[tuple[StandingKind, str], float] = {}
        async for some in self._broker.control.standings():
            for standing in some:
                known[standing.kind, standing.user] = standing.at
                self.revocations.merge(standing)
        missing: list[Standing] = []
        async for ours in portions(self.revocations.all()):
            missing += [one for one in ours if known.get((one.kind, one.user), -math.inf) < one.at]
        return missing

    async def _give_back_orders(self) -> None:
        """Those that came after the last that the log has may be missing on other nodes."""
        assert self.position is not None, "it was read before"
        epoch = self.position.epoch
        for order, position in list(self._recent.values()):
            if position.epoch != epoch:
                given = msgspec.structs.replace(order, was=order.was or position)
                await self._broker.control.order(given)
                # Not before: what failed is given back again, as is what gets lost again.
                self._recent[order.id] = (given, Position(epoch, position.offset))
