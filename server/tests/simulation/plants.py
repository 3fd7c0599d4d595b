"""Bugs that the simulator has to find: the traps of River's design, and others that were made."""

from simulation.event_plants import EVENT_PLANTS
from simulation.planting import plant
from simulation.rule_plants import RULE_PLANTS

TRAPS = (
    plant(
        "trap 1: subscribe and unsubscribe race",
        (
            "node.replicas.reconcile:DesiredState.want",
            "if wanted != self.actual and not self._running:",
            "if wanted != self.actual:",
        ),
    ),
    plant(
        "trap 2: a joiner is live before the flush",
        ("core.hub:Hub.admit", "subscription.offset == channel.sent", "True"),
        ("core.hub:Hub.admit", "channel not in self._dirty", "True"),
    ),
    plant(
        "trap 3: what comes before the first read vanishes",
        (
            "node.replicas.attachment:Attachment.keep_early",
            "if isinstance(entry",
            "return\n    if isinstance(entry",
        ),
    ),
    plant(
        "trap 4: one that is ahead is unrecoverable",
        ("node.replicas.admission:is_ahead", "wanted.offset > log.offset", "False"),
    ),
    plant(
        "trap 5: a read that is older than the feed is enough",
        ("node.replicas.repair:Repairs._read_again", "attachment.stale = True", "pass"),
        (
            "node.replicas.repair:Repairs.soon",
            "attachment.stale = True\n    if not attachment.repairing:\n",
            "if not attachment.repairing:\n        attachment.stale = True\n",
        ),
    ),
    plant(
        "trap 6: positions are not compared",
        ("node.node:Node._compare_always", "await self._compare", "0 and await self._compare"),
    ),
    plant(
        "trap 6: positions are not compared after an interruption",
        (
            "node.node:Node.on_interrupted",
            "self._tasks.start(self._compare(on_its_way_s=0))",
            "pass",
        ),
    ),
    plant(
        "trap 7: a buffer is cleared after the await",
        ("node.counts.reporting:SubscriberCounts._run", "self._changed = {}", "pass"),
    ),
    plant(
        "trap 7: a cancelled subscription is admitted all the same",
        (
            "node.replicas.attaching:Attachments.unsubscribe",
            "attachment.waiting.pop(subscription, None)",
            "pass",
        ),
    ),
)

LOGS = (
    plant(
        "a hole in the log is accepted",
        ("core.channel_log:Log.append", "if offset != due:", "if offset < due:"),
    ),
    plant(
        "a known publication is appended again",
        ("core.channel_log:Log.append", "if offset != due:", "if offset > due:"),
    ),
    plant(
        "a publication of another epoch is appended",
        (
            "node.replicas.attaching:Attachments.on_publication",
            "epoch != channel.log.epoch",
            "False",
        ),
    ),
    plant(
        "a log begins again although nothing is missing",
        (
            "node.replicas.repair:Repairs._read_again",
            "if not channel.log.can_take(tail.position, len(tail.publications)):",
            "if tail.publications and tail.publications[0].offset <= channel.log.offset:",
        ),
    ),
    plant(
        "a repair aims at an offset of an epoch that ended",
        ("node.replicas.attachment:Attachment.is_behind", "log.epoch == announced.epoch and", ""),
    ),
    plant(
        "a log is trimmed before the flush",
        (
            "core.hub:Hub.append",
            "return True",
            "channel.log.trim(size=channel.policy.history_size, before=0)\n    return True",
        ),
    ),
    plant(
        "the window is one too small",
        ("model.log:Position.why_lost", "self.offset < oldest", "self.offset <= oldest"),
    ),
    plant(
        "an epoch that is not known is over",
        (
            "node.replicas.admission:is_ahead",
            "wanted.epoch != log.epoch or",
            "wanted.epoch == log.epoch and",
        ),
    ),
    plant(
        "an idempotency key is ignored",
        ("broker.memory.store:Store.publish", "return seen[1], None", "pass"),
    ),
)

CURSORS = (
    plant(
        "a session that left is sent events all the same",
        ("core.audience:Audience.remove", "self.live.pop(subscription, None)", "pass"),
    ),
    plant(
        "a history is one short",
        ("core.channel_log:Log.last", "self.offset - count", "self.offset - count + 1"),
    ),
    plant(
        "a blocked session's cursor is where the log is",
        (
            "core.channel:Channel.hold_back",
            "subscription.offset = self.sent",
            "subscription.offset = self.log.offset",
        ),
    ),
    plant(
        "a session that drained does not go on",
        ("core.hub:Hub.unblock", "self._eager[subscription] = None", "pass"),
    ),
    plant(
        "those behind are not notified that the log began again",
        ("core.audience:Audience.lose_all", "in self.behind:", "in ():"),
    ),
    plant("a gap is not sent", ("core.hub:Hub.send_gap", "subscription.session.reply(", "repr(")),
    plant(
        "what was sent is noted after it was written",
        ("core.fanout:Fanout.send_new", "channel.sent = offset =", "offset ="),
        (
            "core.fanout:Fanout.send_new",
            "size=offset - sent, after=sent)\n",
            "size=offset - sent, after=sent)\n    channel.sent = offset\n",
        ),
        ("core.fanout:Fanout._send_mixed", "channel.sent = log.offset\n", "pass\n"),
        (
            "core.fanout:Fanout._send_mixed",
            "count=size, after=sent)\n",
            "count=size, after=sent)\n    channel.sent = log.offset\n",
        ),
    ),
    plant(
        "one that left is still owed what others are sent",
        ("core.audience:Audience.remove", "one.owed.pop(subscription, None)", "pass"),
    ),
    plant(
        "a long catch-up ends with its first part",
        (
            "core.hub:Hub._catch_up",
            "subscription.offset = upto",
            "subscription.offset = channel.log.offset",
        ),
    ),
)

MEMBERS = (
    plant(
        "a user leaves with the first of its connections",
        ("node.replicas.membership:Membership.remove", "if not entry.subscriptions:", "if True:"),
    ),
    plant(
        "an entry that was removed is believed in",
        (
            "node.replicas.admission:_obstacle_of_member",
            "return None if presence.has(member.user) else Obstacle.ENTRY",
            "return None",
        ),
        (
            "node.replicas.membership:Membership.keep",
            "self._doubt(attachment, entry)",
            "pass",
        ),
    ),
    plant(
        "an entry is not removed",
        (
            "node.replicas.membership:Membership._leave",
            "self._desired(attachment, entry).want(False)",
            "pass",
        ),
    ),
    plant(
        "a user that comes back in time leaves all the same",
        ("node.replicas.membership:Membership.add", "entry.stop_lingering()", "pass"),
    ),
    plant(
        "entries are not made again after the lease",
        (
            "node.replicas.attaching:Attachments.remake_presence_entries",
            "self._membership.remaking.lost(self._by_channel)",
            "pass",
        ),
        (
            "node.replicas.membership:Membership.keep",
            "self._doubt(attachment, entry)",
            "pass",
        ),
        (
            "node.replicas.membership:Membership._is_missing",
            "return presence is not None and entry.is_lost(presence)",
            "return False",
        ),
    ),
    plant(
        "an entry in a list that began again is believed in",
        (
            "node.replicas.membership:Membership._is_missing",
            "entry.position.epoch != epoch",
            "False",
        ),
    ),
    plant(
        "a joiner is shown a list without itself",
        (
            "node.replicas.admission:_obstacle_of_member",
            "entered = version_of",
            "return None\n    entered = version_of",
        ),
    ),
    plant(
        "a change that is known is applied again",
        ("core.presence:PresenceReplica.apply", "if known:", "if False:"),
    ),
    plant(
        "a list older than the replica is accepted",
        ("node.replicas.repair:Repairs._take_members", "theirs.offset < ours.offset", "False"),
    ),
)

STATES = (
    plant(
        "what was attached half-way is closed",
        (
            "node.replicas.attaching:Attachments._detach",
            "if attachment.channel is not None:",
            "if True:",
        ),
    ),
    plant(
        "a node that was stopped goes on",
        ("scheduling.tasks:Tasks.start", "if self._closed:", "if False:"),
    ),
    plant(
        "what failed is not tried again",
        (
            "node.replicas.reconcile:DesiredState._run",
            "await asyncio.sleep(retry.next_s())",
            "return",
        ),
    ),
    plant(
        "an idle channel is kept",
        (
            "node.replicas.attaching:Attachments._end",
            "self._desired(attachment).want(False)",
            "pass",
        ),
    ),
    plant(
        "a channel is detached while somebody comes back",
        ("node.replicas.idle:IdleChannels._end_some", "if not attachment.is_used:", "if True:"),
        ("node.replicas.attaching:Attachments.subscribe", "self._idle.discard(attachment)", "pass"),
    ),
    plant(
        "a channel is forgotten while it is attached",
        (
            "node.replicas.attaching:Attachments._forget_if_unused",
            "if gone and",
            "if attachment.channel is None and",
        ),
    ),
    plant(
        "counts are not reported again when the lease is lost",
        ("node.node:Node.on_presence_lost", "self._report_counts()", "pass"),
    ),
)

PLANTS = RULE_PLANTS + EVENT_PLANTS + TRAPS + LOGS + CURSORS + MEMBERS + STATES
