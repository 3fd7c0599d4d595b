"""JSON as the library reads it: one part that Python cannot hold does not cost the others."""

import json
import re
from collections.abc import Mapping
from typing import Final, cast

from river_realtime.stack import on_fresh_stack
from river_realtime.values import Json

_PIECES = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s"{}\[\],:]++', re.DOTALL)


class Unreadable:
    """Stands where something was that cannot be read."""

    def __repr__(self) -> str:
        return "UNREADABLE"


UNREADABLE: Final[object] = Unreadable()


def decode(text: str | bytes, *, levels: int) -> Json:
    """A JSON text as a value, with UNREADABLE instead of the parts that Python cannot hold.

    That is, parts with integers of more digits than `int` takes (4,300 unless the program says
    otherwise). Nesting costs nothing that the program's own stack needs.

    Args:
        text: what was received.
        levels: how deep a part lies that is replaced as one: 1 is a member of the outermost value.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested more deeply than Python can read anywhere.
    """
    try:
        return cast("Json", json.loads(text))
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except RecursionError:
        return on_fresh_stack(lambda: _decode_in_parts(text, levels))
    except ValueError:
        return _decode_in_parts(text, levels)


def members_of(text: str) -> dict[str, Json]:
    """The members of a JSON object that is nested too deeply to be decoded.

    Those that are objects or arrays are UNREADABLE. It looks at pieces, at any depth, and does
    not check the grammar.
    """
    members: dict[str, Json] = {}
    key: str | None = None
    depth = 0
    for piece in cast("list[str]", _PIECES.findall(text)):
        depth += (piece in "{[") - (piece in "}]")
        if depth != 1 or piece in "{[,:":
            continue
        if key is None:
            key = str(decode(piece, levels=0))
        else:
            members[key] = _unreadable() if piece in "}]" else decode(piece, levels=0)
            key = None
    return members


def _decode_in_parts(text: str | bytes, levels: int) -> Json:
    return _with_parts_marked(cast("Json", json.loads(text, parse_int=_integer)), levels)


def _integer(digits: str) -> Json:
    try:
        return int(digits)
    except ValueError:
        return _unreadable()


def _with_parts_marked(value: Json, levels: int) -> Json:
    if not levels:
        return value if _is_readable(value) else _unreadable()
    if isinstance(value, dict):
        members = cast("Mapping[str, Json]", value)
        return {name: _with_parts_marked(one, levels - 1) for name, one in members.items()}
    if isinstance(value, list):
        return [_with_parts_marked(one, levels - 1) for one in value]
    return value


def _is_readable(value: Json) -> bool:
    left = [value]
    while left:
        one = left.pop()
        if one is UNREADABLE:
            return False
        if isinstance(one, dict):
            left.extend(cast("Mapping[str, Json]", one).values())
        elif isinstance(one, list):
            left.extend(one)
    return True


def _unreadable() -> Json:
    # Those who take a part compare it with UNREADABLE before they use it as JSON.
    return cast("Json", UNREADABLE)
