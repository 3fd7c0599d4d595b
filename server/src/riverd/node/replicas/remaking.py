"""Makes presence entries again that the broker may have lost, some at a time over all channels.

The broker has to be asked for each, and each answer is a turn's work: those that are begun are
bounded, however many lists are read again and however late the broker answers.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from riverd.node.replicas.attachment import Attachment, PresenceEntry
from riverd.scheduling.portions import PORTION, keys_in_portions
from riverd.scheduling.tasks import Tasks

DOUBTED_AT_ONCE = 200
DOUBT_EVERY_S = 0.02
ANSWERED_S_MAX = 0.5
"""Others are begun then, whatever the broker says to those before them: it may be another one."""
MISSING = "-"
"""In lieu of the epoch of a list: even those that the broker has made."""


class Remaking:
    """What is to be made again. `doubt` begins with one, and `made` is called when it is over.

    `begun` is called whenever there is more to do.
    """

    def __init__(self, tasks: Tasks, *, doubt: Callable[[Attachment, PresenceEntry], None]) -> None:
        self.generation = 0
        """Changes when all entries are lost: one that was begun before is not there."""
        self.begun: Callable[[], None] = _ignore
        self._tasks = tasks
        self._doubt = doubt
        self._under_way = self._listing = 0
        self._left = DOUBTED_AT_ONCE
        """How many may be begun before the next pause."""
        self._waiting: deque[tuple[Attachment, list[str] | None, str]] = deque()
        """Of a channel some users that are `MISSING`, or all but those of the list of an epoch."""
        self._is_running = False

    @property
    def is_over(self) -> bool:
        """Whether nothing is being made again."""
        return not (self._under_way or self._waiting or self._listing or self._is_running)

    def lost(self, attachments: dict[str, Attachment]) -> None:
        """All entries are lost: make those again that are still wanted."""
        self.generation += 1
        self._listing += 1
        self.begun()
        self._tasks.start(self._add_all(attachments))

    async def _add_all(self, attachments: dict[str, Attachment]) -> None:
        try:
            async for names in keys_in_portions(attachments):
                for name in names:
                    attachment = attachments.get(name)
                    if attachment is not None and attachment.presence_entries:
                        self._add(attachment, None, epoch="")
        finally:
            self._listing -= 1

    def began_again(self, attachment: Attachment, epoch: str) -> None:
        """A channel has a new list: make all entries in it that are not there yet."""
        self._add(attachment, None, epoch=epoch)
        self.begun()

    async def make(self, attachment: Attachment, users: list[str]) -> None:
        """Make the entries of users again that are not in the list: returns when it has begun."""
        self._add(attachment, users, epoch=MISSING)
        self.begun()
        while self._waiting:  # noqa: ASYNC110  each turn begins some
            await asyncio.sleep(DOUBT_EVERY_S)

    def _add(self, attachment: Attachment, users: list[str] | None, *, epoch: str) -> None:
        self._waiting.append((attachment, users, epoch))
        if not self._is_running:
            self._is_running = True
            self._tasks.start(self._run())

    async def _run(self) -> None:
        looked = 0
        try:
            while self._waiting:
                attachment, users, epoch = self._waiting.popleft()
                if users is not None:
                    await self._make_some(attachment, users, epoch=epoch)
                else:
                    async for some in keys_in_portions(attachment.presence_entries):
                        await self._make_some(attachment, some, epoch=epoch)
                looked += 1
                if looked % PORTION == 0:
                    await asyncio.sleep(0)
        finally:
            self._is_running = False

    async def _make_some(self, attachment: Attachment, users: list[str], *, epoch: str) -> None:
        entries = attachment.presence_entries
        for user in users:
            entry = entries.get(user)
            if entry is None or (epoch != MISSING and entry.is_made(self.generation, epoch)):
                continue
            if self._left == 0:
                await self._until_answered()
                self._left = DOUBTED_AT_ONCE
            self._left -= 1
            if entries.get(user) is entry:
                self._begin(attachment, entry)

    async def _until_answered(self) -> None:
        """Wait until the broker has answered to those that were begun before the last portion."""
        waited_s = DOUBT_EVERY_S
        await asyncio.sleep(DOUBT_EVERY_S)
        while self._under_way > DOUBTED_AT_ONCE and waited_s < ANSWERED_S_MAX:
            waited_s += DOUBT_EVERY_S
            await asyncio.sleep(DOUBT_EVERY_S)

    def _begin(self, attachment: Attachment, entry: PresenceEntry) -> None:
        if not entry.is_remade:
            entry.is_remade = True
            self._under_way += 1
        self._doubt(attachment, entry)

    def made(self, entry: PresenceEntry) -> None:
        """What the broker has of an entry is what is wanted."""
        assert entry.is_remade, "it was begun"
        entry.is_remade = False
        self._under_way -= 1


def _ignore() -> None:
    """Nobody wants to know."""
