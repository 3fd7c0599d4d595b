"""`GET /openapi.json` tells of every route, and follows OpenAPI 3.1."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from api_server import Served, serving

from riverd.api.routes import ROUTES


@pytest.fixture(scope="module")
def document(api: Served) -> Any:
    return api.get("/openapi.json").json


def _inside(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of a document, at whatever depth."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _inside(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _inside(inner)


def _operations(document: Any) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def test_every_route_is_described_and_nothing_else(document: Any) -> None:
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == {(route.method, route.path) for route in ROUTES}


def test_the_contracts_requests_are_all_there(document: Any) -> None:
    assert set(document["paths"]) == {
        "/publish",
        "/publish/batch",
        "/channels",
        "/channels/{channel}",
        "/channels/{channel}/history",
        "/channels/{channel}/presence",
        "/channels/{channel}/publications/{offset}/users/{user}",
        "/channels/{channel}/rule",
        "/users",
        "/nodes",
        "/trace",
        "/access",
        "/users/{user}",
        "/users/{user}/disconnect",
        "/users/{user}/publish",
        "/users/{user}/block",
        "/users/{user}/channels/{channel}/remove",
        "/blocks",
        "/nodes/{node}/drain",
        "/webhooks",
        "/webhooks/{webhook}/dead",
        "/webhooks/replay",
        "/webhooks/test",
        "/tokens",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
    }


def test_it_says_which_version_it_describes() -> None:
    with serving(version="1.2.3") as api:
        told = api.get("/openapi.json").json
    assert told["openapi"].startswith("3.1.")
    assert told["info"]["version"] == "1.2.3"
    assert told["info"]["title"]


def test_every_reference_leads_somewhere(document: Any) -> None:
    references = {one["$ref"] for one in _inside(document) if isinstance(one.get("$ref"), str)}
    assert references
    for reference in references:
        found = document
        assert reference.startswith("#/")
        for step in reference[2:].split("/"):
            found = found[step]
        assert found["type"] == "object"


def test_every_schema_is_used(document: Any) -> None:
    references = {one["$ref"] for one in _inside(document) if isinstance(one.get("$ref"), str)}
    named = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert named == references


def test_operations_have_names_of_their_own(document: Any) -> None:
    names = [operation["operationId"] for operation in _operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)


def test_parameters_of_paths_are_described(document: Any) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            described = [
                parameter["name"]
                for parameter in operation.get("parameters", [])
                if parameter["in"] == "path" and parameter["required"] is True
            ]
            assert described == re.findall(r"{(\w+)}", path)


def test_every_operation_says_what_it_gives_when_it_fails(document: Any) -> None:
    for operation in _operations(document):
        responses = operation["responses"]
        assert "200" in responses
        assert all(response["description"] for response in responses.values())
        assert ("401" in responses) == ("security" not in operation)
        assert ("413" in responses) == ("requestBody" in operation)
    paths = document["paths"]
    for item in paths.values():
        for method, operation in item.items():
            assert ("403" in operation["responses"]) == (method != "get")
    assert "410" in paths["/channels/{channel}/history"]["get"]["responses"]
    assert "503" in paths["/readyz"]["get"]["responses"]


def test_only_what_needs_no_key_says_so(document: Any) -> None:
    assert document["security"] == [{"apiKey": []}, {"bearer": []}]
    schemes = document["components"]["securitySchemes"]
    assert {name for one in document["security"] for name in one} == set(schemes)
    keyless = {
        path
        for path, item in document["paths"].items()
        if any(operation.get("security") == [] for operation in item.values())
    }
    assert keyless == {"/healthz", "/readyz", "/metrics", "/openapi.json"}


def test_a_message_is_described_with_its_limits(document: Any) -> None:
    fields = document["components"]["schemas"]["Publish"]["properties"]
    named = {"channel", "channels", "event", "eventName", "data", "id", "keep", "exclude"}
    assert named == set(fields)
    assert fields["channels"]["anyOf"][0]["maxItems"] == 100
    assert fields["data"] == {}
    batch = document["components"]["schemas"]["Batch"]["properties"]["messages"]
    assert (batch["maxItems"], batch["items"]) == (1000, {"$ref": "#/components/schemas/Publish"})
