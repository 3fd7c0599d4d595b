"""A synthesised template, as the checks read it."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Properties = dict[str, Any]
Finding = str
WEBHOOKS = "arn:aws:secretsmanager:us-east-1:123456789012:secret:river/webhooks-Ab12Cd"
"""The secret of the variants that send webhooks: a user's own."""

Check = Callable[["Template"], Iterator[Finding]]


class Template:
    """Resources by type; `raw` is the template itself, for those who break it."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw

    @classmethod
    def read(cls, path: Path) -> "Template":
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def copy(self) -> "Template":
        return Template(copy.deepcopy(self.raw))

    def of(self, kind: str) -> dict[str, Properties]:
        """The properties of all resources of a type, by their ids."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.raw["Resources"].items()
            if resource["Type"] == f"AWS::{kind}"
        }

    def one(self, kind: str, part: str = "") -> Properties:
        """The properties of the one resource of a type whose id has this part."""
        return self.of(kind)[self.id_of(kind, part)]

    def id_of(self, kind: str, part: str = "") -> str:
        """The id of that resource."""
        found = [name for name in self.of(kind) if part in name]
        assert len(found) == 1, f"{kind} {part}: {found}"
        return found[0]

    def resources(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from self.raw["Resources"].items()

    def container(self, part: str) -> Properties:
        """The one container of the task whose id has this part."""
        (container,) = self.one("ECS::TaskDefinition", part)["ContainerDefinitions"]
        return dict(container)

    def environments(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What each container and function is told."""
        for name, task in self.of("ECS::TaskDefinition").items():
            for container in task["ContainerDefinitions"]:
                yield (
                    name,
                    {pair["Name"]: pair["Value"] for pair in container.get("Environment", [])},
                )
        for name, function in self.of("Lambda::Function").items():
            yield name, function.get("Environment", {}).get("Variables", {})

    def attributes(self, name: str, listed: str) -> dict[str, str]:
        """Attributes of a balancer or a target group."""
        pairs = self.raw["Resources"][name]["Properties"].get(listed, [])
        return {pair["Key"]: pair["Value"] for pair in pairs}

    def has_service(self) -> bool:
        """Whether the publish API is a service here."""
        return any("PublishService" in name for name in self.of("ECS::Service"))

    def has_sender(self) -> bool:
        """Whether webhooks are sent by a task of their own here."""
        return any(name.startswith("Webhooks") for name in self.of("ECS::Service"))

    def has_webhooks(self) -> bool:
        """Whether anything here sends webhooks."""
        return any("RIVER_WEBHOOKS_FROM" in settings for _, settings in self.environments())


def target(value: object) -> str:
    """The id of the resource that a value refers to, or nothing."""
    if isinstance(value, dict):
        if "Ref" in value:
            return str(value["Ref"])
        if "Fn::GetAtt" in value:
            return str(value["Fn::GetAtt"][0])
    return ""


def text(value: object) -> str:
    """A value as one text, references as `${Id}` or `${Id.Attribute}`."""
    if isinstance(value, dict):
        if "Ref" in value:
            return f"${{{value['Ref']}}}"
        if "Fn::GetAtt" in value:
            return f"${{{'.'.join(value['Fn::GetAtt'])}}}"
        if "Fn::Join" in value:
            glue, parts = value["Fn::Join"]
            return str(glue).join(map(text, parts))
        if "Fn::Select" in value:
            number, parts = value["Fn::Select"]
            return f"{text(parts)}[{number}]"
        return json.dumps(value, sort_keys=True)
    return str(value)


def listed(value: object) -> list[Any]:
    """A value that may be one or several, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def walk(value: object) -> Iterator[object]:
    """A value and everything in it."""
    yield value
    if isinstance(value, dict):
        for part in value.values():
            yield from walk(part)
    elif isinstance(value, list):
        for part in value:
            yield from walk(part)
