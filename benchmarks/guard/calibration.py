"""The unit of comparison between builds of Python: a pure-Python program that never changes.

Do not change it: every recorded figure is a multiple of it.
"""

from __future__ import annotations

from guard.path import Path, Work

NAME = "calibration"
WORDS = tuple(f"word-{number}" for number in range(32))


class _Thing:
    __slots__ = ("count", "name", "seen")

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.seen: dict[str, int] = {}

    def note(self, word: str) -> bool:
        before = self.seen.get(word, 0)
        self.seen[word] = before + 1
        self.count += 1
        return before > 0


def _once() -> int:
    """Calls, attributes, dictionaries, lists, texts, bytes, exceptions: what a server does."""
    thing = _Thing("calibration")
    total = 0
    for word in WORDS:
        thing.note(word)
        head, _, tail = word.partition("-")
        text = f"{head}:{tail}:{thing.count}"
        total += len(b'{"word":"%b"}' % text.encode())
        try:
            total += int(head)
        except ValueError:
            total += int(tail)
    parts = [word[2:] for word in WORDS if word.endswith(("1", "3", "5"))]
    return total + len("".join(parts)) + sum(number * number for number in range(20))


def _make() -> Work:
    def work(times: int) -> None:
        for _ in range(times):
            _once()

    return work


PATH = Path(NAME, "a program that never changes", _make, 40)
