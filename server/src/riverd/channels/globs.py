"""Globs that are matched in time linear in the text, whatever stands in them.

Origins and channel names come from strangers, and globs may hold what a stranger chose: a
backtracking expression would let them stop the process. The globs of a list that are more than a
name or a prefix run side by side as one automaton, its states the bits of one integer:

    glob   a * b      bit 0: nothing matched yet, 1: "a" matched, 2: "ab" matched (the end)
                      advance on "a": 0b001, on "b": 0b010      stay (a star stands here): 0b010

One character of the text is one step: the states that it advances move up by a bit, those with a
star stay where they are.
"""

import re
from collections.abc import Callable, Iterable

_PARTS = re.compile(r"\[!?+.[^]]*\]|.", re.DOTALL)
_WILDCARDS = frozenset("*?[")
_CHARACTERS_KEPT_MAX = 256

Accepts = Callable[[str], bool]
"""Whether one symbol of a glob accepts a character."""


class Globs:
    """A list of globs: `*` is any text, `?` one character, `[ab]`, `[a-z]` and `[!ab]` a set.

    A bracket that is not closed is itself. With `only_stars`, only `*` is special.
    """

    __slots__ = ("_automaton", "_names", "_prefixes")

    def __init__(self, globs: Iterable[str], *, only_stars: bool = False) -> None:
        names: list[str] = []
        prefixes: list[str] = []
        others: list[str] = []
        # Made for each token with grants.
        for glob in globs:
            before, star, behind = glob.partition("*")
            if behind or (not only_stars and ("?" in before or "[" in before)):
                others.append(glob)
            elif star:
                prefixes.append(before)
            else:
                names.append(glob)
        self._names = frozenset(names)
        self._prefixes = tuple(prefixes)
        self._automaton = _Automaton(others, only_stars=only_stars) if others else None

    def match(self, text: str) -> bool:
        """Whether any of the globs fits the whole text."""
        return (
            text in self._names
            or text.startswith(self._prefixes)
            or (self._automaton is not None and self._automaton.accepts(text))
        )


def covers(wide: str, narrow: str) -> bool:
    """Whether a glob fits all that another one fits; False where a look at both does not say."""
    literal = re.split(r"[*?[]", wide, maxsplit=1)[0]
    if not narrow.startswith(literal):
        return False
    parts = _PARTS.findall(wide[len(literal) :])
    reached = _skipping({0}, parts)
    for part in _PARTS.findall(narrow[len(literal) :]):
        stay = {at for at in reached if at < len(parts) and parts[at] == "*"}
        move = {at + 1 for at in reached - stay if at < len(parts) and _takes(parts[at], part)}
        reached = _skipping(stay | move, parts)
    return len(parts) in reached


def _skipping(reached: set[int], parts: list[str]) -> set[int]:
    """With what is reached beyond stars, which may stand for nothing."""
    found = set(reached)
    for at, part in enumerate(parts):
        if part == "*" and at in found:
            found.add(at + 1)
    return found


def _takes(wide: str, narrow: str) -> bool:
    """Whether one part of a glob that is no star fits all that another part fits."""
    if narrow == "*":
        return False
    is_one = narrow != "?" and len(narrow) == 1
    return wide in ("?", narrow) or (is_one and len(wide) > 1 and Globs([wide]).match(narrow))


class _Automaton:
    """Some globs side by side. Each has a bit for its start and one behind each of its symbols."""

    __slots__ = ("_advances", "_end", "_start", "_stays", "_symbols")

    def __init__(self, globs: Iterable[str], *, only_stars: bool) -> None:
        self._symbols: list[Accepts | None] = []
        """What is accepted at each bit; None at the end of a glob, where nothing is."""
        self._start = self._end = self._stays = 0
        self._advances: dict[str, int] = {}
        for glob in globs:
            self._start |= 1 << len(self._symbols)
            for symbol in _split(glob, only_stars=only_stars):
                if symbol is None:
                    self._stays |= 1 << len(self._symbols)
                else:
                    self._symbols.append(symbol)
            self._end |= 1 << len(self._symbols)
            self._symbols.append(None)

    def accepts(self, text: str) -> bool:
        advances, stays, states = self._advances, self._stays, self._start
        for character in text:
            advance = advances.get(character)
            if advance is None:
                advance = self._advance(character)
            states = (states & advance) << 1 | states & stays
            if not states:
                return False
        return bool(states & self._end)

    def _advance(self, character: str) -> int:
        """The states that a character moves on, found once: channel names have 80 characters."""
        advance = 0
        for bit, accepts in enumerate(self._symbols):
            if accepts is not None and accepts(character):
                advance |= 1 << bit
        if len(self._advances) < _CHARACTERS_KEPT_MAX:
            self._advances[character] = advance
        return advance


def _split(glob: str, *, only_stars: bool) -> Iterable[Accepts | None]:
    """The symbols of a glob, from left to right; None for a star."""
    at = 0
    while at < len(glob):
        character = glob[at]
        at += 1
        if character == "*":
            yield None
        elif only_stars or character not in _WILDCARDS:
            yield character.__eq__
        elif character == "?":
            yield _anything
        else:
            # "]" right behind the bracket is one of the set.
            close = glob.find("]", at + 1 + glob.startswith("!", at))
            if close < 0:
                yield character.__eq__
            else:
                yield _one_of(glob[at:close])
                at = close + 1


def _anything(_character: str) -> bool:
    return True


def _one_of(text: str) -> Accepts:
    """What accepts the characters of a set, as it stands between brackets."""
    negated = text.startswith("!")
    ranges: list[tuple[str, str]] = []
    at = int(negated)
    while at < len(text):
        is_range = text.startswith("-", at + 1) and at + 2 < len(text)
        ranges.append((text[at], text[at + 2] if is_range else text[at]))
        at += 3 if is_range else 1

    def accepts(character: str) -> bool:
        return any(low <= character <= high for low, high in ranges) is not negated

    return accepts
