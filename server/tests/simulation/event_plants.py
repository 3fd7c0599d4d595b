"""Bugs in which events a log has, and who is sent them."""

from simulation.planting import plant

EXCLUDING = (
    plant(
        "an excluded session is sent the publication",
        ("core.batch:FlushBatch.is_for", "return", "return True or"),
    ),
    plant(
        "trap 9: an excluded publication comes back with the resume",
        ("core.channel:Channel.part", "if after >= self.excluding:", "if True:"),
    ),
    plant(
        "trap 9: what a replica began with is for all",
        ("core.channel:excluding_in", "return", "return 0 *"),
    ),
    plant(
        "trap 14: a session does not know which one it continues",
        (
            "core.session:Session.authenticate",
            "self.continues = self.protocol.session_of(command.resume_session)",
            "pass",
        ),
    ),
    plant(
        "trap 14: it is excluded as itself only",
        (
            "core.session:Session.ids",
            "if self.continues is None else (self.id, self.continues)",
            "",
        ),
    ),
    plant(
        "an excluded session misses the others too",
        (
            "core.batch:FlushBatch.without",
            "one is None or one not in ids",
            "one not in ids and False",
        ),
    ),
    plant(
        "an excluded publication makes a gap",
        (
            "core.batch:_part",
            "upto = entry.offset",
            "upto = entry.offset if entry.exclude not in ids else upto",
        ),
    ),
    plant(
        "the memory broker forgets who is excluded",
        (
            "broker.memory.store:Store.publish",
            "Publication(offset, message.event, message.data, message.user, message.exclude)",
            "Publication(offset, message.event, message.data, message.user)",
        ),
    ),
)

EPHEMERAL = (
    plant(
        "an ephemeral event takes a position",
        ("broker.memory.store:Store.publish", "if message.keep:", "if True:"),
    ),
    plant(
        "an ephemeral event is sent where the node is not",
        (
            "node.replicas.attaching:Attachments.on_ephemeral",
            "event.after <= channel.log.offset",
            "True",
        ),
    ),
    plant(
        "an ephemeral event of an epoch that ended is sent",
        ("node.replicas.attaching:Attachments.on_ephemeral", "epoch == channel.log.epoch and", ""),
    ),
    plant(
        "an ephemeral event comes before what it follows",
        ("core.batch:_in_order", "while upto < event.after:", "while False:"),
    ),
    plant(
        "an ephemeral event comes with each flush",
        ("core.fanout:Fanout._send_mixed", "channel.passing = []", "pass"),
    ),
    plant(
        "what others were sent is sent to every later joiner",
        ("core.hub:Hub.flush", "channel.passed = []", "pass"),
    ),
    plant(
        "an ephemeral event is dropped",
        ("core.hub:Hub.pass_on", "channel.passing.append(event)", "pass"),
    ),
    plant(
        "an ephemeral event's key is forgotten",
        (
            "broker.memory.store:Store.publish",
            "if message.key is not None:\n        self",
            "if message.key is not None and message.keep:\n        self",
        ),
    ),
)

WINDOWS = (
    plant(
        "a replica drops the newest with the window",
        ("core.window:_least", "return 1 if", "return 0 if"),
    ),
    plant(
        "the broker drops the newest with the window",
        ("broker.memory.store:_trim", "if len(entries) == 1 and", "if False and"),
    ),
    plant(
        "a replica does not count bytes",
        (
            "core.hub:Hub.append",
            "channel.bytes += size",
            "pass",
        ),
    ),
    plant(
        "a log that is longer than its bytes is kept",
        (
            "broker.memory.store:Store.publish",
            "log.size += size",
            "pass",
        ),
    ),
)

EVENT_PLANTS = WINDOWS + EXCLUDING + EPHEMERAL
