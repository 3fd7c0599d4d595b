"""Bugs in how webhooks are sent."""

from simulation.planting import plant

WEBHOOK_PLANTS = (
    plant(
        "what was refused is settled",
        ("webhooks.sender:Sender._send", "if outcome.error is None:", "if True:"),
    ),
    plant(
        "a leave does not wait",
        ("webhooks.outbox:_is_due", "event.kind not in RETURNS or", "True or"),
    ),
    plant(
        "a return cancels nothing",
        ("webhooks.outbox:_cancelled_by", "return earlier", "return None"),
    ),
    plant(
        "what follows a leave that waits goes before it",
        (
            "webhooks.outbox:Outbox.next",
            "if is_full or not _is_due(event, now_ms):\n                break",
            "if is_full or not _is_due(event, now_ms):\n                continue",
        ),
        ("webhooks.outbox:_is_ready", "and _is_due(lane.events[0], now_ms)", ""),
    ),
    plant(
        "a reset goes before what was written before it",
        (
            "webhooks.outbox:Outbox._may_reset",
            "all(lane.attempts >= WAIT_ATTEMPTS for lane in lanes)",
            "True or lanes",
        ),
    ),
    plant(
        "a sender without a lease goes on",
        (
            "webhooks.dispatcher:Dispatcher._lease",
            "        await self._stop(webhook)\n        return",
            "        return",
        ),
        (
            "webhooks.dispatcher:Dispatcher._stop_unleased",
            "await self._stop(webhook)",
            "pass",
        ),
        (
            "webhooks.dispatcher:Dispatcher.turn",
            "await self._leave([one for one in self._running if one in gone or one in others])",
            "pass",
        ),
    ),
    plant(
        "the webhooks of a process that died are left alone",
        ("broker.memory.webhooks:MemoryWebhookQueues.lease", "queue.holder[1] > now", "True"),
    ),
    plant(
        "what is given up is forgotten",
        (
            "webhooks.sender:Sender._bury",
            "await self._queues.bury(self.endpoint.id, events, error=error[:ERROR_LENGTH_MAX])",
            "await self._queues.settle(self.endpoint.id, events)",
        ),
    ),
    plant(
        "events are given up after a minute",
        ("webhooks.outbox:Outbox.overdue", "> GIVE_UP_MS", "> 60_000"),
    ),
    plant(
        "what is replayed has new ids",
        (
            "broker.memory.webhooks:MemoryWebhookQueues.replay",
            "event = queue.dead.pop(one).event",
            "event = replace(queue.dead.pop(one).event, id='')",
        ),
    ),
    plant(
        "nobody writes what a dead node leaves",
        (
            "broker.memory.webhooks:WebhookStore.forget_node",
            "self.count(node, name, count=0)",
            "self.counts[name].pop(node)",
        ),
    ),
    plant(
        "an event that is sent again has another id",
        (
            "broker.memory.webhooks:MemoryWebhookQueues.read",
            "some = new[:READ_MAX]",
            "some = [replace(one, id=f'{one.id}-{now_ms}') for one in new[:READ_MAX]]",
        ),
    ),
    plant(
        "a reset in Pusher's form stands for the leaves before it",
        ("webhooks.sender:Sender._delivered", "untold_by(self.endpoint.form, truth)", "None"),
    ),
    plant(
        "who leaves a webhook lets others overtake its last request",
        (
            "webhooks.dispatcher:Dispatcher._leave",
            "await asyncio.gather(*[self._running[one].sender.answer() for one in webhooks])",
            "pass",
        ),
        ("webhooks.dispatcher:Dispatcher._stop", "running.sender.is_answered", "True"),
    ),
)
