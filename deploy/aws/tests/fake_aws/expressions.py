"""What a template's intrinsic functions, conditions and dynamic references come to."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network

from .failures import StackError

NO_VALUE = object()
"""What `AWS::NoValue` comes to: the property that has it is left out."""

ACCOUNT = "123456789012"
ZONES = 3

Template = Mapping[str, object]
Resolve = Callable[[str], str]

_SUB = re.compile(r"\$\{(?P<literal>!)?(?P<name>[^}]+)\}")
_DYNAMIC = re.compile(r"\{\{resolve:([^}]+)\}\}")


class Scope:
    """The names that a stack's expressions may use. `refs` and `attributes` grow as it is made."""

    def __init__(
        self,
        template: Template,
        *,
        parameters: Mapping[str, object],
        stack_id: str,
        resolve: Resolve,
    ) -> None:
        _, _, _, region, _, path = stack_id.split(":", 5)
        self.template = template
        self.refs: dict[str, object] = {
            **parameters,
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": path.split("/")[1],
            "AWS::StackId": stack_id,
            "AWS::NoValue": NO_VALUE,
        }
        self.attributes: dict[str, Mapping[str, object]] = {}
        self._resolve = resolve
        self._region = region

    def section(self, name: str) -> Mapping[str, Mapping[str, object]]:
        """A top-level part of the template, empty where there is none."""
        return self.template.get(name, {})  # type: ignore[return-value]

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template is met."""
        conditions = self.section("Conditions")
        if condition not in conditions:
            raise StackError(f"Template format error: Unresolved condition [{condition}]")
        return bool(self.value(conditions[condition]))

    def value(self, node: object) -> object:
        """An expression's value; strings have their dynamic references resolved."""
        if isinstance(node, str):
            return _DYNAMIC.sub(lambda found: self._resolve(found[1]), node)
        if isinstance(node, list):
            return [one for one in map(self.value, node) if one is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            if name in {"Ref", "Condition"} or name.startswith("Fn::"):
                return self._call(name, argument)
        found = {key: self.value(one) for key, one in node.items()}
        return {key: one for key, one in found.items() if one is not NO_VALUE}

    def _call(self, name: str, argument: object) -> object:
        if name not in _FUNCTIONS:
            raise StackError(f"Template error: {name} is not emulated")
        return _FUNCTIONS[name](self, argument)

    def ref(self, name: str) -> object:
        """What `Ref` comes to."""
        if name not in self.refs:
            raise StackError(f"Template format error: Unresolved resource dependencies [{name}]")
        return self.refs[name]

    def attribute(self, name: str, attribute: str) -> object:
        """What `Fn::GetAtt` comes to."""
        if name not in self.attributes:
            raise StackError(f"Template error: Fn::GetAtt references undefined resource {name}")
        if attribute not in self.attributes[name]:
            kind = self.section("Resources")[name]["Type"]
            raise StackError(f"Template error: {kind} has no attribute {attribute} in the fake AWS")
        return self.attributes[name][attribute]

    def sub(self, argument: object) -> str:
        """What `Fn::Sub` comes to."""
        text, names = argument if isinstance(argument, list) else (argument, {})
        known = {key: self.value(one) for key, one in names.items()}

        def put(found: re.Match[str]) -> str:
            name = found["name"]
            if found["literal"]:
                return f"${{{name}}}"
            if name in known:
                return str(known[name])
            return str(self.attribute(*name.split(".", 1)) if "." in name else self.ref(name))

        return str(self.value(_SUB.sub(put, text)))

    def zones(self, region: object) -> list[str]:
        """What `Fn::GetAZs` comes to."""
        return [f"{region or self._region}{letter}" for letter in "abc"[:ZONES]]


def names_in(node: object) -> Iterator[str]:
    """The resources and parameters that an expression uses."""
    if isinstance(node, list):
        for one in node:
            yield from names_in(one)
    elif isinstance(node, dict):
        for key, one in node.items():
            if key == "Ref":
                yield one
            elif key == "Fn::GetAtt":
                yield one[0] if isinstance(one, list) else one.split(".")[0]
            elif key == "Fn::Sub":
                text = one[0] if isinstance(one, list) else one
                yield from (name.split(".")[0] for mark, name in _SUB.findall(text) if not mark)
                yield from names_in(one[1:] if isinstance(one, list) else [])
            else:
                yield from names_in(one)


def _if(scope: Scope, argument: list[object]) -> object:
    condition, yes, no = argument
    return scope.value(yes if scope.holds(str(condition)) else no)


def _get_att(scope: Scope, argument: object) -> object:
    name, attribute = argument if isinstance(argument, list) else str(argument).split(".", 1)
    return scope.attribute(name, str(scope.value(attribute)))


def _join(scope: Scope, argument: list[object]) -> str:
    return str(argument[0]).join(str(one) for one in scope.value(argument[1]))  # type: ignore[attr-defined]


def _select(scope: Scope, argument: list[object]) -> object:
    return scope.value(argument[1])[int(str(scope.value(argument[0])))]  # type: ignore[index]


def _split(scope: Scope, argument: list[object]) -> list[str]:
    return str(scope.value(argument[1])).split(str(argument[0]))


def _find_in_map(scope: Scope, argument: list[object]) -> object:
    name, first, second = (str(scope.value(one)) for one in argument)
    return scope.section("Mappings")[name][first][second]  # type: ignore[index]


def _cidr(scope: Scope, argument: list[object]) -> list[str]:
    block, count, bits = (scope.value(one) for one in argument)
    subnets = ip_network(str(block)).subnets(new_prefix=32 - int(str(bits)))
    return [str(next(subnets)) for _ in range(int(str(count)))]


_FUNCTIONS: dict[str, Callable[[Scope, object], object]] = {
    "Ref": lambda scope, one: scope.ref(str(one)),
    "Condition": lambda scope, one: scope.holds(str(one)),
    "Fn::And": lambda scope, many: all(scope.value(one) for one in many),
    "Fn::Or": lambda scope, many: any(scope.value(one) for one in many),
    "Fn::Not": lambda scope, one: not scope.value(one[0]),
    "Fn::Equals": lambda scope, two: scope.value(two[0]) == scope.value(two[1]),
    "Fn::Contains": lambda scope, two: scope.value(two[1]) in scope.value(two[0]),
    "Fn::If": _if,
    "Fn::GetAtt": _get_att,
    "Fn::GetAZs": lambda scope, one: scope.zones(scope.value(one)),
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": lambda scope, one: scope.sub(one),
    "Fn::FindInMap": _find_in_map,
    "Fn::Cidr": _cidr,
    "Fn::Base64": lambda scope, one: base64.b64encode(str(scope.value(one)).encode()).decode(),
    "Fn::ToJsonString": lambda scope, one: json.dumps(scope.value(one)),
}
