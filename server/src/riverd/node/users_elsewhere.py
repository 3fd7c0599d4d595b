"""What users who use much here use on other nodes: those are asked now and then."""

import math
import secrets
from collections.abc import Callable
from contextlib import suppress

from riverd.broker import Broker
from riverd.broker.answers import wait_for_answers
from riverd.core.budget import drop_some
from riverd.errors import RiverError
from riverd.model.orders import Question, UserUse, user_use_of
from riverd.scheduling.tasks import Tasks

USER_USE = "user_use"
"""The kind of the question."""
FRESH_S = 5.0
KEPT_S = 60.0
"""What was answered so long ago holds no more: the broker may be away."""
NOTHING = UserUse(0, 0)


class UsersElsewhere:
    """Asks at most once in `FRESH_S` for each user; until there is an answer nothing is known.

    `use_of` says what a user uses here, for others that ask.
    """

    def __init__(
        self,
        broker: Broker,
        use_of: Callable[[str], UserUse],
        *,
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self._broker = broker
        self._use_of = use_of
        self._tasks = tasks
        self._clock = clock
        self._known: dict[str, tuple[UserUse, float]] = {}
        self._asked: dict[str, str] = {}
        """Users by the questions that are under way."""

    def of(self, user: str) -> UserUse:
        """As far as it is known; asks again where that is old."""
        known, at = self._known.get(user, (NOTHING, -math.inf))
        age_s = self._clock() - at
        if age_s >= FRESH_S and user not in self._asked.values():
            question = Question(secrets.token_hex(8), user, USER_USE)
            self._asked[question.id] = user
            self._tasks.start(self._ask(question))
        return known if age_s < KEPT_S else NOTHING

    def answer(self, question: Question) -> UserUse | None:
        """What the user uses here; nothing to a question of this node's own."""
        return None if question.id in self._asked else self._use_of(question.user)

    async def _ask(self, question: Question) -> None:
        try:
            with suppress(RiverError):
                self._keep(question.user, await self._answered(question))
        finally:
            del self._asked[question.id]

    async def _answered(self, question: Question) -> UserUse:
        control = self._broker.control
        others = len(await control.nodes()) - 1
        if others < 1:
            return NOTHING
        await control.ask(question)
        answers = await wait_for_answers(
            control, question.id, is_all=lambda got: len(got) >= others
        )
        # A node of an older version says something else.
        found = [use for body in answers.values() if (use := user_use_of(body)) is not None]
        return UserUse(sum(one.connections for one in found), sum(one.channels for one in found))

    def _keep(self, user: str, use: UserUse) -> None:
        now = self._clock()
        self._known.pop(user, None)
        self._known[user] = use, now
        drop_some(self._known, lambda one: one[1] < now - KEPT_S)
