"""What nodes are asked: questions that come over the broker, and who answers each kind."""

from collections.abc import Awaitable, Callable
from typing import cast

from riverd.model.orders import Question, encode
from riverd.node.control import Control
from riverd.scheduling.tasks import Tasks


class Inquiries:
    """Answers what somebody here can answer, each by itself; a kind that nobody knows is ignored.

    Who asks waits only a little, and does so now and then: no answer is on anybody's way.
    """

    def __init__(self, control: Control, *, tasks: Tasks) -> None:
        self._control = control
        self._tasks = tasks
        self._by_kind: dict[str, Callable[[Question], object]] = {}

    def answer_with(self, kind: str, answer: Callable[[Question], object]) -> None:
        """Have questions of a kind answered; with None there is no answer. It may be awaitable."""
        self._by_kind[kind] = answer

    def take(self, question: Question) -> None:
        """Answer a question, if it is of a kind that is known."""
        answer = self._by_kind.get(question.kind)
        if answer is not None:
            self._tasks.start(self._answer(question, answer))

    async def _answer(self, question: Question, answer: Callable[[Question], object]) -> None:
        found = answer(question)
        if isinstance(found, Awaitable):
            found = await cast("Awaitable[object]", found)
        if found is not None:
            await self._control.answer(question.id, encode(found))
