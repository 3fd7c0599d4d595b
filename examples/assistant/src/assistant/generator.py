"""Stands in for a language model: it writes a few paragraphs, a word at a time."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable

Generate = Callable[[str], AsyncIterator[str]]
"""From a question to the tokens of its answer."""

PARAGRAPHS = 6
_OPENINGS = (
    "Look at it from the bank:",
    "There are two sides to this:",
    "It helps to begin upstream:",
    "Nobody has measured it, but",
    "In short,",
)
_THINGS = ("the current", "a slow bend", "the old weir", "every tributary", "the spring flood")
_DOINGS = ("carries", "outlasts", "slows down", "explains", "is shaped by")
_OTHERS = ("whatever falls into it", "the stones below", "the next village", "its own delta")


def toy(tokens_per_s: float) -> Generate:
    """Return a generator that answers everything, and the same question always alike."""

    async def generate(question: str) -> AsyncIterator[str]:
        for token in tokens_of(question):
            await asyncio.sleep(1 / tokens_per_s)
            yield token

    return generate


def tokens_of(question: str) -> list[str]:
    """Return the answer's words, each with the white space that follows it."""
    chance = random.Random(question)  # noqa: S311  a toy, no secret
    pick = chance.choice
    paragraphs = [
        f"{pick(_OPENINGS)} {pick(_THINGS)} {pick(_DOINGS)} {pick(_OTHERS)}, "
        f"and {pick(_THINGS)} {pick(_DOINGS)} {pick(_OTHERS)}."
        for _ in range(PARAGRAPHS)
    ]
    text = f"You asked: “{question}”\n\n" + "\n\n".join(paragraphs)
    return [f"{word} " for word in text.split(" ")]
