"""Waits until the nodes have made their entries in lists of members that began again.

    a list began again --> this node makes its entries in it, and says so at the broker as long as
                           it does
    `SETTLE_S` later   --> nobody makes entries any more: the list is taken
                           somebody does: again a moment later, up to `SETTLE_S_MAX`

Who is not in the list yet has not left. A list that is taken too early shows as gone, to everybody
in the channel, those who come back a moment later.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from riverd.broker import Broker
from riverd.errors import RiverError
from riverd.node.replicas.attachment import Attachment, Settling
from riverd.node.replicas.remaking import Remaking
from riverd.scheduling.portions import PORTION
from riverd.scheduling.tasks import Tasks

SETTLE_S = 1.5
"""In which every node has noticed that the broker lost something, and has said so.

Whom the broker did not answer for so long is not waited for.
"""
SETTLE_S_MAX = 20.0
"""100,000 entries of a node take half of it."""
LOOK_S = 0.25
RETRY_S = 0.05


class Settlements:
    """The lists of a node that wait, in the order in which they began again: one task for all.

    `over` is called with an attachment whose list is to be taken.
    """

    def __init__(
        self,
        broker: Broker,
        tasks: Tasks,
        *,
        remaking: Remaking,
        clock: Callable[[], float],
        over: Callable[[Attachment], None],
    ) -> None:
        self._broker = broker
        self._tasks = tasks
        self._remaking = remaking
        self._clock = clock
        self._over = over
        self._waiting: deque[tuple[float, Attachment, Settling]] = deque()
        self._is_running = False
        self._made_since = 0.0
        remaking.begun = self._on_begun

    def begin(self, attachment: Attachment, epoch: str) -> None:
        """Make this node's entries in a list that began again, and take it when others did too."""
        if attachment.settling is None or attachment.settling.epoch != epoch:
            settling = attachment.settling = Settling(epoch)
            self._waiting.append((self._clock(), attachment, settling))
            self._remaking.began_again(attachment, epoch)

    def _on_begun(self) -> None:
        self._made_since = self._clock()
        if not self._is_running:
            self._is_running = True
            self._tasks.start(self._run())

    async def _run(self) -> None:
        is_noted = True
        try:
            while self._waiting or self._is_making or is_noted:
                is_busy = is_making = self._is_making
                wait_s = LOOK_S
                try:
                    is_busy = await self._broker.remaking(here=is_making) or is_making
                    is_noted = is_making
                except RiverError:
                    # Nobody knows what others do, and they do not know of this one: soon again.
                    is_busy, wait_s = True, RETRY_S
                    is_noted = is_noted and bool(self._waiting)
                await self._end_some(SETTLE_S_MAX if is_busy else SETTLE_S)
                await asyncio.sleep(wait_s)
        finally:
            self._is_running = False

    @property
    def _is_making(self) -> bool:
        """Whether this node makes entries again; not for ever: others wait for that."""
        is_long = self._clock() - self._made_since > SETTLE_S_MAX
        return not (is_long or self._remaking.is_over)

    async def _end_some(self, waited_s: float) -> None:
        """Have those lists taken that have waited for so long."""
        before = self._clock() - waited_s
        while self._waiting and self._waiting[0][0] <= before:
            for _ in range(min(PORTION, len(self._waiting))):
                if self._waiting[0][0] > before:
                    return
                _, attachment, settling = self._waiting.popleft()
                settling.is_over = True
                if attachment.settling is settling:
                    self._over(attachment)
            await asyncio.sleep(0)
