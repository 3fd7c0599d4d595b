"""What the attacks cost the version of 26 November 2026, before what a client can cost was bounded.

Commit 247cd63 with its defaults, 15 s of each, on a machine that was busy with other work: delays
below 100 ms are the machine's. What is not named is not in it.
"""

from collections.abc import Mapping

HEAD = "on 26 November"
BEFORE: Mapping[str, str] = {
    "strangers begin a message of 16 KB each": "118 MiB",
    "one address opens silent WebSockets": "78 MiB",
    "sockets that send nothing": "66 MiB",
    "clients come and go": "76 MiB",
    "full histories that nobody reads": "killed after 4 s",
    "nonsense without a token": "70 MiB",
    "origins of 8 KB": "61 MiB",
    "one user collects channels": "285 MiB, 1,390 ms, 9 of 66 not served",
    "one client joins and leaves a crowd": "66 MiB",
    "one client publishes to a crowd": "71 MiB, 1,709 ms, 13 of 32 not served",
    "one user publishes to channels that are new": "163 MiB, 267 ms",
    "subscribers that read nothing": "66 MiB, 1,164 ms, 4 of 40 not served",
}
NOT_THERE = "not in it"


def cost_before(attack: str) -> str:
    """The cell of the table."""
    return BEFORE.get(attack, NOT_THERE)
