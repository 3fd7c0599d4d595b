"""The values of protocol/cases: variables put in, patterns compared (its README has the rules)."""

import re
import time
from typing import cast

Variables = dict[str, object]

_VARIABLE = re.compile(r"\$([a-z_][a-z0-9_]*)")
_INSIDE = re.compile(r"\$\{([a-z_][a-z0-9_]*)\}")
ANYTHING = "$_"


def filled(value: object, variables: Variables) -> object:
    """The value with its variables put in."""
    match value:
        case str():
            whole = _VARIABLE.fullmatch(value)
            if whole is not None:
                return variables[whole[1]]
            return _INSIDE.sub(lambda inside: str(variables[inside[1]]), value)
        case {"$now": int() | float() as seconds}:
            return int(time.time() + seconds)
        case dict():
            fields = cast("dict[str, object]", value)
            return {name: filled(field, variables) for name, field in fields.items()}
        case list():
            return [filled(entry, variables) for entry in cast("list[object]", value)]
        case _:
            return value


def difference(pattern: object, value: object, variables: Variables, at: str = "$") -> str | None:
    """Where the value does not fit the pattern; None if it does. Captures new variables."""
    match pattern:
        case str():
            return _text_difference(pattern, value, variables, at)
        case {"$unordered": list(entries)}:
            return _unordered_difference(cast("list[object]", entries), value, variables, at)
        case dict():
            return _fields_difference(cast("dict[str, object]", pattern), value, variables, at)
        case list():
            return _entries_difference(cast("list[object]", pattern), value, variables, at)
        case _:
            return None if _same(pattern, value) else f"{at} is {value!r}, not {pattern!r}"


def _text_difference(pattern: str, value: object, variables: Variables, at: str) -> str | None:
    if pattern == ANYTHING:
        return None
    whole = _VARIABLE.fullmatch(pattern)
    if whole is not None and whole[1] not in variables:
        variables[whole[1]] = value
        return None
    wanted = filled(pattern, variables)
    return None if _same(wanted, value) else f"{at} is {value!r}, not {wanted!r}"


def _fields_difference(
    pattern: dict[str, object], value: object, variables: Variables, at: str
) -> str | None:
    if not isinstance(value, dict):
        return f"{at} is {value!r}, not an object"
    fields = cast("dict[str, object]", value)
    if fields.keys() != pattern.keys():
        return f"{at} has the fields {sorted(fields)}, not {sorted(pattern)}"
    found = (
        difference(wanted, fields[name], variables, f"{at}.{name}")
        for name, wanted in pattern.items()
    )
    return next(filter(None, found), None)


def _entries_difference(
    pattern: list[object], value: object, variables: Variables, at: str
) -> str | None:
    if not isinstance(value, list) or len(cast("list[object]", value)) != len(pattern):
        return f"{at} is {value!r}, not an array of {len(pattern)}"
    entries = cast("list[object]", value)
    found = (
        difference(wanted, entry, variables, f"{at}[{index}]")
        for index, (wanted, entry) in enumerate(zip(pattern, entries, strict=True))
    )
    return next(filter(None, found), None)


def _unordered_difference(
    pattern: list[object], value: object, variables: Variables, at: str
) -> str | None:
    if not isinstance(value, list) or len(cast("list[object]", value)) != len(pattern):
        return f"{at} is {value!r}, not an array of {len(pattern)}"
    left = list(cast("list[object]", value))
    for wanted in pattern:
        fitting = next(
            (one for one in left if difference(wanted, one, dict(variables)) is None), at
        )
        if fitting is at:
            return f"{at} is {value!r}, without {wanted!r}"
        left.remove(fitting)
    return None


def _same(wanted: object, value: object) -> bool:
    # 15 and 15.0 are one number of JSON; true and 1 are not one value.
    return wanted == value and isinstance(wanted, bool) == isinstance(value, bool)
