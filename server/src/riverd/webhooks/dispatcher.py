"""Which process sends for which webhook: each has one sender, of all processes that send."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from hashlib import sha256

import structlog

from riverd.auth.webhooks import WebhookEndpoint
from riverd.broker.webhooks import SENDER_S, WebhookQueues
from riverd.errors import BrokerError
from riverd.scheduling.tasks import Tasks
from riverd.webhooks.sender import Post, Sender, SenderSurroundings

TURN_S = 1.0
UNLEASED_S_MAX = SENDER_S * 0.75
"""Without a word of the broker a sender stops before another one begins."""

log = structlog.get_logger()


class _Running:
    """A sender that has its webhook's lease."""

    def __init__(self, sender: Sender, task: asyncio.Task[None], *, now: float) -> None:
        self.sender = sender
        self.task = task
        self.leased_at = now


class Dispatcher:
    """Shares the webhooks with the other processes, and sends for its own.

    `endpoints` gives all webhooks as the settings have them now.
    """

    def __init__(
        self,
        queues: WebhookQueues,
        name: str,
        *,
        endpoints: Callable[[], Sequence[WebhookEndpoint]],
        post: Post,
        surroundings: SenderSurroundings,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._queues = queues
        self._name = name
        self._endpoints = endpoints
        self._post = post
        self._surroundings = surroundings
        self._running: dict[str, _Running] = {}
        self._tasks = Tasks(failed)

    async def run(self) -> None:
        """Share and send until cancelled."""
        try:
            while True:
                try:
                    await self.turn()
                except BrokerError:
                    await self._stop_unleased()
                await asyncio.sleep(TURN_S)
        finally:
            await self._tasks.close()

    async def close(self) -> None:
        """Leave the webhooks to the others at once."""
        await self._leave(list(self._running))

    async def turn(self) -> None:
        """Say what is wanted, take the webhooks that fall to this process, leave the others.

        Raises:
            BrokerError: the broker is away.
        """
        endpoints = {one.id: one for one in self._endpoints()}
        await self._queues.want([one.interest for one in endpoints.values()])
        if not endpoints and not self._running:
            return
        senders = await self._queues.senders(self._name)
        others = [one for one in endpoints if chosen(one, senders) != self._name]
        gone = self._running.keys() - endpoints.keys()
        await self._leave([one for one in self._running if one in gone or one in others])
        for webhook, endpoint in endpoints.items():
            if chosen(webhook, senders) == self._name:
                await self._lease(endpoint)

    async def _lease(self, endpoint: WebhookEndpoint) -> None:
        webhook = endpoint.id
        if not await self._queues.lease(webhook, self._name):
            await self._stop(webhook)
            return
        await self._queues.begin(webhook)
        running = self._running.get(webhook)
        if running is None or running.task.done():
            sender = Sender(
                endpoint, self._queues, post=self._post, surroundings=self._surroundings
            )
            task = asyncio.create_task(sender.run())
            running = self._running[webhook] = _Running(sender, task, now=_now())
            self._tasks.start(_watched(task))
            log.info("webhook_sender", webhook=webhook, url=endpoint.shown_url)
        running.leased_at = _now()
        running.sender.endpoint = endpoint

    async def _stop_unleased(self) -> None:
        now = _now()
        for webhook, running in list(self._running.items()):
            if now - running.leased_at > UNLEASED_S_MAX:
                await self._stop(webhook)

    async def _leave(self, webhooks: Sequence[str]) -> None:
        await asyncio.gather(*[self._running[one].sender.answer() for one in webhooks])
        for webhook in webhooks:
            await self._stop(webhook)

    async def _stop(self, webhook: str) -> None:
        running = self._running.pop(webhook, None)
        if running is None:
            return
        is_answered = running.sender.is_answered
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)
        if not is_answered:
            # It may arrive still: until the lease is over nobody sends what would overtake it.
            return
        with contextlib.suppress(BrokerError):
            await self._queues.release(webhook, self._name)


def chosen(webhook: str, senders: Sequence[str]) -> str | None:
    """The sender that a webhook falls to: the same for all who ask, few change with the senders."""
    return max(senders, key=lambda one: sha256(f"{webhook} {one}".encode()).digest(), default=None)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _watched(task: asyncio.Task[None]) -> None:
    """Ends as a task ends; cancelled with it, since its owner did that."""
    try:
        await task
    except asyncio.CancelledError:
        task.cancel()
        raise
