"""Bugs in what is allowed and ordered: guests, channel rules, orders, channels of users."""

from simulation.planting import plant

GUESTS = (
    plant(
        "a guest listens everywhere",
        (
            "protocols.native.protocol:Native._check_guest",
            "or not self.rules.admits_guests(command.channel)",
            "",
        ),
    ),
    plant(
        "a guest publishes",
        (
            "protocols.native.protocol:Native._check_guest",
            "isinstance(command, PublishCommand) or",
            "",
        ),
    ),
    plant(
        "no guest is let in",
        ("channels.rules:ChannelRules.admits_guests", "return", "return False and"),
    ),
)

RULES = (
    plant(
        "members by a rule are forgotten",
        (
            "node.replicas.attaching:Attachments._attach_now",
            "self._hub.rules.has_members(name)",
            "name.startswith('presence-')",
        ),
    ),
    plant(
        "a client publishes against a rule",
        ("channels.rules:ChannelRules.may_publish", "self.of(channel).client_publish and ", ""),
    ),
)

ORDERS = (
    plant(
        "a node that may have missed an order takes tokens",
        ("node.control:Control._confirm", "asked_at + UNCONFIRMED_S_MAX", "math.inf"),
    ),
    plant(
        "a node takes tokens by what another master confirmed",
        ("node.control:Control.is_confirmed", " and self._broker.term == self._confirmed_in", ""),
    ),
    plant(
        "what was ordered meanwhile is not read",
        ("node.control:Control._confirm", "if not self._has(newest):", "if False:"),
    ),
    plant(
        "an order reaches who came after it",
        (
            "node.control:Control._comes_after",
            "given_in = self._epochs.get(given.epoch)",
            "return True\n    given_in = self._epochs.get(given.epoch)",
        ),
    ),
    plant(
        "what is in force is not given back",
        ("node.control:Control._load", "if missing:", "if False:"),
    ),
    plant(
        "other nodes do not read what was given back",
        ("node.control:Control._take", "self._loads_wanted += 1", "pass"),
    ),
    plant(
        "a token that was revoked is taken",
        ("auth.revocations:Revocations.check", "if revoked is not None and", "if 0 and"),
    ),
    plant(
        "a user who is blocked is admitted",
        ("auth.revocations:Revocations.check", "if blocked is not None and", "if 0 and"),
    ),
    plant(
        "a node that may have missed orders keeps its clients",
        ("node.node:Node._on_reloaded", "if has_lost:", "if False:"),
    ),
    plant(
        "what one node gave back is read by no other",
        ("broker.memory.store:Store.restore_standing", "return is_newer", "return False"),
    ),
    plant(
        "what follows a token that waits does not wait",
        ("node.node:Node._take", "if session in waiting.held:", "if False:"),
    ),
    plant(
        "a token that waited is not taken",
        (
            "node.authentication:Authentication._release",
            "self.authenticate(session, command, now=self._clock() + self.unix_ahead_s)",
            "pass",
        ),
    ),
    plant(
        "a user stays in a channel from which it was removed",
        ("node.users:Users._remove", "self._attachments.unsubscribe", "(lambda *_, **__: None)"),
    ),
)

OWN = (
    plant(
        "a user's channel begins where the log ends, wherever the client stands",
        (
            "node.authentication:Authentication._identify",
            "at=None if token is None else token.user_position",
            "at=None",
        ),
    ),
    plant(
        "who was answered without a position never gets one",
        (
            "node.authentication:Authentication._give_up",
            "subscription.request = ",
            "self._attachments.unsubscribe(subscription) or ",
        ),
    ),
    plant(
        "commands are answered before the token that they follow",
        (
            "node.authentication:Authentication._subscribe_own",
            "self.waiting.admit(session)",
            "pass",
        ),
    ),
    plant(
        "the answer to a token does not say where the user's channel stands",
        ("node.replicas.attaching:Attachments._admit", "replace(greeting, own=reply)", "greeting"),
    ),
)

RULE_PLANTS = OWN + ORDERS + RULES + GUESTS
