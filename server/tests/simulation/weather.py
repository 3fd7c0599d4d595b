"""What goes wrong in one run, and how often."""

from dataclasses import dataclass, field
from random import Random

FAULTS = (
    "cut feed",
    "cut node",
    "crash node",
    "stop node",
    "broker away",
    "broker restart",
    "cut client",
    "close client",
    "stall client",
    "kick user",
    "revoke user",
    "block user",
    "remove user",
)


@dataclass
class Weather:
    """Chances are per event, `faults` per second. Each run has some kinds of trouble, few all."""

    latency_s: float = 0.005
    late: float = 0.0
    refused: float = 0.0
    unanswered: float = 0.0
    ghosts: float = 0.0
    lost: float = 0.0
    faults: dict[str, float] = field(default_factory=dict[str, float])

    def delay_s(self, dice: Random) -> float:
        """How long something is on its way."""
        if self.late and dice.random() < self.late:
            return dice.uniform(0.2, 2.0)
        return dice.random() * self.latency_s


HEALED = ("broker restart", "broker failover", "crash publisher", "pause node")
"""What goes wrong where a broker is healed: each in every second run."""


def drawn(dice: Random, *, heals: bool) -> Weather:
    """The weather of one run."""
    faults = {}
    for fault in FAULTS:
        if dice.random() < 0.4:
            faults[fault] = dice.choice((0.1, 0.3, 1.0))
    for fault in HEALED if heals else ():
        if dice.random() < 0.5:
            faults[fault] = dice.choice((0.1, 0.2))
    return Weather(
        latency_s=dice.choice((0.004, 0.02, 0.1)),
        late=dice.choice((0.0, 0.02, 0.1)),
        refused=dice.choice((0.0, 0.02, 0.2)),
        unanswered=dice.choice((0.0, 0.02, 0.2)),
        ghosts=dice.choice((0.0, 0.1)),
        lost=dice.choice((0.0, 0.02, 0.2)),
        faults=faults,
    )
