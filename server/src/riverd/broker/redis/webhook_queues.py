"""The queues of webhooks in Redis, as senders read them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import cast

from riverd.broker.redis import keys
from riverd.broker.redis.calls import Server
from riverd.broker.redis.connection import Argument
from riverd.broker.redis.stored import READING
from riverd.broker.redis.webhook_entries import dead_in, entries, event_in
from riverd.broker.redis.webhook_tags import QueueTags
from riverd.broker.redis.webhooks import (
    ANYTHING,
    WebhookKeys,
    fresh_interests,
    queue_event,
    wanted_text,
    webhook_keys,
    written_at,
)
from riverd.broker.webhooks import (
    DEAD_KEPT_S,
    DEAD_MAX,
    READ_MAX,
    SENDER_S,
    TRUTH_MAX,
    WANTED_S,
    DeadEvent,
    OccupiedNow,
    QueuedEvent,
    QueueReading,
    QueueState,
)
from riverd.channels.rules import ChannelRules
from riverd.model.webhook_events import MEMBERS, Interest, WebhookInterests, is_covered

SCAN_S = 10.0
"""How often all queues of a cluster are looked at, whatever was said to be written."""
TRUTH_PORTION = 500


class RedisWebhookQueues:
    """See `WebhookQueues` for the promises."""

    def __init__(
        self, server: Server, *, tags: QueueTags, bytes_max: int, rules: ChannelRules
    ) -> None:
        self._server = server
        self._tags = tags
        self._bytes_max = bytes_max
        self._rules = rules
        self._scanned_at = 0.0
        self._compared_at = 0.0
        self._histories_now: list[str] = []
        self._full: dict[str, dict[str, int]] = {}
        """How many bytes the queues of a webhook have, by tag, when they were last looked at."""
        self._known: dict[str, set[str]] = {}
        """The tags of a webhook's queues that may have something."""

    # Who sends.

    async def want(self, interests: Sequence[Interest]) -> None:
        """Register it for a day; that nothing is wanted, only where something was.

        What nodes do not write already begins with a reset: its webhook is forgotten here, first.
        """
        [listed] = await self._server.commands(
            [("ZRANGE", keys.WEBHOOKS_WANTED, 0, -1, "WITHSCORES")]
        )
        written = fresh_interests(listed)
        if written is None and not interests:
            return
        new = {one.webhook for one in interests if not is_covered(one, written or ())}
        await self._server.commands([("DEL", keys.webhook_histories(one)) for one in sorted(new)])
        await self._server.call(
            "rules",
            (keys.WEBHOOKS_WANTED,),
            arguments=(wanted_text(interests), int(WANTED_S * 1000)),
        )

    async def senders(self, name: str) -> list[str]:
        """Register this one among all."""
        listed = await self._server.call(
            "rules", (keys.WEBHOOK_SENDERS,), arguments=(name, int(SENDER_S * 1000))
        )
        with READING:
            return sorted(one.decode() for one in cast("list[bytes]", listed))

    async def lease(self, webhook: str, holder: str) -> bool:
        """Become or stay its only sender."""
        return await self._lease(webhook, holder, for_ms=int(SENDER_S * 1000))

    async def release(self, webhook: str, holder: str) -> None:
        """Be its sender no more."""
        self._known.pop(webhook, None)
        await self._lease(webhook, holder, for_ms=0)

    async def _lease(self, webhook: str, holder: str, *, for_ms: int) -> bool:
        name = keys.webhook_lease(webhook)
        answer = await self._server.call("webhook_lease", (name,), arguments=(holder, for_ms))
        return answer == 1

    async def begin(self, webhook: str) -> None:
        """Compare the histories of all servers with those that were known."""
        if known := await self._histories():
            await queue_event(
                self._server,
                "webhook_begin",
                webhook=webhook,
                bytes_max=self._bytes_max,
                names=(keys.webhook_histories(webhook),),
                arguments=known,
            )

    async def _histories(self) -> list[str]:
        """Those of all servers with which there is a connection."""
        if time.monotonic() > self._compared_at + SCAN_S / 2:
            if not self._histories_now:
                # Of each server: where nothing was asked there is no connection.
                await self._scan()
            self._compared_at = time.monotonic()
            found = {self._server.history(keys.webhook_queues(tag)) for tag in self._tags.all}
            self._histories_now = sorted(
                f"{one.run_id}:{one.replication_id}" for one in found if one is not None
            )
        return self._histories_now

    async def test(self, webhook: str) -> None:
        """Queue a test."""
        await queue_event(self._server, "webhook_test", webhook=webhook, bytes_max=self._bytes_max)

    def _keys(self, tag: str, webhook: str) -> WebhookKeys:
        return webhook_keys(tag, {webhook: ANYTHING}, channel="", bytes_max=self._bytes_max)

    # Reading.

    async def read(self, webhook: str, after: Mapping[str, str]) -> QueueReading:
        """What came to the queues that may have something."""
        tags = sorted(await self._written(webhook))
        # The time first: what is written after it is younger, and waits a little longer.
        now_ms = await self._now_ms()
        replies = await self._server.commands(
            [
                (
                    "XRANGE",
                    keys.webhook_queue(tag, webhook),
                    f"({after[tag]}" if tag in after else "-",
                    "+",
                    "COUNT",
                    READ_MAX,
                )
                for tag in tags
            ]
        )
        events: list[QueuedEvent] = []
        seen_ms = now_ms
        for tag, reply in zip(tags, replies, strict=True):
            found = entries(reply)
            with READING:
                events += [event_in(tag, entry) for entry in found]
            if len(found) == READ_MAX:
                seen_ms = min(seen_ms, events[-1].since_ms)
            if len(found) < READ_MAX and tag not in after and len(self._tags.all) > 1:
                # Nothing of it waits but what was read now: who writes to it says so again.
                self._known[webhook].discard(tag)
        return QueueReading(now_ms, seen_ms, events)

    async def _written(self, webhook: str) -> set[str]:
        if len(self._tags.all) == 1:
            return set(self._tags.all)
        known = self._known.setdefault(webhook, set())
        if time.monotonic() > self._scanned_at + SCAN_S:
            await self._scan()
        known |= self._full.get(webhook, {}).keys()
        self._full.pop(webhook, None)
        name = keys.webhook_written(webhook)
        [listed] = await self._server.commands([("SMEMBERS", name)])
        if found := cast("list[bytes]", listed):
            # Before reading: what is written from now on is said again.
            await self._server.commands([("SREM", name, *found)])
            with READING:
                known |= {one.decode() for one in found}
        return known

    async def _scan(self) -> None:
        """Look at all queues of the cluster, in portions."""
        self._scanned_at = time.monotonic()
        tags = self._tags.all
        replies = await self._server.commands(
            [("HGETALL", keys.webhook_queues(tag)) for tag in tags]
        )
        full: dict[str, dict[str, int]] = {}
        for tag, reply in zip(tags, cast("list[list[bytes]]", replies), strict=True):
            with READING:
                for webhook, count in zip(reply[::2], reply[1::2], strict=True):
                    full.setdefault(webhook.decode(), {})[tag] = int(count)
        self._full = full

    async def _now_ms(self) -> int:
        return cast("int", await self._server.call("webhook_now", (keys.WEBHOOKS_WANTED,)))

    # What became of events.

    async def settle(self, webhook: str, events: Sequence[QueuedEvent]) -> None:
        """Forget them."""
        await asyncio.gather(
            *[
                self._server.call(
                    "webhook_settle",
                    (keys.webhook_queues(tag), keys.webhook_queue(tag, webhook)),
                    arguments=(webhook, *(part for one in some for part in (one.entry, one.size))),
                )
                for tag, some in _by_queue(events).items()
            ]
        )

    async def bury(self, webhook: str, events: Sequence[QueuedEvent], *, error: str) -> None:
        """Keep them among the dead."""
        for tag, some in _by_queue(events).items():
            buried = [part for one in some for part in (one.entry, one.id, one.at_ms, one.size)]
            await self._server.call(
                "webhook_bury",
                (
                    keys.webhook_queues(tag),
                    keys.webhook_queue(tag, webhook),
                    keys.webhook_dead(tag, webhook),
                ),
                arguments=(
                    webhook,
                    error,
                    self._bytes_max,
                    DEAD_MAX,
                    int(DEAD_KEPT_S),
                    *buried,
                ),
            )

    async def dead(self, webhook: str, limit: int) -> list[DeadEvent]:
        """What could not be delivered."""
        return [one for _, one in await self._dead(webhook, limit)]

    async def replay(self, webhook: str, ids: Sequence[str] | None, *, limit: int) -> int:
        """Queue them again."""
        wanted = None if ids is None else set(ids)
        found = await self._dead(webhook, DEAD_MAX if wanted is not None else limit)
        again = [one for one in found if wanted is None or one[1].event.id in wanted][:limit]
        replayed = 0
        for tag in dict.fromkeys(one.event.queue for _, one in again):
            ours = [entry for entry, one in again if one.event.queue == tag]
            more = self._keys(tag, webhook)
            for start in range(0, len(ours), READ_MAX):
                some = ours[start : start + READ_MAX]
                answer = await self._server.call(
                    "webhook_replay",
                    (keys.webhook_dead(tag, webhook), *more.names),
                    arguments=(*some, *more.arguments),
                )
                replayed += cast("int", answer)
            await self._server.commands(written_at(webhook, tag))
        return replayed

    async def _dead(self, webhook: str, limit: int) -> list[tuple[str, DeadEvent]]:
        await self._scan()
        tags = sorted(self._full.get(f"+{webhook}", {}))
        replies = await self._server.commands(
            [("XRANGE", keys.webhook_dead(tag, webhook), "-", "+", "COUNT", limit) for tag in tags]
        )
        with READING:
            found = [
                (entry[0].decode(), dead_in(tag, entry))
                for tag, reply in zip(tags, replies, strict=True)
                for entry in entries(reply)
            ]
        return sorted(found, key=lambda one: one[1].dead_at_ms)[:limit]

    async def state(self, webhook: str) -> QueueState:
        """Add up its queues."""
        await self._scan()
        full = dict(self._full.get(webhook, {}))
        commands: list[Sequence[Argument]] = []
        for tag in full:
            queue = keys.webhook_queue(tag, webhook)
            commands += [("XLEN", queue), ("XRANGE", queue, "-", "+", "COUNT", 1)]
        dead_tags = sorted(self._full.get(f"+{webhook}", {}))
        dead = await self._server.commands(
            [("XLEN", keys.webhook_dead(tag, webhook)) for tag in dead_tags]
        )
        replies = await self._server.commands(commands)
        with READING:
            oldest = [
                event_in(tag, entry).at_ms
                for tag, reply in zip(full, replies[1::2], strict=True)
                for entry in entries(reply)
            ]
        return QueueState(
            sum(cast("list[int]", replies[::2])),
            sum(full.values()),
            min(oldest, default=None),
            sum(cast("list[int]", dead)),
            sum(self._full.get(f"!{webhook}", {}).values()),
        )

    # What is true.

    async def truth(self, interest: Interest) -> tuple[list[OccupiedNow], bool]:
        """What nodes count now, and its members where the webhook asks for them."""
        interests = WebhookInterests((interest,))
        [leased] = await self._server.commands([("ZRANGE", keys.NODES, 0, -1)])
        with READING:
            nodes = [one.decode() for one in cast("list[bytes]", leased)]
        noted = [keys.counted_channels(one) for one in nodes]
        if MEMBERS & {*interest.events}:
            noted += [keys.node_channels(one) for one in nodes]
        listed = await self._server.commands([("SMEMBERS", name) for name in noted])
        with READING:
            names = {name.decode() for one in cast("list[list[bytes]]", listed) for name in one}
        names = {name for name in names if interests.of(name, frozenset(interest.events))}
        found: list[OccupiedNow] = []
        wanted = sorted(names)[:TRUTH_MAX]
        for start in range(0, len(wanted), TRUTH_PORTION):
            found += await self._truth_of(wanted[start : start + TRUTH_PORTION], interest)
        return found, len(names) <= TRUTH_MAX

    async def _truth_of(self, names: Sequence[str], interest: Interest) -> list[OccupiedNow]:
        counts = await self._server.commands(
            [("HGETALL", keys.subscribed_nodes(name)) for name in names]
        )
        listed = [
            name for name in names if MEMBERS & {*interest.events} and self._rules.has_members(name)
        ]
        members = await self._server.commands(
            [("HKEYS", keys.member_keys(name)[1]) for name in listed]
        )
        by_name = dict(zip(listed, cast("list[list[bytes]]", members), strict=True))
        found: list[OccupiedNow] = []
        for name, reply in zip(names, cast("list[list[bytes]]", counts), strict=True):
            pairs = zip(reply[::2], reply[1::2], strict=True)
            users = by_name.get(name)
            with READING:
                total = sum(int(count) for node, count in pairs if not node.startswith(b"#"))
                listed_users = None if users is None else sorted(one.decode() for one in users)
            if total or users:
                found.append(OccupiedNow(name, total, listed_users))
        return found

    # Reports.

    async def note(self, webhook: str, report: bytes) -> None:
        """Keep it for a week."""
        await self._server.commands(
            [
                ("HSET", keys.WEBHOOK_NOTES, webhook, report),
                ("EXPIRE", keys.WEBHOOK_NOTES, int(DEAD_KEPT_S)),
            ]
        )

    async def notes(self) -> Mapping[str, bytes]:
        """All of them."""
        [listed] = await self._server.commands([("HGETALL", keys.WEBHOOK_NOTES)])
        pairs = cast("list[bytes]", listed)
        named = zip(pairs[::2], pairs[1::2], strict=True)
        with READING:
            return {name.decode(): report for name, report in named}


def _by_queue(events: Sequence[QueuedEvent]) -> dict[str, list[QueuedEvent]]:
    found: dict[str, list[QueuedEvent]] = {}
    for one in events:
        found.setdefault(one.queue, []).append(one)
    return found
