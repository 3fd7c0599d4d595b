"""Bugs in the healing of the broker that the simulator has to find."""

from simulation.planting import Edit, Plant


def _plant(name: str, *edits: tuple[str, str, str]) -> Plant:
    return Plant(name, tuple(Edit(f"riverd.{where}", old, new) for where, old, new in edits))


HEALING_PLANTS = (
    _plant(
        "healing: a process that does not answer is not missed",
        ("healing.union:horizon_s", "if awaited(offers) - offers.keys():", "if False:"),
        ("healing.union:horizon_s", "found = min(found, age_s - ALIVE_S)", "pass"),
    ),
    _plant(
        "healing: the newest replica is complete, however old it is",
        ("healing.union:healed", "one.age_s <= certainty.horizon_s", "certainty.horizon_s >= 0"),
    ),
    _plant(
        "healing: nobody is gone for too short a time",
        ("healing.union:horizon_s", "found = min(found, age_s - ALIVE_S)", "pass"),
    ),
    _plant(
        "healing: one of two contents is taken",
        (
            "healing.union:Evidence.publications",
            "found.setdefault(publication.offset, publication) != publication",
            "found.setdefault(publication.offset, publication) is None",
        ),
    ),
    _plant(
        "healing: one of two epochs is taken",
        ("healing.union:Evidence.epoch", "len(epochs) == 1", "epochs"),
    ),
    _plant(
        "healing: a hole is left",
        ("healing.union:healed", "if first > min(one.offset for one in complete):", "if False:"),
    ),
    _plant(
        "healing: what only a publisher was given is left out",
        (
            "healing.union:gathered",
            "found[known.channel].known.append(known)",
            "pass",
        ),
    ),
    _plant(
        "healing: what only the data has is left out",
        ("healing.process:Healing._restore", "evidence[channel].stored = found", "pass"),
    ),
    _plant(
        "healing: the keys of accepted messages are lost",
        ("healing.union:_keys", "if known.key is not None and", "if False and"),
    ),
    _plant(
        "healing: the keys of messages that were not answered are lost",
        ("healing.union:_keys", "keys[key] = free[0]", "pass"),
    ),
    _plant(
        "healing: a message whose publication nobody has any more was not accepted",
        (
            "healing.union:_Search.may_be_dropped",
            "return oldest_s <",
            "return 0 and oldest_s <",
        ),
    ),
    _plant(
        "healing: only the last attempt at a message counts",
        (
            "healing.union:_keys",
            "attempts.setdefault(one.key, []).append(one)",
            "attempts[one.key] = [one]",
        ),
    ),
    _plant(
        "healing: what was detached is forgotten",
        ("healing.process:Healing._offer", "known += former", "pass"),
    ),
    _plant(
        "healing: who has offered goes back to the old master",
        (
            "healing.process:Healing.heal",
            "self.least = max(self.least, offer.term + 1)",
            "pass",
        ),
        (
            "healing.process:Healing.enter",
            "self.least = max(self.least, term.number)",
            "pass",
        ),
    ),
    _plant(
        "healing: nobody has to be seen to publish",
        ("healing.process:Peers._be_seen", "if alive:", "if False:"),
    ),
    _plant(
        "healing: who is new needs nobody that knows of it",
        ("healing.process:Peers._be_seen", "elif self.is_member:", "else:"),
        ("healing.union:horizon_s", "> FRESH_S", "> math.inf"),
    ),
    _plant(
        "healing: a replica that is behind counts as complete",
        (
            "node.repair:Repairs.compare",
            "behind.append((attachment, position))",
            "behind.append((attachment, position)); attachment.confirmed_at = asked_at",
        ),
    ),
    _plant(
        "healing: a replica is made of two terms",
        ("node.attaching:Attachments._attach_now", "if self._broker.term != term:", "if False:"),
        ("node.repair:Repairs._check_term", "if self._broker.term != term:", "if False:"),
    ),
    _plant(
        "healing: a round begins before all have offered",
        (
            "healing.process:_Collected.is_complete",
            "if awaited(self.offers) - self.offers.keys():",
            "if False:",
        ),
        ("healing.union:horizon_s", "if awaited(offers) - offers.keys():", "if False:"),
    ),
)
