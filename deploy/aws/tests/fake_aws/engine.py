"""Makes, changes and removes a stack's resources, and goes back when one of them fails."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from . import faults
from .expressions import Scope
from .failures import StackError
from .kinds import KINDS
from .resource import Account, Properties, Resource
from .stack import Made, Stack, in_order, parsed

Undo = Callable[[], None]


def scope_of(stack: Stack, body: str, parameters: Mapping[str, str], account: Account) -> Scope:
    """The names that a template's expressions may use in this stack.

    Raises:
        StackError: the template is wrong, a parameter is missing, or a rule is not met.
    """
    template = parsed(body)
    declared = template.get("Parameters", {})
    unknown = set(parameters) - set(declared)
    if unknown:
        raise StackError(f"Parameters: {sorted(unknown)} do not exist in the template")
    values: dict[str, object] = {}
    for name, one in declared.items():
        if name not in parameters and "Default" not in one:
            raise StackError(f"Parameters: [{name}] must have values")
        values[name] = _parameter(account, one, parameters.get(name, one.get("Default")))
    scope = Scope(
        template,
        parameters=values,
        stack_id=stack.id,
        resolve=lambda reference: _dynamic(account, reference),
    )
    for rule in template.get("Rules", {}).values():
        for assertion in rule["Assertions"]:
            if not scope.value(assertion["Assert"]):
                raise StackError(f"Template error: {assertion.get('AssertDescription')}")
    return scope


class Change:
    """One way of a stack from a template to another. `run` it once."""

    def __init__(self, stack: Stack, account: Account, *, body: str, scope: Scope) -> None:
        self._stack = stack
        self._account = account
        self._body = body
        self._scope = scope
        self._template = parsed(body)
        self._undo: list[Undo] = []
        self._replaced: list[Made] = []

    def run(self, parameters: Mapping[str, str]) -> None:
        """Make what is new, change what is other, remove what is gone; or undo all of it."""
        try:
            self._run(parameters)
        except Exception as error:
            # Whoever waits for the stack must see that nothing more comes.
            self._stack.tell("UPDATE_ROLLBACK_FAILED", f"the fake AWS is at fault: {error!r}")
            raise

    def _run(self, parameters: Mapping[str, str]) -> None:
        stack = self._stack
        first = not stack.made and stack.status in {"REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS"}
        verb = "CREATE" if first else "UPDATE"
        before = dict(stack.made)
        stack.tell(f"{verb}_IN_PROGRESS", "User Initiated")
        try:
            names = self._names()
            for name in names:
                self._reach(name)
            outputs = self._outputs()
        except StackError as error:
            self._go_back(before, verb, str(error))
            return
        if not first:
            stack.tell("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        gone = [one for name, one in before.items() if name not in names]
        for one in [*reversed(self._replaced), *reversed(gone)]:
            self._remove(one)
        stack.made = {name: stack.made[name] for name in names}
        stack.body, stack.outputs, stack.parameters = self._body, outputs, dict(parameters)
        stack.tell(f"{verb}_COMPLETE")

    def _names(self) -> list[str]:
        resources = self._template["Resources"]
        wanted = [
            name
            for name, one in resources.items()
            if "Condition" not in one or self._scope.holds(one["Condition"])
        ]
        return in_order(self._template, wanted)

    def _reach(self, name: str) -> None:
        """Bring one resource to what the template says."""
        wanted = self._template["Resources"][name]
        kind, old = wanted["Type"], self._stack.made.get(name)
        properties = self._scope.value(wanted.get("Properties", {}))
        assert isinstance(properties, dict)
        if old is None or old.kind != kind:
            self._create(name, properties)
        elif old.resource.properties != properties:
            self._update(old, properties)
        made = self._stack.made[name]
        made.keep = wanted.get("DeletionPolicy") in {"Retain", "RetainExceptOnCreate"}
        self._scope.refs[name] = made.resource.id
        self._scope.attributes[name] = made.resource.attributes

    def _create(self, name: str, properties: Properties) -> None:
        kind, stack = self._template["Resources"][name]["Type"], self._stack
        stack.event(name, kind, "", "CREATE_IN_PROGRESS")
        try:
            faults.check(kind)
            resource = KINDS[kind].create(self._account, name, properties)
        except (StackError, KeyError, TypeError) as error:
            stack.event(name, kind, "", "CREATE_FAILED", _words(error))
            raise StackError(f"The following resource(s) failed to create: [{name}].") from error
        resource.properties = properties
        made = Made(name, kind, resource)
        stack.made[name] = made
        self._undo.append(lambda: self._remove(made))
        stack.event(name, kind, resource.id, "CREATE_COMPLETE")

    def _update(self, old: Made, properties: Properties) -> None:
        name, stack, kind = old.logical_id, self._stack, KINDS[old.kind]
        stack.event(name, old.kind, old.resource.id, "UPDATE_IN_PROGRESS")
        try:
            faults.check(old.kind)
            in_place = kind.update(self._account, old.resource, properties)
        except (StackError, KeyError, TypeError) as error:
            stack.event(name, old.kind, old.resource.id, "UPDATE_FAILED", _words(error))
            raise StackError(f"The following resource(s) failed to update: [{name}].") from error
        if not in_place:
            self._create(name, properties)
            self._replaced.append(old)
            return
        then = Resource(old.resource.id, old.resource.attributes, properties)
        stack.made[name] = replace(old, resource=then, status="UPDATE_COMPLETE")
        self._undo.append(lambda: _change_back(kind, self._account, then, old.resource))
        stack.event(name, old.kind, then.id, "UPDATE_COMPLETE")

    def _go_back(self, before: dict[str, Made], verb: str, why: str) -> None:
        word = "ROLLBACK" if verb == "CREATE" else "UPDATE_ROLLBACK"
        self._stack.tell(f"{word}_IN_PROGRESS", f"{why} Rollback requested by user.")
        for undo in reversed(self._undo):
            undo()
        self._stack.made = before
        self._stack.tell(f"{word}_COMPLETE")

    def _remove(self, one: Made) -> None:
        remove(self._stack, self._account, one)

    def _outputs(self) -> list[Properties]:
        found = []
        for name, one in self._template.get("Outputs", {}).items():
            if "Condition" in one and not self._scope.holds(one["Condition"]):
                continue
            output = {"OutputKey": name, "OutputValue": str(self._scope.value(one["Value"]))}
            if "Description" in one:
                output["Description"] = one["Description"]
            if "Export" in one:
                output["ExportName"] = str(self._scope.value(one["Export"]["Name"]))
            found.append(output)
        return found


def remove(stack: Stack, account: Account, one: Made) -> bool:
    """Remove one resource, or keep it if the template says so. False if it would not go."""
    event = (one.logical_id, one.kind, one.resource.id)
    if one.keep:
        stack.event(*event, "DELETE_SKIPPED")
        return True
    stack.event(*event, "DELETE_IN_PROGRESS")
    try:
        KINDS[one.kind].delete(account, one.resource)
    except (StackError, KeyError, TypeError) as error:
        one.status = "DELETE_FAILED"
        stack.event(*event, "DELETE_FAILED", _words(error))
        return False
    stack.event(*event, "DELETE_COMPLETE")
    return True


def delete(stack: Stack, account: Account) -> None:
    """Remove a stack: all its resources, the last one first."""
    stack.tell("DELETE_IN_PROGRESS", "User Initiated")
    left = {
        name: one
        for name, one in reversed(list(stack.made.items()))
        if not remove(stack, account, one)
    }
    stack.made = left
    if left:
        names = ", ".join(left)
        stack.tell("DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]. ")
    else:
        stack.tell("DELETE_COMPLETE")


def _change_back(kind: object, account: Account, now: Resource, then: Resource) -> None:
    kind.update(account, now, then.properties)  # type: ignore[attr-defined]


def _words(error: Exception) -> str:
    """A handler's look-up that failed is a property that is missing."""
    if isinstance(error, StackError):
        return str(error)
    return f"Properties validation failed: {type(error).__name__} {error}"


def _parameter(account: Account, declared: Properties, value: object) -> object:
    if re.match(r"AWS::SSM::Parameter::Value<", declared["Type"]):
        told = account.call("ssm", "GetParameter", {"Name": value})
        return told["Parameter"]["Value"]
    return value


def _dynamic(account: Account, reference: str) -> str:
    service, _, rest = reference.partition(":")
    if service == "ssm":
        return str(account.call("ssm", "GetParameter", {"Name": rest})["Parameter"]["Value"])
    if service != "secretsmanager":
        raise StackError(f"{{{{resolve:{reference}}}}} is not emulated")
    secret, _, stage = rest.partition(":SecretString")
    if stage.strip(":"):
        raise StackError("parts of secrets are not emulated")
    return str(
        account.call("secretsmanager", "GetSecretValue", {"SecretId": secret})["SecretString"]
    )
