"""Which route a path means, and what its parameters are."""

from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from riverd.api.route import Route, name_in
from riverd.errors import ErrorCode, RiverError

Methods = Mapping[str, Route]


class Router:
    """Finds routes by their paths: those without parameters at once, the others one by one."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[str, dict[str, Route]] = {}
        self._open: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            if any(map(name_in, route.segments)):
                self._open.setdefault(route.segments, {})[route.method] = route
            else:
                self._fixed.setdefault(route.path, {})[route.method] = route

    def find(self, path: str) -> tuple[Methods, Mapping[str, str]] | None:
        """The routes of a path by their methods, and the path's parameters, decoded once.

        Segments are divided before they are decoded: a `%2F` belongs to a parameter.

        Raises:
            RiverError: invalid_field, when a parameter is not UTF-8.
        """
        methods = self._fixed.get(path)
        if methods is not None:
            return methods, {}
        segments = path.split("/")[1:]
        for template, methods in self._open.items():
            if _fits(template, segments):
                return methods, _parameters(template, segments)
        return None


def _fits(template: tuple[str, ...], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        name_in(wanted) is not None or wanted == segment
        for wanted, segment in zip(template, segments, strict=True)
    )


def _parameters(template: tuple[str, ...], segments: list[str]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for wanted, segment in zip(template, segments, strict=True):
        name = name_in(wanted)
        if name is not None:
            parameters[name] = _decoded(segment)
    return parameters


def _decoded(segment: str) -> str:
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise RiverError(ErrorCode.INVALID_FIELD, "the path is not UTF-8") from None
