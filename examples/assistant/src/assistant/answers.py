"""Answers: written by a task each, published token by token, kept for those who come later."""

import asyncio
import logging
import secrets
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from assistant.generator import Generate
from river_realtime import AsyncRiver, Position, RiverError

WRITING_MAX = 20
KEPT_MAX = 1_000

State = Literal["writing", "finished", "stopped", "failed"]

log = logging.getLogger("assistant")


class TooManyAnswersError(Exception):
    """So many answers are being written that no other is begun."""


@dataclass(slots=True)
class GeneratedAnswer:
    """One answer, as far as it is written.

    `position` is that of the last event whose text is in `text`: who has both goes on from there.
    """

    id: str
    question: str
    position: Position
    text: str = ""
    state: State = "writing"
    events: int = 0
    is_unwanted: bool = False

    @property
    def channel(self) -> str:
        """Where it is published. The id is long and random: who has the link may read."""
        return f"answer-{self.id}"


class Answers:
    """All answers of this process. A real app keeps them in its database."""

    def __init__(self, river: AsyncRiver, generate: Generate) -> None:
        self._river = river
        self._generate = generate
        self._kept: dict[str, GeneratedAnswer] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def find(self, answer_id: str) -> GeneratedAnswer | None:
        """Return an answer, if it is still kept."""
        return self._kept.get(answer_id)

    async def begin(self, question: str) -> GeneratedAnswer:
        """Begin an answer, which goes on whoever listens.

        Raises:
            TooManyAnswersError: come again later.
            RiverError: River does not answer.
        """
        if len(self._writing) >= WRITING_MAX:
            raise TooManyAnswersError
        answer_id = secrets.token_hex(16)
        start = (await self._river.channel(f"answer-{answer_id}")).position
        answer = self._kept[answer_id] = GeneratedAnswer(answer_id, question, start)
        if len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        task = asyncio.create_task(self._write(answer))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return answer

    async def close(self) -> None:
        """Give up what is being written."""
        for task in self._writing:
            task.cancel()
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def _write(self, answer: GeneratedAnswer) -> None:
        state: State = "finished"
        try:
            async with aclosing(self._generate(answer.question)) as tokens:
                async for token in tokens:
                    if answer.is_unwanted:
                        state = "stopped"
                        break
                    position = await self._publish(answer, "token", data=token)
                    # Nothing is awaited between these two: text and position belong together.
                    answer.text += token
                    answer.position = position
        except Exception:
            log.exception("answer %s failed", answer.id)
            state = "failed"
        try:
            answer.position = await self._publish(answer, "done", data=state)
        except RiverError as error:
            log.warning("the end of answer %s was not announced: %s", answer.id, error)
        answer.state = state

    async def _publish(self, answer: GeneratedAnswer, event: str, *, data: str) -> Position:
        """Publish once, however often it is sent: the id says which event of the answer it is."""
        answer.events += 1
        return await self._river.publish(
            answer.channel, event, data, id=f"{answer.id}-{answer.events}"
        )
