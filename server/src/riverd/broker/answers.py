"""Waits for what nodes answer to an order or a question: a little, and never for all of them."""

import asyncio
from collections.abc import Callable, Collection, Mapping

from riverd.broker.control import BrokerControl
from riverd.errors import RiverError

ANSWERS_S_MAX = 0.4
"""How long nodes are waited for: a caller is answered within a second."""
LOOK_S_FIRST = 0.004
LOOK_S_MAX = 0.05


async def wait_for_answers(
    control: BrokerControl, asked: str, *, is_all: Callable[[Collection[str]], bool]
) -> Mapping[str, bytes]:
    """What was answered until these were all who are waited for, or the time was over.

    Never raises: it is under way by now.
    """
    answers, pause_s = dict[str, bytes](), LOOK_S_FIRST
    # No `asyncio.timeout`: a request is begun outside of a task.
    clock = asyncio.get_running_loop().time
    ends_at = clock() + ANSWERS_S_MAX
    while not is_all(answers) and clock() < ends_at:
        await asyncio.sleep(pause_s)
        pause_s = min(LOOK_S_MAX, pause_s * 2)
        try:
            answers = dict(await control.answers(asked))
        except RiverError:
            break
    return answers
