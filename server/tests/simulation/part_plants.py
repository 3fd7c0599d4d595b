"""Bugs in offers that are given in parts: a part is lost, old, early, or another one's."""

from simulation.planting import Edit, Plant, plant

_SERVER, _SITE = "simulation.healing:HealingServer", "simulation.healing:SimSite"
_LOST = Edit(f"{_SERVER}.part", "return None if None in found else", "return")
"""What is left of the parts is all that there is."""


PART_PLANTS = (
    Plant("parts: one that is lost is left out", (_LOST,)),
    Plant(
        "parts: an offer counts as whole before its last one is there",
        (
            _LOST,
            Edit(
                f"{_SITE}.offer",
                "for number, whole in parts.items():",
                "head = rest, tuple(parts)\n"
                "    await self._ask(lambda: healing.offer(round_name, name, head=head))\n"
                "    for number, whole in parts.items():",
            ),
        ),
    ),
    Plant(
        "parts: one that an older round has is not given again",
        (
            Edit(
                f"{_SERVER}.turn",
                "self._round, self._owner, self._offers, self._parts = round_name, name, {}, {}",
                "self._round, self._owner, self._offers = round_name, name, {}",
            ),
            Edit(
                f"{_SERVER}.offer_part",
                "self._parts[name, number] = part",
                "self._parts.setdefault((name, number), part)",
            ),
        ),
    ),
    plant(
        "parts: they are numbered in the order in which they are given",
        ("healing.parts:divided", "number: Contribution(", "place: Contribution("),
        (
            "healing.parts:divided",
            "for number in sorted({*replicas, *known, *unanswered})",
            "for place, number in enumerate(sorted({*replicas, *known, *unanswered}))",
        ),
    ),
    plant(
        "parts: one without publications says nothing of messages that were not answered",
        ("healing.parts:light", "known += [", "[] and ["),
    ),
)
