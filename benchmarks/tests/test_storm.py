"""What a storm's generators saw, put together."""

from __future__ import annotations

import pytest
import storm

RATE, SECONDS = 50, 20


def load(*, seconds: float = SECONDS, lost: int = 0) -> dict[str, object]:
    """A generator whose clients came at its rate, second by second, and stayed for a while."""
    up = [RATE * second for second in range(1, SECONDS + 1)]
    stayed = [up[-1]] * 3
    return {
        "connect": {"live": up[-1], "seconds": seconds, "refused": 1, "ms": {"p99": seconds}},
        "settings": {"connections": up[-1]},
        "total": {"lost": lost},
        "series": [(live, live, 2 * live) for live in up + stayed],
    }


@pytest.mark.parametrize("late_s", [0.0, 0.1, 0.9])
def test_joins_at_the_end_are_counted_while_clients_still_came(late_s: float) -> None:
    found = storm.figures_of([load(seconds=SECONDS + late_s), load()])
    assert found["joins_per_s_end"] == 2 * RATE


def test_all_generators_count_together_and_the_last_one_ends_it() -> None:
    found = storm.figures_of([load(lost=2), load(seconds=SECONDS + 0.5)])
    clients = 2 * RATE * SECONDS
    assert (found["live"], found["wanted"]) == (clients, clients)
    assert (found["refused"], found["lost"]) == (2, 2)
    assert found["seconds"] == found["connect_ms_p99"] == SECONDS + 0.5
    assert found["deliveries_per_s_peak"] == 3 * clients
