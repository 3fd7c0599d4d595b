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
        "healing: nobody is gone for too short a time",
        ("healing.union:horizon_s", "found = min(found, age_s - ALIVE_S)", "pass"),
    ),
    _plant(
        "healing: one of two epochs is taken",
        ("healing.union:Evidence.epoch", "len(epochs) == 1", "epochs"),
    ),
    _plant(
        "healing: the keys of messages that were not answered are lost",
        ("healing.union:_keys", "keys[key] = free[0]", "pass"),
    ),
    _plant(
        "healing: a message whose publication nobody has any more was not accepted",
        (
            "healing.union:_Search.may_be_dropped",
            "return max(held, default=0.0) <",
            "return 0 and max(held, default=0.0) <",
        ),
    ),
    _plant(
        "healing: what is known of one log is in several parts",
        ("healing.parts:_by_part", "crc32(one.channel.encode())", "crc32(repr(one).encode())"),
    ),
    _plant(
        "healing: nobody has to be seen to publish",
        ("healing.process:Peers._be_seen", "if answered:", "if False:"),
    ),
)
