"""Properties of a template as the parameters of an API call, refused where they do not fit."""

import json
import re
from collections.abc import Mapping

from botocore.model import ListShape, MapShape, Shape, StructureShape

from .failures import StackError

_QUANTITY = {"Quantity", "Items"}


def fit(value: object, shape: Shape, path: str = "") -> object:
    """The value in the spelling and types of the API.

    Raises:
        StackError: a key that the API does not have, a value of a wrong kind or out of its range.
    """
    if isinstance(shape, StructureShape):
        return _structure(value, shape, path)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _refused(path, f"expected a list, found {value!r}")
        return [fit(one, shape.member, f"{path}/{index}") for index, one in enumerate(value)]
    if isinstance(shape, MapShape):
        if isinstance(value, list):
            value = {one["Key"]: one["Value"] for one in value}
        if not isinstance(value, dict):
            raise _refused(path, f"expected an object, found {value!r}")
        return {key: fit(one, shape.value, f"{path}/{key}") for key, one in value.items()}
    return _within(_scalar(value, shape, path), shape, path)


def _structure(value: object, shape: StructureShape, path: str) -> object:
    if set(shape.members) >= _QUANTITY and isinstance(value, list):
        # CloudFront counts its lists; templates do not.
        items = fit(value, shape.members["Items"], path)
        return {"Quantity": len(value), "Items": items} if value else {"Quantity": 0}
    if not isinstance(value, dict):
        raise _refused(path, f"expected an object, found {value!r}")
    spelling = {name.lower(): name for name in shape.members}
    fitted = {}
    for key, one in value.items():
        name = key if key in shape.members else spelling.get(key.lower())
        if name is None:
            raise _refused(path, f"extraneous key [{key}] is not permitted")
        fitted[name] = fit(one, shape.members[name], f"{path}/{key}")
    missing = [name for name in shape.required_members if name not in fitted]
    if missing and path:
        raise _refused(path, f"required key [{missing[0]}] not found")
    return fitted


def _scalar(value: object, shape: Shape, path: str) -> object:
    match shape.type_name:
        case "string" if isinstance(value, dict | list):
            return json.dumps(value)
        case "string" if isinstance(value, bool):
            return str(value).lower()
        case "string":
            return str(value)
        case "boolean" if str(value).lower() in {"true", "false"}:
            return str(value).lower() == "true"
        case "integer" | "long" if re.fullmatch(r"-?\d+(\.0)?", str(value)):
            return int(float(str(value)))
        case "float" | "double" if re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
            return float(str(value))
        case "blob":
            return value
        case kind:
            raise _refused(path, f"expected {kind}, found {value!r}")


def _within(value: object, shape: Shape, path: str) -> object:
    limits: Mapping[str, object] = shape.metadata
    size = len(value) if isinstance(value, str | bytes) else value
    allowed = limits.get("enum")
    if allowed and value not in allowed:  # type: ignore[operator]
        raise _refused(path, f"{value!r} is not one of {', '.join(allowed)}")  # type: ignore[arg-type]
    if size < limits.get("min", size) or size > limits.get("max", size):  # type: ignore[operator]
        raise _refused(path, f"{value!r} is out of its range")
    return value


def _refused(path: str, why: str) -> StackError:
    return StackError(f"Properties validation failed: #{path or '/'}: {why}")
