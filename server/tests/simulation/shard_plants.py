"""Bugs in the healing of a cluster, and in what its servers' scripts are as they are modelled."""

from simulation.planting import Edit, Plant, plant

_SERVER = "simulation.shard_server"
_PROCESS = "simulation.shard_process:ShardProcess"
_SITE = "simulation.shard_site:ShardSite"


def _model(name: str, *edits: tuple[str, str, str]) -> Plant:
    return Plant(name, tuple(Edit(where, old, new) for where, old, new in edits))


SHARD_PLANTS = (
    plant(
        "shards: a log of another shard counts whenever it was written",
        (
            "healing.admissions:OpenTerm.counts",
            "writer == at or mark.term in self.terms_of(at)",
            "True",
        ),
    ),
    plant(
        "shards: a server is what it was, by its address",
        (
            "healing.shards:following",
            "at_address.get(address) if history is None else of_history.get(history)",
            "at_address.get(address)",
        ),
    ),
    plant(
        "shards: a restarted server goes on as admitted before",
        (
            "healing.shards:following",
            "shards.append(Shard(address, history, term))",
            "shards.append(Shard(address, history, before[0].admitted if before else term))",
        ),
    ),
    plant(
        "shards: all are admitted anew",
        ("healing.shards:following", "if known is not None:", "if False:"),
    ),
    plant(
        "shards: a server that does not answer is none",
        ("healing.shards:following", "at_address.get(address) if history is None else", ""),
    ),
    plant(
        "shards: a term that the process has left is entered again",
        ("healing.admissions:Admissions.shard", "now.term.number < healing.least or", ""),
    ),
    plant(
        "shards: no term is asked for with a new server",
        (
            "healing.admissions:Admissions.shard",
            "healing.least = max(healing.least, now.term.number + 1)",
            "pass",
        ),
    ),
    plant(
        "shards: a term is numbered after the last that was entered",
        ("healing.process:Healing._restore", "max(offer.term + 1, offer.least)", "offer.term + 1"),
    ),
    plant(
        "shards: what goes on is healed too",
        ("healing.process:Healing._healed", "found is not None and found.goes_on", "False"),
    ),
    plant(
        "shards: who offers does not know the last term's shards",
        ("healing.process:Healing._restore", "former=newest.shards", "former=()"),
    ),
    _model(
        "shards: a log is restored over what it has become",
        (f"{_SERVER}:ShardServer.restore", "if is_same:", "if True:"),
    ),
    _model(
        "shards: a round goes on at another home",
        (f"{_SERVER}:ShardHome.turn", "if self.round_history != self.server.history:", "if False:"),
        (
            f"{_SERVER}:ShardHome.has_round",
            "is_here = self.round_history == self.server.history",
            "is_here = True",
        ),
    ),
    _model(
        "shards: a term is open while it is healed",
        (f"{_SERVER}:ShardHome.opened", "or self.has_round", ""),
    ),
    _model(
        "shards: a process that heals is answered still",
        (f"{_PROCESS}.heal", "self.drop_connections()", "pass"),
        (f"{_PROCESS}._check_in_term", "self.healing.has_left", "False"),
    ),
    _model(
        "shards: a sign of life does not show that the term is over",
        (f"{_PROCESS}._beat", "if not is_same or", "if"),
    ),
    _model(
        "shards: ids stay where their slot was",
        (
            "simulation.shard_cluster:ShardCluster.move_data",
            "target.write(slot, source.slots[slot])",
            "target.write(slot, type(NO_SLOT)(source.slots[slot].log))",
        ),
    ),
)
