"""Parses the text of one setting, and says what may stand there where it is something else."""

import re
from typing import Any

import msgspec
from msgspec import inspect

from riverd.errors import SettingsError

Texts = tuple[str, ...]

_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://[^/]+:\d{1,5}", re.IGNORECASE)


def parsed(variable: str, text: str, *, wanted: Any) -> object:
    """The value of a setting's text; `wanted` is its annotated type.

    Raises:
        SettingsError: one line that names the variable and what it takes.
    """
    if not text.isprintable():
        raise SettingsError(f"{variable}: it has characters that cannot be printed")
    if wanted == Texts:
        return split(text)
    try:
        return msgspec.convert(text, wanted, strict=False)
    except msgspec.ValidationError:
        raise SettingsError(f"{variable}={text}: write {_description(wanted)}") from None


def split(text: str) -> Texts:
    """The parts of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def is_service_link(variable: str, text: str) -> bool:
    """Whether Kubernetes has put it there, for a Service of a name such as `river`.

    Every container gets NAME_PORT=tcp://10.0.0.1:8000 for each Service of its namespace.
    """
    return variable.endswith("_PORT") and _SERVICE_LINK.fullmatch(text.strip()) is not None


def _description(wanted: Any) -> str:
    kind = inspect.type_info(wanted)
    if isinstance(kind, inspect.UnionType):
        kind = kind.types[0]
    match kind:
        case inspect.LiteralType(values):
            return " or ".join(str(value) for value in values)
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least:,} to {most:,}"
        case inspect.FloatType(gt=None, ge=least, le=most):
            return f"a number from {least:,} to {most:,}"
        case inspect.FloatType(gt=floor, le=most):
            return f"a number above {floor:,}, up to {most:,}"
        case inspect.StrType(max_length=most):
            return f"at most {most} characters"
        case _:
            raise AssertionError(kind)
