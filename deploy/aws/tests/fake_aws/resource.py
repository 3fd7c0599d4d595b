"""One resource of a stack, and what the kinds of resources have in common."""

import secrets
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from .failures import StackError
from .fitting import fit

Properties = dict[str, Any]

_NAME_LETTERS = string.ascii_uppercase + string.digits
_GONE = ("NotFound", "NoSuch", "DoesNotExist")
_CLIENTS: dict[tuple[str, str, str], Any] = {}
"""By endpoint, region and service: a client takes longer to make than all of its calls."""
_MAKING = threading.Lock()


@dataclass
class Resource:
    """What was made: `id` is what `Ref` comes to, `attributes` what `Fn::GetAtt` may ask."""

    id: str
    attributes: Mapping[str, object] = field(default_factory=dict)
    properties: Properties = field(default_factory=dict)


class Account:
    """The API, as a stack's resource uses it: through botocore, which checks the parameters."""

    def __init__(self, endpoint: str, region: str, *, stack: str) -> None:
        self.endpoint = endpoint
        self.region = region
        self.stack = stack

    def client(self, service: str) -> Any:
        """A client of a service in the stack's region."""
        place = (self.endpoint, self.region, service)
        with _MAKING:
            if place not in _CLIENTS:
                _CLIENTS[place] = boto3.client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint,
                    aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                    aws_secret_access_key="cloudformation",
                    config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
                )
            return _CLIENTS[place]

    def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Properties:
        """Call an operation (`CreateVpc`) with parameters that are made to fit its input.

        Raises:
            StackError: they do not fit, or the service refuses them.
        """
        client = self.client(service)
        shape = client.meta.service_model.operation_model(operation).input_shape
        known = {
            name
            for name, method in client.meta.method_to_api_mapping.items()
            if method == operation
        }
        fitted = fit(dict(parameters), shape) if shape else {}
        try:
            return getattr(client, known.pop())(**fitted)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise StackError(f"{error} (Service: {service}, Operation: {operation})") from error

    def name_for(self, logical_id: str, limit: int, *, lower: bool = False) -> str:
        """A name such as CloudFormation gives to what has none."""
        end = "".join(secrets.choice(_NAME_LETTERS) for _ in range(12))
        head = f"{self.stack}-{logical_id}"[: limit - len(end) - 1].rstrip("-")
        name = f"{head}-{end}"
        return name.lower() if lower else name


class Kind(Protocol):
    """How resources of one type are made, changed and removed."""

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        """Make it."""
        ...

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        """Change it in place. False if it must be replaced instead."""
        ...

    def delete(self, account: Account, resource: Resource) -> None:
        """Remove it."""
        ...


Parameters = Callable[[Resource], Mapping[str, object]]
Call = tuple[str, Parameters]


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A type whose properties are those of one API call.

    `create_with`, `delete_with` and `update_with` name operations; `id` and `attributes` are paths
    in the answer of the first. `name` is the parameter that gets a made name of `name_chars_max` at
    most if it has none. `spelled` are properties that the API calls otherwise, `turned` makes what
    needs more than a name; `later` are those that `after` takes care of, `fixed` those that cannot
    be changed. An attribute may also be worked out by a function from
    `{"in": parameters, "out": answer, "region": ...}`.
    """

    service: str
    create_with: str
    id: str
    attributes: Mapping[str, "str | Callable[[Properties], object]"] = field(default_factory=dict)
    delete_with: Call | None = None
    update_with: Call | None = None
    name: str = ""
    name_chars_max: int = 64
    lower: bool = False
    tagged: str = ""
    usual: Mapping[str, object] = field(default_factory=dict)
    spelled: Mapping[str, str] = field(default_factory=dict)
    turned: Callable[[Properties], Properties] = dict
    later: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    after: Callable[[Account, Resource], None] | None = None

    def create(self, account: Account, logical_id: str, properties: Properties) -> Resource:
        """Make it, then do what `after` does; what is half made is removed."""
        parameters = self.parameters(properties)
        if self.name and self.name not in parameters:
            parameters[self.name] = account.name_for(
                logical_id, self.name_chars_max, lower=self.lower
            )
        answer = account.call(self.service, self.create_with, parameters)
        told = {"in": parameters, "out": answer, "region": account.region}
        attributes = {
            name: path(told) if callable(path) else at(told, path)
            for name, path in self.attributes.items()
        }
        made = Resource(str(at(told, self.id)), attributes, properties)
        if self.after:
            try:
                self.after(account, made)
            except StackError:
                self.delete(account, made)
                raise
        return made

    def parameters(self, properties: Properties) -> Properties:
        """The properties as the API spells them."""
        given = {
            self.spelled.get(name, name): value
            for name, value in self.turned(properties).items()
            if name not in self.later
        }
        tags = given.pop("Tags", None) if self.tagged else None
        if tags:
            given["TagSpecifications"] = [{"ResourceType": self.tagged, "Tags": tags}]
        return {**self.usual, **given}

    def update(self, account: Account, resource: Resource, properties: Properties) -> bool:
        """Change it if there is a call for that."""
        changed = Resource(resource.id, resource.attributes, properties)
        other = changed_names(resource.properties, properties)
        if other & self.fixed:
            return False
        if self.after and other <= self.later:
            self.after(account, changed)
            return True
        if self.update_with is None:
            return False
        operation, parameters = self.update_with
        account.call(self.service, operation, parameters(changed))
        if self.after:
            self.after(account, changed)
        return True

    def recreation(self, name: str) -> str:
        """Whether another value of a property makes it anew, in a change set's words."""
        if name in self.fixed:
            return "Always"
        return "Never" if self.update_with or name in self.later else "Always"

    def delete(self, account: Account, resource: Resource) -> None:
        """Remove it; what is gone already is fine."""
        if self.delete_with is None:
            return
        operation, parameters = self.delete_with
        remove(account, self.service, operation, parameters(resource))


def changed_names(before: Properties, after: Properties) -> set[str]:
    """The properties that are other."""
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


def remove(
    account: Account, service: str, operation: str, parameters: Mapping[str, object]
) -> None:
    """Call what removes something; that it is gone already is fine."""
    try:
        account.call(service, operation, parameters)
    except StackError as error:
        cause = error.__cause__
        code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else ""
        if not any(word in code for word in _GONE):
            raise


def at(answer: object, path: str) -> object:
    """What stands at a path such as `out.NodeGroups.0.Port`; words with braces are filled in.

    A path that begins with `=` is a text: `=arn:aws:iam::1:role/{in.Name}`.
    """
    if path.startswith("="):
        return _fill(path[1:], answer)
    if not path.startswith(("in.", "out.", "region")):
        path = f"out.{path}"
    for step in path.split("."):
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]  # type: ignore[index]
    return answer


def _fill(text: str, answer: object) -> str:
    parts = text.split("{")
    filled = [parts[0]]
    for part in parts[1:]:
        path, rest = part.split("}", 1)
        filled.append(f"{at(answer, path)}{rest}")
    return "".join(filled)
