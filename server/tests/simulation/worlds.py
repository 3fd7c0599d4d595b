"""The worlds that there are: what is run with a seed, and the bugs that it must find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from simulation.healing_plants import HEALING_PLANTS
from simulation.list_plants import LIST_PLANTS
from simulation.list_world import ListWorld
from simulation.part_plants import PART_PLANTS
from simulation.part_world import PartWorld
from simulation.planting import Plant
from simulation.plants import PLANTS
from simulation.shard_plants import SHARD_PLANTS
from simulation.shard_world import ShardWorld
from simulation.tab_plants import TAB_PLANTS
from simulation.tab_world import TabWorld
from simulation.webhook_plants import WEBHOOK_PLANTS
from simulation.webhook_world import WebhookWorld
from simulation.world import World

ALL = "all"


class Run(Protocol):
    """What was made of one seed."""

    def run(self) -> None:
        """Let it happen; raises what went wrong."""
        ...


class MakeRun(Protocol):
    """Makes a run of a seed; `trace` is called with each line of its story."""

    def __call__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> Run: ...


@dataclass(frozen=True)
class Kind:
    """One kind of world; `share` of all runs are of it where all kinds are run."""

    make: MakeRun
    plants: tuple[Plant, ...]
    share: float

    def failure_of(self, seed: int) -> str | None:
        """What went wrong in one run."""
        try:
            self.make(seed).run()
        except Exception as error:  # noqa: BLE001  whatever it is, it is the result
            return f"{type(error).__name__}: {error}"
        return None


KINDS = {
    "nodes": Kind(World, (*PLANTS, *HEALING_PLANTS), 0.4),
    "pages": Kind(TabWorld, TAB_PLANTS, 0.2),
    "webhooks": Kind(WebhookWorld, WEBHOOK_PLANTS, 0.1),
    "parts": Kind(PartWorld, PART_PLANTS, 0.1),
    "lists": Kind(ListWorld, LIST_PLANTS, 0.1),
    "shards": Kind(ShardWorld, SHARD_PLANTS, 0.1),
}


def named(world: str) -> dict[str, Kind]:
    """The kinds that a name means: one, or all."""
    return KINDS if world == ALL else {world: KINDS[world]}


def shares(world: str, seeds: range) -> dict[str, range]:
    """Which seeds of which kind are run: those of a kind are the first ones."""
    if world != ALL:
        return {world: seeds}
    return {name: seeds[: round(len(seeds) * kind.share)] for name, kind in KINDS.items()}


def plant_named(name: str) -> Plant:
    """One of any kind's bugs. Raises `KeyError`."""
    return {one.name: one for kind in KINDS.values() for one in kind.plants}[name]
