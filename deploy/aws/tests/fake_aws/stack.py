"""A stack: what it is made of, how it stands, and what happened to it."""

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

import yaml

from .expressions import ACCOUNT, names_in
from .failures import StackError
from .kinds import KINDS
from .resource import Properties, Resource

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass
class Made:
    """A resource of a stack, by its name in the template."""

    logical_id: str
    kind: str
    resource: Resource
    keep: bool = False
    status: str = "CREATE_COMPLETE"


@dataclass
class ChangeSet:
    """What was asked for, before it is done."""

    name: str
    id: str
    body: str
    parameters: Mapping[str, str]
    tags: list[Mapping[str, str]]
    changes: list[Properties]
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    execution: str = "AVAILABLE"


@dataclass
class Stack:
    """A stack of one region."""

    name: str
    region: str
    id: str = ""
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    body: str = "{}"
    protected: bool = False
    role: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    tags: list[Mapping[str, str]] = field(default_factory=list)
    made: dict[str, Made] = field(default_factory=dict)
    outputs: list[Properties] = field(default_factory=list)
    events: list[Properties] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    created: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    updated: dt.datetime | None = None

    def __post_init__(self) -> None:
        if not self.id:
            place = f"arn:aws:cloudformation:{self.region}:{ACCOUNT}"
            self.id = f"{place}:stack/{self.name}/{uuid.uuid4()}"

    def tell(self, status: str, reason: str = "") -> None:
        """Go on to another status."""
        self.status, self.reason = status, reason
        self.event(self.name, STACK_TYPE, self.id, status, reason)

    def event(self, logical: str, kind: str, physical: str, status: str, reason: str = "") -> None:
        """Write down what happened."""
        told = {
            "StackId": self.id,
            "StackName": self.name,
            "EventId": str(uuid.uuid4()),
            "LogicalResourceId": logical,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "Timestamp": dt.datetime.now(dt.UTC),
            "ResourceStatus": status,
        }
        self.events.insert(0, {**told, "ResourceStatusReason": reason} if reason else told)


def as_json(body: str) -> str:
    """A template's text as JSON. It may be YAML; what is neither is left for `parsed`."""
    try:
        json.loads(body)
    except ValueError:
        try:
            return json.dumps(yaml.safe_load(body), default=str)
        except yaml.YAMLError:
            pass
    return body


def parsed(body: str) -> Properties:
    """A template as an object.

    Raises:
        StackError: it is no JSON object with resources, or one is of an unknown type.
    """
    try:
        template: Properties = json.loads(body)
    except ValueError as error:
        raise StackError(f"Template format error: JSON not well-formed: {error}") from None
    if not template.get("Resources"):
        raise StackError("Template format error: At least one Resources member must be defined.")
    known = {
        "AWSTemplateFormatVersion", "Conditions", "Description", "Mappings", "Metadata", "Outputs",
        "Parameters", "Resources", "Rules",
    }  # fmt: skip
    unknown = {one["Type"] for one in template["Resources"].values()} - set(KINDS)
    if unknown:
        raise StackError(
            f"Template format error: Unrecognized resource types: {sorted(unknown)} "
            "(the fake AWS does not emulate them)"
        )
    if set(template) - known:
        raise StackError(f"Invalid template property or properties {sorted(set(template) - known)}")
    for name, one in template["Resources"].items():
        foreign = set(one) - {
            "Type", "Properties", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Condition",
            "Metadata",
        }  # fmt: skip
        if foreign:
            raise StackError(f"Invalid template resource property {foreign} in {name}")
    return template


def in_order(template: Properties, names: Iterable[str]) -> list[str]:
    """The resources so that each comes after those that it uses.

    Raises:
        StackError: they use each other in a circle, or one that there is not.
    """
    wanted = set(names)
    uses: dict[str, set[str]] = {}
    for name in wanted:
        one = template["Resources"][name]
        after = one.get("DependsOn", [])
        explicit = {after} if isinstance(after, str) else set(after)
        missing = explicit - set(template["Resources"])
        if missing:
            raise StackError(f"Template format error: Unresolved dependencies {sorted(missing)}")
        uses[name] = (explicit | set(names_in(one.get("Properties", {})))) & wanted
    try:
        return list(TopologicalSorter(uses).static_order())
    except CycleError as error:
        raise StackError(f"Circular dependency between resources: {error.args[1]}") from None
