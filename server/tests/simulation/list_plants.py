"""Bugs in what a node does with a list of members that began again."""

from simulation.planting import plant

_RUN = "node.replicas.settling:Settlements._run"

LIST_PLANTS = (
    plant(
        "lists: a node takes one while it makes its own entries",
        (_RUN, "remaking(here=is_making) or is_making", "remaking(here=is_making)"),
    ),
    plant(
        "lists: a node takes one while others make their entries",
        (_RUN, "await self._broker.remaking(here=is_making) or is_making", "is_making"),
    ),
    plant(
        "lists: a node does not say that it makes entries",
        (_RUN, "remaking(here=is_making)", "remaking(here=False)"),
    ),
    plant(
        "lists: entries whose turn is later do not count",
        (
            "node.replicas.remaking:Remaking.is_over",
            "self._under_way or self._waiting or self._listing or self._is_running",
            "self._under_way",
        ),
    ),
    plant(
        "lists: who does not answer has nothing to say",
        (_RUN, "is_busy, wait_s = True, RETRY_S", "is_busy = is_making"),
    ),
    plant(
        "lists: what is made in the one before counts",
        ("node.replicas.attachment:PresenceEntry.is_made", "position.epoch == epoch", "True"),
    ),
)
