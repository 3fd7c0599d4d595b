"""The OpenAPI 3.1 document, made from the table of routes and the types that it names."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

import msgspec

from riverd.api.route import Parameter, Route, name_in
from riverd.http.json_errors import ErrorAnswer
from riverd.http.response import JSON

_REF = "#/components/schemas/{name}"
_KEYED = (400, 401, 429, 500, 503)

Json = dict[str, object]


def document(routes: Sequence[Route], version: str) -> Json:
    """The whole document."""
    types = {ErrorAnswer, *(one for route in routes for one in _types(route))}
    _, schemas = msgspec.json.schema_components(
        sorted(types, key=lambda one: one.__name__), schema_hook=_anything, ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "River publish API",
            "version": version,
            "description": "Publish events, look at channels, make tokens. For back ends only.",
        },
        "security": [{"apiKey": []}, {"bearer": []}],
        "paths": _paths(routes),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _anything(kind: type) -> Json:
    """The schema of what may be any JSON, which msgspec does not know by itself."""
    if kind is object:
        return {"description": "Any JSON."}
    raise NotImplementedError


def _types(route: Route) -> Iterable[type[msgspec.Struct]]:
    return route.gives if route.takes is None else (*route.gives, route.takes)


def _paths(routes: Sequence[Route]) -> dict[str, Json]:
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> Json:
    operation: Json = {
        # Not only the handler's name: it is what generators call their functions.
        "operationId": getattr(route.handler, "__name__", route.summary),
        "summary": route.summary,
        "responses": _responses(route),
    }
    parameters = [*_in_path(route), *map(_in_query, route.query)]
    if parameters:
        operation["parameters"] = parameters
    if route.takes is not None:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": _content([route.takes]),
        }
    if route.keyless:
        operation["security"] = []
    return operation


def _in_path(route: Route) -> Iterable[Json]:
    for name in filter(None, map(name_in, route.segments)):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": f"`-`: the name is in the query, as `{name}`.",
            "schema": {"type": "string"},
        }
        yield _in_query(Parameter(name, "string", "The name, where the path has `-` for it."))


def _in_query(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.text,
        "schema": {"type": parameter.kind},
    }


def _responses(route: Route) -> dict[str, Json]:
    responses: dict[str, Json] = {"200": {"description": "OK", **_given(route)}}
    for status in _statuses(route):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": _content([ErrorAnswer]),
        }
    return responses


def _given(route: Route) -> Mapping[str, object]:
    return {"content": _content(route.gives)} if route.gives else {}


def _statuses(route: Route) -> list[int]:
    statuses = {*route.fails}
    if not route.keyless:
        statuses.update(_KEYED)
        if route.method != "GET":
            # A key of RIVER_READ_KEYS.
            statuses.add(403)
    if route.takes is not None:
        statuses |= {408, 413, 415}
    return sorted(statuses)


def _content(types: Sequence[type[msgspec.Struct]]) -> Json:
    schemas = [{"$ref": _REF.format(name=one.__name__)} for one in types]
    return {JSON: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}}
