"""JSON as the library writes it: values that programs have, not only those that JSON has."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath
from typing import Any, cast
from uuid import UUID

from river_realtime.errors import UsageError
from river_realtime.stack import on_fresh_stack

Default = Callable[[Any], Any]

_UTC = "+00:00"
_DAY_S = 86_400


def encode(body: object, default: Default | None = None) -> bytes:
    """A value as JSON.

    Dates, times and durations become ISO 8601; UUID, Decimal, paths and IP addresses text, enums
    their value; dataclasses, msgspec.Struct, attrs classes and pydantic models become objects,
    sets lists.

    Args:
        body: what to write.
        default: is asked first for each value that JSON does not have; it raises TypeError for
            what it does not know.

    Raises:
        UsageError: `data_invalid`, there is no JSON for it.
    """
    known = partial(_plain, default=default)
    try:
        try:
            return _dumped(body, known)
        except RecursionError:
            return on_fresh_stack(lambda: _dumped(body, known))
    except RecursionError:
        raise _invalid("it contains itself, or is nested too deeply") from None
    except UnicodeEncodeError:
        raise _invalid("a text has half a surrogate pair, which UTF-8 cannot say") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise _invalid(_cure(str(error))) from error


def _dumped(body: object, default: Default) -> bytes:
    try:
        return _dump(body, default)
    except TypeError as error:
        if "keys must be" not in str(error):
            raise
    return _dump(_with_text_keys(body, default), default)


def _dump(body: object, default: Default) -> bytes:
    text = json.dumps(
        body,
        default=default,
        ensure_ascii=False,
        allow_nan=False,
        # What contains itself ends at the recursion limit, as what is nested too deeply.
        check_circular=False,
        separators=(",", ":"),
    )
    return text.encode()


def _plain(value: object, default: Default | None) -> object:
    """One step from a value that JSON does not have towards one that it has."""
    if default is not None:
        try:
            return default(value)
        except TypeError:
            # Not one of those that the program knows.
            pass
    match value:
        case datetime() | time():
            return value.isoformat().replace(_UTC, "Z")
        case date():
            return value.isoformat()
        case timedelta():
            return _duration(value)
        case UUID() | Decimal() | PurePath() | IPv4Address() | IPv6Address():
            return str(value)
        case Enum():
            return value.value
        case bytes() | bytearray() | memoryview():
            raise TypeError("bytes are not JSON: send text, base64 for example")
        case _:
            return _members(value, partial(_plain, default=default))


def _members(value: object, default: Default) -> object:
    """What a container or an object with declared fields holds.

    No library is imported for its classes: a program that has an object of one has imported it.
    """
    kind: type[Any] = type(value)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, Sequence | AbstractSet):
        return list(cast("Iterable[object]", value))
    if dataclasses.is_dataclass(kind):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
    if hasattr(kind, "__struct_fields__"):
        return sys.modules["msgspec"].to_builtins(value, enc_hook=default)
    if hasattr(kind, "__attrs_attrs__"):
        return {field.name: getattr(value, field.name) for field in kind.__attrs_attrs__}
    if hasattr(kind, "__pydantic_serializer__"):
        # Models, and what pydantic has besides: addresses, secrets (masked).
        return sys.modules["pydantic_core"].to_jsonable_python(value, fallback=default)
    if any(_is_lazy(one) for one in kind.__mro__):
        return str(value)
    raise TypeError(f"a {kind.__module__}.{kind.__qualname__} is not JSON")


def _is_lazy(kind: type[Any]) -> bool:
    """Whether it is of the texts that Django translates when they are shown."""
    return (kind.__module__, kind.__qualname__) == ("django.utils.functional", "Promise")


def _duration(value: timedelta) -> str:
    sign, length = ("-", -value) if value < timedelta() else ("", value)
    seconds = length.days * _DAY_S + length.seconds
    fraction = f".{length.microseconds:06}".rstrip("0").rstrip(".")
    return f"{sign}PT{seconds}{fraction}S"


def _with_text_keys(value: object, default: Default) -> object:
    """The same with keys that JSON has: what becomes text as a value does so as a key."""
    if isinstance(value, dict):
        members = cast("dict[object, object]", value).items()
        return {_key(key, default): _with_text_keys(one, default) for key, one in members}
    if isinstance(value, list | tuple):
        return [_with_text_keys(one, default) for one in cast("Iterable[object]", value)]
    if value is None or isinstance(value, str | int | float):
        return value
    return _with_text_keys(default(value), default)


def _key(key: object, default: Default) -> object:
    found = key
    while not (found is None or isinstance(found, str | int | float)):
        found = default(found)
        if isinstance(found, list | dict):
            raise TypeError(f"keys are texts in JSON, and not {key!r:.50}")
    return found


def _cure(problem: str) -> str:
    if "not JSON compliant" in problem:
        return "NaN and infinity are not JSON: send null, or a text"
    if "integer string conversion" in problem:
        return "an integer has too many digits: send it as text"
    return f"{problem}; convert it, or give River(..., default=) a function that does"


def _invalid(message: str) -> UsageError:
    return UsageError("data_invalid", message)
