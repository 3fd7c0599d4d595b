"""Settings that are JSON lists: errors name the setting in one line, and show no secret."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from riverd.errors import SettingsError

T = TypeVar("T")


def json_list(
    variable: str,
    text: str,
    *,
    decode: Callable[[str], Sequence[T]],
    what: str,
    most: int,
    events: Iterable[str],
) -> Sequence[T]:
    """The list in a JSON text, of at most `most` things called `what`.

    `events` are those that a webhook can ask for.

    Raises:
        SettingsError: one line that names the variable.
    """
    try:
        found = decode(text)
    except msgspec.DecodeError as error:
        known = f"; events are {', '.join(events)}" if ".events" in str(error) else ""
        raise SettingsError(f"{variable}: {error}{known}") from None
    except RecursionError:
        raise SettingsError(f"{variable}: nested too deeply") from None
    if len(found) > most:
        raise SettingsError(f"{variable}: more than {most} {what}")
    return found


def repeated(names: Sequence[str]) -> str | None:
    """The first name that occurs twice, if one does."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
