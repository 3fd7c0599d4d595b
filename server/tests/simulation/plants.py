"""Bugs that the simulator has to find: the traps of River's design, and others that were made."""

from simulation.planting import Edit, Plant


def _plant(name: str, *edits: tuple[str, str, str]) -> Plant:
    return Plant(name, tuple(Edit(f"riverd.{where}", old, new) for where, old, new in edits))


TRAPS = (
    _plant(
        "trap 1: subscribe and unsubscribe race",
        (
            "node.reconcile:Wish.want",
            "if wanted != self.have and not self._running:",
            "if wanted != self.have:",
        ),
    ),
    _plant(
        "trap 2: a joiner is live before the flush",
        ("core.hub:Hub.join", "audience.behind.add(subscription)", "subscription.live = True"),
        (
            "core.hub:Hub.join",
            "self._eager[subscription] = None",
            "audience.live[subscription] = session.write",
        ),
    ),
    _plant(
        "trap 3: what comes before the first read vanishes",
        (
            "node.attachment:Attachment.keep_early",
            "if isinstance(entry",
            "return\n    if isinstance(entry",
        ),
    ),
    _plant(
        "trap 4: one that is ahead is unrecoverable",
        ("node.replicas:is_ahead", "wanted.offset > log.offset", "False"),
    ),
    _plant(
        "trap 5: a read that is older than the feed is enough",
        ("node.replicas:Replicas._read_again", "attachment.stale = True", "pass"),
        (
            "node.replicas:Replicas._repair_soon",
            "attachment.stale = True\n    if not attachment.repairing:\n",
            "if not attachment.repairing:\n        attachment.stale = True\n",
        ),
    ),
    _plant(
        "trap 6: positions are not compared",
        ("node.node:Node._compare_always", "await self._compare", "0 and await self._compare"),
    ),
    _plant(
        "trap 6: positions are not compared after an interruption",
        (
            "node.node:Node.on_interrupted",
            "self._tasks.start(self._compare(on_its_way_s=0))",
            "pass",
        ),
    ),
    _plant(
        "trap 7: a buffer is cleared after the await",
        ("node.node:Node._report", "self._hub.recounted = {}", "pass"),
        (
            "node.node:Node._report",
            "await self._broker.report(counts)",
            "await self._broker.report(counts)\n                self._hub.recounted.clear()",
        ),
    ),
    _plant(
        "trap 7: a cancelled subscription is admitted all the same",
        (
            "node.replicas:Replicas.unsubscribe",
            "attachment.waiting.pop(subscription, None)",
            "attachment.waiting.get(subscription)",
        ),
    ),
)

LOGS = (
    _plant(
        "a hole in the log is accepted",
        ("core.channel_log:Log.append", "if entry.offset > self.offset + 1:", "if False:"),
        (
            "core.channel_log:Log.append",
            "entry.offset == self.offset + 1",
            "entry.offset > self.offset",
        ),
    ),
    _plant(
        "a known publication is appended again",
        ("core.channel_log:Log.append", "if entry.offset == self.offset + 1:", "if True:"),
    ),
    _plant(
        "a publication of another epoch is appended",
        ("node.replicas:Replicas.on_publication", "epoch != channel.log.epoch", "False"),
    ),
    _plant(
        "a log begins again although nothing is missing",
        (
            "node.replicas:Replicas._read_again",
            "if not channel.log.can_take(tail.position, len(tail.publications)):",
            "if tail.publications and tail.publications[0].offset <= channel.log.offset:",
        ),
    ),
    _plant(
        "a repair aims at an offset of an epoch that ended",
        ("node.attachment:Attachment.is_behind", "log.epoch == spoken_of.epoch and", ""),
    ),
    _plant(
        "a log is trimmed before the flush",
        (
            "core.hub:Hub.append",
            "return True",
            "channel.log.trim(size=self.history_size, before=0)\n    return True",
        ),
    ),
    _plant(
        "the window is one too small",
        ("node.replicas:start_of", "wanted.offset < log.oldest", "wanted.offset <= log.oldest"),
    ),
    _plant(
        "an epoch that is not known is over",
        ("node.replicas:is_ahead", "wanted.epoch != log.epoch or", "wanted.epoch == log.epoch and"),
    ),
    _plant(
        "an idempotency key is ignored",
        ("broker.memory.store:Store.publish", "return seen[1], None", "pass"),
    ),
)

CURSORS = (
    _plant(
        "a session that left is told all the same",
        ("core.hub:Hub.leave", "audience.live.pop(subscription, None)", "pass"),
    ),
    _plant(
        "a history is one short",
        ("core.channel_log:Log.last", "self.offset - count", "self.offset - count + 1"),
    ),
    _plant(
        "a blocked session's cursor is where the log is",
        (
            "core.hub:Hub.block",
            "subscription.offset = channel.told",
            "subscription.offset = channel.log.offset",
        ),
    ),
    _plant(
        "a session that drained does not go on",
        ("core.hub:Hub.unblock", "self._eager[subscription] = None", "pass"),
    ),
    _plant(
        "those behind are not told that the log began again",
        ("core.hub:Hub.restart", "subscription.offset = NEVER", "pass"),
    ),
    _plant("a gap is not told", ("core.hub:Hub._tell_gap", "subscription.session.reply(", "repr(")),
    _plant(
        "what was told is noted after it was written",
        ("core.hub:Hub._flush_live", "channel.told = log.offset\n", "pass\n"),
        (
            "core.hub:Hub._flush_live",
            "_write_all(audience, frames)",
            "_write_all(audience, frames)\n    channel.told = log.offset",
        ),
    ),
    _plant(
        "a long catch-up ends with its first part",
        (
            "core.hub:Hub._catch_up",
            "subscription.offset = upto",
            "subscription.offset = channel.log.offset",
        ),
    ),
)

MEMBERS = (
    _plant(
        "a user leaves with the first of its connections",
        ("node.membership:Seats.leave", "if not seat.subscriptions:", "if True:"),
    ),
    _plant(
        "a seat that was given up is believed in",
        ("node.replicas:Replicas._seated", "return presence.has(claims.user)", "return True"),
        ("node.membership:Seats.keep", "self._wish(attachment, seat).doubt()", "pass"),
    ),
    _plant(
        "a seat is not given up",
        ("node.membership:Seats.leave", "self._wish(attachment, seat).want(False)", "pass"),
    ),
    _plant(
        "seats are not taken again after the lease",
        ("node.replicas:Replicas.retake_seats", "self._seats.doubt(attachment)", "pass"),
        ("node.membership:Seats.keep", "self._wish(attachment, seat).doubt()", "pass"),
    ),
    _plant(
        "a seat in a list that began again is believed in",
        ("node.membership:Seats.keep_all", "seat.position.epoch != epoch", "False"),
    ),
    _plant(
        "a joiner is shown a list without itself",
        (
            "node.replicas:Replicas._seated",
            "position = attachment",
            "return True\n    position = attachment",
        ),
    ),
    _plant(
        "a change that is known is applied again",
        ("core.presence:Presence.apply", "if known:", "if False:"),
    ),
    _plant(
        "a list older than the replica is accepted",
        ("node.replicas:Replicas._take_roster", "theirs.offset < ours.offset", "False"),
    ),
)

WISHES = (
    _plant(
        "what was attached half-way is closed",
        ("node.replicas:Replicas._detach", "if attachment.channel is not None:", "if True:"),
    ),
    _plant(
        "a node that was stopped goes on",
        ("node.reconcile:Tasks.start", "if self._closed:", "if False:"),
    ),
    _plant(
        "what failed is not tried again",
        ("node.reconcile:Wish._run", "await asyncio.sleep(retry_s)", "return"),
    ),
    _plant(
        "an idle channel is kept",
        ("node.replicas:Replicas._let_go", "self._wish(attachment).want(False)", "pass"),
    ),
    _plant(
        "a channel is let go of while somebody comes back",
        ("node.replicas:Replicas._let_go", "if not attachment.heard:", "if True:"),
        ("node.replicas:Replicas.subscribe", "attachment.linger.cancel()", "pass"),
    ),
    _plant(
        "a channel is forgotten while it is attached",
        (
            "node.replicas:Replicas._forget_if_idle",
            "if gone and",
            "if attachment.channel is None and",
        ),
    ),
    _plant(
        "counts are not told again when seats are lost",
        ("node.node:Node.on_presence_lost", "self._report_all()", "pass"),
    ),
)

PLANTS = TRAPS + LOGS + CURSORS + MEMBERS + WISHES
