"""Bugs that the simulator has to find: the traps of River's design, and others that were made."""

from simulation.planting import Edit, Plant


def _plant(name: str, *edits: tuple[str, str, str]) -> Plant:
    return Plant(name, tuple(Edit(f"riverd.{where}", old, new) for where, old, new in edits))


TRAPS = (
    _plant(
        "trap 1: subscribe and unsubscribe race",
        (
            "node.replicas.reconcile:DesiredState.want",
            "if wanted != self.actual and not self._running:",
            "if wanted != self.actual:",
        ),
    ),
    _plant(
        "trap 2: a joiner is live before the flush",
        ("core.hub:Hub.admit", "audience.add_behind(subscription)", "pass"),
        (
            "core.hub:Hub.admit",
            "self._eager[subscription] = None",
            "audience.add_live(subscription)",
        ),
    ),
    _plant(
        "trap 3: what comes before the first read vanishes",
        (
            "node.replicas.attachment:Attachment.keep_early",
            "if isinstance(entry",
            "return\n    if isinstance(entry",
        ),
    ),
    _plant(
        "trap 4: one that is ahead is unrecoverable",
        ("node.replicas.admission:is_ahead", "wanted.offset > log.offset", "False"),
    ),
    _plant(
        "trap 5: a read that is older than the feed is enough",
        ("node.replicas.repair:Repairs._read_again", "attachment.stale = True", "pass"),
        (
            "node.replicas.repair:Repairs.soon",
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
        ("node.counts.reporting:SubscriberCounts._report", "self._changed = {}", "pass"),
        (
            "node.counts.reporting:SubscriberCounts._report",
            "            except RiverError:",
            "                self._changed.clear()\n            except RiverError:",
        ),
    ),
    _plant(
        "trap 7: a cancelled subscription is admitted all the same",
        (
            "node.replicas.attaching:Attachments.unsubscribe",
            "attachment.waiting.pop(subscription, None)",
            "pass",
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
        (
            "node.replicas.attaching:Attachments.on_publication",
            "epoch != channel.log.epoch",
            "False",
        ),
    ),
    _plant(
        "a log begins again although nothing is missing",
        (
            "node.replicas.repair:Repairs._read_again",
            "if not channel.log.can_take(tail.position, len(tail.publications)):",
            "if tail.publications and tail.publications[0].offset <= channel.log.offset:",
        ),
    ),
    _plant(
        "a repair aims at an offset of an epoch that ended",
        ("node.replicas.attachment:Attachment.is_behind", "log.epoch == announced.epoch and", ""),
    ),
    _plant(
        "a log is trimmed before the flush",
        (
            "core.hub:Hub.append",
            "return True",
            "channel.log.trim(size=channel.policy.history_size, before=0)\n    return True",
        ),
    ),
    _plant(
        "the window is one too small",
        ("model:Position.why_lost", "self.offset < oldest", "self.offset <= oldest"),
    ),
    _plant(
        "an epoch that is not known is over",
        (
            "node.replicas.admission:is_ahead",
            "wanted.epoch != log.epoch or",
            "wanted.epoch == log.epoch and",
        ),
    ),
    _plant(
        "an idempotency key is ignored",
        ("broker.memory.store:Store.publish", "return seen[1], None", "pass"),
    ),
)

CURSORS = (
    _plant(
        "a session that left is sent events all the same",
        ("core.audience:Audience.remove", "self.live.pop(subscription, None)", "pass"),
    ),
    _plant(
        "a history is one short",
        ("core.channel_log:Log.last", "self.offset - count", "self.offset - count + 1"),
    ),
    _plant(
        "a blocked session's cursor is where the log is",
        (
            "core.hub:Hub.block",
            "subscription.offset = channel.sent",
            "subscription.offset = channel.log.offset",
        ),
    ),
    _plant(
        "a session that drained does not go on",
        ("core.hub:Hub.unblock", "self._eager[subscription] = None", "pass"),
    ),
    _plant(
        "those behind are not notified that the log began again",
        ("core.hub:Hub.restart", "subscription.offset = LOST", "pass"),
    ),
    _plant("a gap is not sent", ("core.hub:Hub.send_gap", "subscription.session.reply(", "repr(")),
    _plant(
        "what was sent is noted after it was written",
        ("core.hub:Hub._flush_live", "channel.sent = log.offset\n", "pass\n"),
        (
            "core.hub:Hub._flush_live",
            "return notified",
            "channel.sent = log.offset\n    return notified",
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
        ("node.replicas.membership:Membership.remove", "if not entry.subscriptions:", "if True:"),
    ),
    _plant(
        "an entry that was removed is believed in",
        (
            "node.replicas.admission:_obstacle_of_member",
            "return None if presence.has(member.user) else Obstacle.ENTRY",
            "return None",
        ),
        (
            "node.replicas.membership:Membership.keep",
            "self._desired(attachment, entry).doubt()",
            "pass",
        ),
    ),
    _plant(
        "an entry is not removed",
        (
            "node.replicas.membership:Membership._leave",
            "self._desired(attachment, entry).want(False)",
            "pass",
        ),
    ),
    _plant(
        "a user that comes back in time leaves all the same",
        ("node.replicas.membership:Membership.add", "entry.stop_lingering()", "pass"),
    ),
    _plant(
        "entries are not made again after the lease",
        (
            "node.replicas.attaching:Attachments.remake_presence_entries",
            "self._membership.doubt(self)",
            "pass",
        ),
        (
            "node.replicas.membership:Membership.keep",
            "self._desired(attachment, entry).doubt()",
            "pass",
        ),
    ),
    _plant(
        "an entry in a list that began again is believed in",
        ("node.replicas.membership:Membership.keep_all", "entry.position.epoch != epoch", "False"),
    ),
    _plant(
        "a joiner is shown a list without itself",
        (
            "node.replicas.admission:_obstacle_of_member",
            "entered = version_of",
            "return None\n    entered = version_of",
        ),
    ),
    _plant(
        "a change that is known is applied again",
        ("core.presence:PresenceReplica.apply", "if known:", "if False:"),
    ),
    _plant(
        "a list older than the replica is accepted",
        ("node.replicas.repair:Repairs._take_members", "theirs.offset < ours.offset", "False"),
    ),
)

STATES = (
    _plant(
        "what was attached half-way is closed",
        (
            "node.replicas.attaching:Attachments._detach",
            "if attachment.channel is not None:",
            "if True:",
        ),
    ),
    _plant(
        "a node that was stopped goes on",
        ("tasks:Tasks.start", "if self._closed:", "if False:"),
    ),
    _plant(
        "what failed is not tried again",
        (
            "node.replicas.reconcile:DesiredState._run",
            "await asyncio.sleep(retry.next_s())",
            "return",
        ),
    ),
    _plant(
        "an idle channel is kept",
        (
            "node.replicas.attaching:Attachments._end",
            "self._desired(attachment).want(False)",
            "pass",
        ),
    ),
    _plant(
        "a channel is detached while somebody comes back",
        ("node.replicas.idle:IdleChannels._end_some", "if not attachment.is_used:", "if True:"),
        ("node.replicas.attaching:Attachments.subscribe", "self._idle.discard(attachment)", "pass"),
    ),
    _plant(
        "a channel is forgotten while it is attached",
        (
            "node.replicas.attaching:Attachments._forget_if_unused",
            "if gone and",
            "if attachment.channel is None and",
        ),
    ),
    _plant(
        "counts are not reported again when the lease is lost",
        ("node.node:Node.on_presence_lost", "self._report_counts()", "pass"),
    ),
)

GUESTS = (
    _plant(
        "a guest listens everywhere",
        (
            "protocols.native.protocol:Native._check_guest",
            "or not self.rules.admits_guests(command.channel)",
            "",
        ),
    ),
    _plant(
        "a guest publishes",
        (
            "protocols.native.protocol:Native._check_guest",
            "isinstance(command, PublishCommand) or",
            "",
        ),
    ),
    _plant(
        "no guest is let in",
        ("channel_rules:ChannelRules.admits_guests", "return", "return False and"),
    ),
)
RULES = (
    _plant(
        "members by a rule are forgotten",
        (
            "node.replicas.attaching:Attachments._attach_now",
            "self._hub.rules.has_members(name)",
            "name.startswith('presence-')",
        ),
    ),
    _plant(
        "a client publishes against a rule",
        ("channel_rules:ChannelRules.may_publish", "self.of(channel).client_publish and ", ""),
    ),
)

ORDERS = (
    _plant(
        "a node that may have missed an order takes tokens",
        ("node.control:Control._confirm", "asked_at + UNCONFIRMED_S_MAX", "math.inf"),
    ),
    _plant(
        "what was ordered meanwhile is not read",
        ("node.control:Control._confirm", "if not self._has(newest):", "if False:"),
    ),
    _plant(
        "an order reaches who came after it",
        (
            "node.control:Control._comes_after",
            "given_in = self._epochs.get(given.epoch)",
            "return True\n    given_in = self._epochs.get(given.epoch)",
        ),
    ),
    _plant(
        "what is in force is not given back",
        ("node.control:Control._load", "if missing:", "if False:"),
    ),
    _plant(
        "other nodes do not read what was given back",
        ("node.control:Control._take", "self._loads_wanted += 1", "pass"),
    ),
    _plant(
        "a token that was revoked is taken",
        ("auth.revocations:Revocations.check", "if revoked is not None and", "if 0 and"),
    ),
    _plant(
        "a user who is blocked is admitted",
        ("auth.revocations:Revocations.check", "if blocked is not None and", "if 0 and"),
    ),
    _plant(
        "a node that may have missed orders keeps its clients",
        ("node.node:Node._on_reloaded", "if has_lost:", "if False:"),
    ),
    _plant(
        "what follows a token that waits does not wait",
        ("node.node:Node._take", "if session in waiting.held:", "if False:"),
    ),
    _plant(
        "a token that waited is not taken",
        (
            "node.authentication:Authentication._release",
            "self.authenticate(session, command, now=self._clock() + self.unix_ahead_s)",
            "pass",
        ),
    ),
    _plant(
        "a user stays in a channel from which it was removed",
        ("node.users:Users._remove", "self._attachments.unsubscribe", "(lambda *_, **__: None)"),
    ),
)

OWN = (
    _plant(
        "a user's channel begins where the log ends, wherever the client stands",
        (
            "node.authentication:Authentication._greet",
            "at = command.user_position if isinstance(command, Authenticate) else None",
            "at = None",
        ),
    ),
    _plant(
        "who was answered without a position never gets one",
        (
            "node.authentication:Authentication._give_up",
            "subscription.request = ",
            "self._attachments.unsubscribe(subscription) or ",
        ),
    ),
    _plant(
        "commands are answered before the token that they follow",
        (
            "node.authentication:Authentication._subscribe_own",
            "self.waiting.admit(session)",
            "pass",
        ),
    ),
    _plant(
        "the answer to a token does not say where the user's channel stands",
        ("node.replicas.attaching:Attachments._admit", "replace(greeting, own=reply)", "greeting"),
    ),
)

EXCLUDING = (
    _plant(
        "an excluded session is sent the publication",
        ("core.batch:FlushBatch.is_for", "return", "return True or"),
    ),
    _plant(
        "trap 9: an excluded publication comes back with the resume",
        ("core.hub:Hub._part", "if after >= channel.excluding:", "if True:"),
    ),
    _plant(
        "trap 9: what a replica began with is for all",
        ("core.channel:excluding_in", "return", "return 0 *"),
    ),
    _plant(
        "trap 14: a session does not know which one it continues",
        (
            "core.session:Session.authenticate",
            "self.continues = self.protocol.session_of(command.resume_session)",
            "pass",
        ),
    ),
    _plant(
        "trap 14: it is excluded as itself only",
        (
            "core.session:Session.ids",
            "if self.continues is None else (self.id, self.continues)",
            "",
        ),
    ),
    _plant(
        "an excluded session misses the others too",
        (
            "core.batch:FlushBatch.without",
            "one is None or one not in ids",
            "one not in ids and False",
        ),
    ),
    _plant(
        "an excluded publication makes a gap",
        (
            "core.batch:_part",
            "upto = entry.offset",
            "upto = entry.offset if entry.exclude not in ids else upto",
        ),
    ),
    _plant(
        "the memory broker forgets who is excluded",
        (
            "broker.memory.store:Store.publish",
            "Publication(offset, message.event, message.data, message.user, message.exclude)",
            "Publication(offset, message.event, message.data, message.user)",
        ),
    ),
)

EPHEMERAL = (
    _plant(
        "an ephemeral event takes a position",
        ("broker.memory.store:Store.publish", "if message.keep:", "if True:"),
    ),
    _plant(
        "an ephemeral event is sent where the node is not",
        (
            "node.replicas.attaching:Attachments.on_ephemeral",
            "event.after <= channel.log.offset",
            "True",
        ),
    ),
    _plant(
        "an ephemeral event of an epoch that ended is sent",
        ("node.replicas.attaching:Attachments.on_ephemeral", "epoch == channel.log.epoch and", ""),
    ),
    _plant(
        "an ephemeral event comes before what it follows",
        ("core.batch:_in_order", "while upto < event.after:", "while False:"),
    ),
    _plant(
        "an ephemeral event comes with each flush",
        ("core.hub:Hub._flush_live", "channel.passing = []", "pass"),
    ),
    _plant(
        "what others were sent is sent to every later joiner",
        ("core.hub:Hub.flush", "channel.passed = []", "pass"),
    ),
    _plant(
        "an ephemeral event is dropped",
        ("core.hub:Hub.pass_on", "channel.passing.append(event)", "pass"),
    ),
    _plant(
        "an ephemeral event's key is forgotten",
        (
            "broker.memory.store:Store.publish",
            "if message.key is not None:\n        self",
            "if message.key is not None and message.keep:\n        self",
        ),
    ),
)

WINDOWS = (
    _plant(
        "a replica drops the newest with the window",
        ("core.window:_least", "return 1 if", "return 0 if"),
    ),
    _plant(
        "the broker drops the newest with the window",
        ("broker.memory.store:_trim", "if len(entries) == 1 and", "if False and"),
    ),
    _plant(
        "a replica does not count bytes",
        (
            "core.hub:Hub.append",
            "channel.bytes += size",
            "pass",
        ),
    ),
    _plant(
        "a log that is longer than its bytes is kept",
        (
            "broker.memory.store:Store.publish",
            "log.size += size",
            "pass",
        ),
    ),
)

PLANTS = (
    OWN
    + ORDERS
    + RULES
    + GUESTS
    + WINDOWS
    + EXCLUDING
    + EPHEMERAL
    + TRAPS
    + LOGS
    + CURSORS
    + MEMBERS
    + STATES
)
