"""Looking into nested JSON objects whose shape is another program's."""

from __future__ import annotations

from typing import cast


def at(tree: object, path: str) -> object:
    """What stands at `path`, keys joined by dots; None when there is nothing."""
    for key in path.split("."):
        if not isinstance(tree, dict):
            return None
        tree = cast("dict[str, object]", tree).get(key)
    return tree


def number(tree: object, path: str) -> float | None:
    """The number at `path`, None when there is none."""
    found = at(tree, path)
    return float(found) if isinstance(found, int | float) else None


def words(tree: object, path: str) -> list[str]:
    """The list at `path` as strings, empty when there is none."""
    found = at(tree, path)
    return [str(word) for word in cast("list[object]", found)] if isinstance(found, list) else []
