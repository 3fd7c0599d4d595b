"""CloudFormation's API over the stacks of the fake: what the CDK's command and boto3 call."""

import datetime as dt
import json
import threading
import uuid
from typing import Any
from urllib.parse import unquote, urlparse

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from . import engine
from .expressions import ACCOUNT
from .failures import StackError
from .kinds import KINDS
from .resource import Account, Plain, Properties, changed_names
from .stack import ChangeSet, Stack, as_json, parsed

STACKS: dict[tuple[str, str], Stack] = {}
"""By region and name; those that were deleted stay by their id alone."""
GONE: dict[str, Stack] = {}
ENDPOINT = [""]

_LOCK = threading.RLock()
_BUSY = "_IN_PROGRESS"


class Refused(ServiceException):
    """An error of this API: its code, and what it says."""


class Stacks(BaseResponse):
    """The actions. A change runs in a thread of its own, as it does on AWS."""

    def __init__(self) -> None:
        super().__init__("cloudformation")
        self.automated_parameter_parsing = True

    # What there is

    def describe_stacks(self) -> ActionResult:
        name = self.params.get("StackName")
        found = [self._stack(name)] if name else self._stacks()
        return ActionResult({"Stacks": [_described(one) for one in found]})

    def list_stacks(self) -> ActionResult:
        return ActionResult({"StackSummaries": [_described(one) for one in self._stacks()]})

    def describe_stack_events(self) -> ActionResult:
        return ActionResult({"StackEvents": list(self._stack().events)})

    def list_stack_resources(self) -> ActionResult:
        return ActionResult({"StackResourceSummaries": self._resources()})

    def describe_stack_resources(self) -> ActionResult:
        return ActionResult({"StackResources": self._resources()})

    def get_template(self) -> ActionResult:
        body = json.loads(self._stack().body)
        return ActionResult({"TemplateBody": json.dumps(body), "StagesAvailable": ["Original"]})

    def get_template_summary(self) -> ActionResult:
        body = self._body() if self.params.keys() & {"TemplateBody", "TemplateURL"} else None
        template = json.loads(body or self._stack().body)
        parameters = [
            {"ParameterKey": name, "DefaultValue": one.get("Default"), "ParameterType": one["Type"]}
            for name, one in template.get("Parameters", {}).items()
        ]
        types = sorted({one["Type"] for one in template.get("Resources", {}).values()})
        return ActionResult({"Parameters": parameters, "ResourceTypes": types})

    # What is to be done

    def create_change_set(self) -> ActionResult:
        name, kind = self.params["StackName"], self.params.get("ChangeSetType", "UPDATE")
        with _LOCK:
            stack = STACKS.get((self.region, name))
            if kind == "CREATE" and stack is None:
                stack = STACKS[self.region, name] = Stack(name, self.region)
                stack.tell("REVIEW_IN_PROGRESS")
            if stack is None:
                raise _invalid(f"Stack [{name}] does not exist")
            stuck = stack.status in {"ROLLBACK_COMPLETE", "DELETE_FAILED"} or _BUSY in stack.status
            if stuck and stack.status != "REVIEW_IN_PROGRESS":
                raise _invalid(
                    f"Stack:{stack.id} is in {stack.status} state and can not be updated."
                )
        made = self._change_set(stack)
        stack.change_sets[made.name] = made
        return ActionResult({"Id": made.id, "StackId": stack.id})

    def _change_set(self, stack: Stack) -> ChangeSet:
        body = self._body()
        parameters = {
            one["ParameterKey"]: (
                stack.parameters[one["ParameterKey"]]
                if one.get("UsePreviousValue")
                else one["ParameterValue"]
            )
            for one in self.params.get("Parameters", [])
            if not one.get("UsePreviousValue") or one["ParameterKey"] in stack.parameters
        }
        try:
            parsed(body)
        except StackError as error:
            raise _invalid(str(error)) from None
        name = self.params["ChangeSetName"]
        place = f"arn:aws:cloudformation:{self.region}:{ACCOUNT}:changeSet/{name}/{uuid.uuid4()}"
        stack.role = self.params.get("RoleARN", stack.role)
        made = ChangeSet(
            name, place, body, parameters, self.params.get("Tags", []), _differences(stack, body)
        )
        if not made.changes and stack.made:
            made.status, made.execution = "FAILED", "UNAVAILABLE"
            made.reason = (
                "The submitted information didn't contain changes. "
                "Submit different information to create a change set."
            )
        return made

    def describe_change_set(self) -> ActionResult:
        stack, one = self._found_change_set()
        told = {
            "ChangeSetName": one.name,
            "ChangeSetId": one.id,
            "StackId": stack.id,
            "StackName": stack.name,
            "Status": one.status,
            "StatusReason": one.reason,
            "ExecutionStatus": one.execution,
            "Changes": one.changes,
            "CreationTime": dt.datetime.now(dt.UTC),
            "Parameters": _pairs(one.parameters, "Parameter"),
        }
        return ActionResult(told)

    def delete_change_set(self) -> ActionResult:
        try:
            stack, one = self._found_change_set()
        except Refused:
            return ActionResult({})
        stack.change_sets.pop(one.name)
        return ActionResult({})

    def execute_change_set(self) -> ActionResult:
        stack, one = self._found_change_set()
        if one.execution != "AVAILABLE":
            raise Refused("InvalidChangeSetStatus", f"ChangeSet {one.name} {one.status}")
        account = Account(ENDPOINT[0], self.region, stack=stack.name)
        try:
            scope = engine.scope_of(stack, one.body, one.parameters, account)
        except StackError as error:
            raise _invalid(str(error)) from None
        one.execution = "EXECUTE_IN_PROGRESS"
        stack.tags, stack.updated = one.tags, dt.datetime.now(dt.UTC)
        change = engine.Change(stack, account, body=one.body, scope=scope)
        begin = "UPDATE" if stack.made else "CREATE"
        stack.status = f"{begin}_IN_PROGRESS"
        threading.Thread(target=change.run, args=[one.parameters], daemon=True).start()
        stack.change_sets.clear()
        return ActionResult({})

    def delete_stack(self) -> ActionResult:
        name = self.params["StackName"]
        try:
            stack = self._stack(name)
        except Refused:
            return ActionResult({})
        if stack.protected:
            raise _invalid(
                f"Stack [{name}] cannot be deleted while TerminationProtection is enabled"
            )
        stack.status = "DELETE_IN_PROGRESS"
        threading.Thread(target=_delete, args=[stack], daemon=True).start()
        return ActionResult({})

    def update_termination_protection(self) -> ActionResult:
        stack = self._stack()
        stack.protected = self.params["EnableTerminationProtection"]
        return ActionResult({"StackId": stack.id})

    # How it is found

    def _stacks(self) -> list[Stack]:
        return [one for (region, _), one in STACKS.items() if region == self.region]

    def _stack(self, name: str = "") -> Stack:
        name = name or self.params["StackName"]
        for one in [*self._stacks(), *GONE.values()]:
            if one.id == name or (one.name == name and one.id not in GONE):
                return one
        raise _invalid(f"Stack with id {name} does not exist")

    def _found_change_set(self) -> tuple[Stack, ChangeSet]:
        name = self.params["ChangeSetName"]
        for stack in self._stacks():
            for one in stack.change_sets.values():
                if one.id == name or (
                    one.name == name and self.params.get("StackName") in {stack.name, stack.id}
                ):
                    return stack, one
        raise Refused("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")

    def _resources(self) -> list[Properties]:
        stack = self._stack()
        return [
            {
                "StackName": stack.name,
                "StackId": stack.id,
                "LogicalResourceId": one.logical_id,
                "PhysicalResourceId": one.resource.id,
                "ResourceType": one.kind,
                "ResourceStatus": one.status,
                "Timestamp": stack.created,
                "LastUpdatedTimestamp": stack.created,
            }
            for one in stack.made.values()
        ]

    def _body(self) -> str:
        if "TemplateBody" in self.params:
            return as_json(self.params["TemplateBody"])
        if "TemplateURL" not in self.params:
            return self._stack().body
        place = urlparse(self.params["TemplateURL"])
        host, path = place.hostname or "", unquote(place.path).lstrip("/")
        bucket = host.split(".s3.")[0].removesuffix(".localhost")
        if bucket == host:
            # The bucket stands in the path, where the host is not its own.
            bucket, _, path = path.partition("/")
        client = Account(ENDPOINT[0], self.region, stack="").client("s3")
        return as_json(client.get_object(Bucket=bucket, Key=path)["Body"].read().decode())


def _delete(stack: Stack) -> None:
    engine.delete(stack, Account(ENDPOINT[0], stack.region, stack=stack.name))
    if stack.status == "DELETE_COMPLETE":
        with _LOCK:
            GONE[stack.id] = STACKS.pop((stack.region, stack.name))


def _differences(stack: Stack, body: str) -> list[Properties]:
    """What a change set would do: the resources whose text is other."""
    now = json.loads(stack.body).get("Resources", {}) if stack.made else {}
    then = json.loads(body)["Resources"]
    changes = []
    for name in sorted({*now, *then}):
        if now.get(name) == then.get(name):
            continue
        action = "Add" if name not in now else "Remove" if name not in then else "Modify"
        one: dict[str, Any] = {
            "Action": action,
            "LogicalResourceId": name,
            "ResourceType": (then.get(name) or now[name])["Type"],
            "Scope": [],
            "Details": [],
        }
        if name in stack.made:
            one["PhysicalResourceId"] = stack.made[name].resource.id
        if action == "Modify":
            details = _details(now[name], then[name])
            one |= {"Replacement": "Conditional", "Scope": ["Properties"], "Details": details}
        changes.append({"Type": "Resource", "ResourceChange": one})
    if not changes and json.loads(stack.body).get("Outputs") != json.loads(body).get("Outputs"):
        changes.append({"Type": "Resource", "ResourceChange": {"Action": "Modify"}})
    return changes


def _details(now: Properties, then: Properties) -> list[Properties]:
    """The properties that are other, and whether each has the resource made anew."""
    kind = KINDS[then["Type"]]
    others = changed_names(now.get("Properties", {}), then.get("Properties", {}))
    return [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": name,
                "RequiresRecreation": (
                    kind.recreation(name) if isinstance(kind, Plain) else "Conditionally"
                ),
            },
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
        for name in sorted(others)
    ]


def _described(stack: Stack) -> Properties:
    told: Properties = {
        "StackName": stack.name,
        "StackId": stack.id,
        "StackStatus": stack.status,
        "CreationTime": stack.created,
        "Outputs": stack.outputs,
        "Parameters": _pairs(stack.parameters, "Parameter"),
        "Tags": stack.tags,
        "EnableTerminationProtection": stack.protected,
        "Capabilities": [],
    }
    description = json.loads(stack.body).get("Description")
    if description:
        told["Description"] = description
    if stack.reason:
        told["StackStatusReason"] = stack.reason
    if stack.role:
        told["RoleARN"] = stack.role
    if stack.updated:
        told["LastUpdatedTime"] = stack.updated
    return told


def _pairs(values: Properties, word: str) -> list[Properties]:
    return [{f"{word}Key": key, f"{word}Value": one} for key, one in values.items()]


def _invalid(message: str) -> Refused:
    return Refused("ValidationError", message)
