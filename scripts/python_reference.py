"""Writes the reference in docs/clients/python.md from docstrings; with --check only compares."""

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import river_realtime
from river_realtime import client_settings, endpoints, subscriber, tokens

PAGE = Path(__file__).resolve().parents[1] / "docs" / "clients" / "python.md"
BEGIN = "<!-- reference: written by scripts/python_reference.py -->\n"
END = "<!-- /reference -->\n"
# Its methods are those of the other, awaited.
TWIN = "AsyncRiver"
LINE_LENGTH = 84
CONSTANTS = {"TIMEOUT_S": str(subscriber.TIMEOUT_S), "TTL_S": str(tokens.TTL_S)}
# What stands for several parameters that are given by name, and what those are if left out.
OPTIONS = {
    "Unpack[PublishOptions]": (
        endpoints.PublishOptions,
        {"id": "None", "keep": "True", "exclude": "None"},
    ),
    "Unpack[Grants]": (
        tokens.Grants,
        {"channels": "()", "subscribe": "None", "publish": "()", "info": "None"},
    ),
}
NAMES = ("River", TWIN, "Subscriber", "sign_token", "Event", "Gap", "Joined", "Left", "Presence")

assert client_settings.TIMEOUT_S == subscriber.TIMEOUT_S, "one name, two values"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def reference() -> str:
    """All that the package offers, in Markdown."""
    rest = [name for name in river_realtime.__all__ if name not in NAMES]
    return "\n".join(line for name in (*NAMES, *rest) for line in _entry(name)) + "\n"


def _entry(name: str) -> Iterator[str]:
    thing = getattr(river_realtime, name)
    (node,) = ast.parse(inspect.getsource(thing)).body
    yield from (f"### {name}", "", "```text")
    if isinstance(node, ast.ClassDef):
        yield from (_made(name, node), "```", "", _words(node), "")
        for method in _methods(node) if name != TWIN else ():
            yield from (f"#### {name}.{method.name}", "", "```text", _signature(method))
            yield from ("```", "", _words(method), "")
    elif isinstance(node, Function):
        yield from (_signature(node), "```", "", _words(node), "")


def _made(name: str, node: ast.ClassDef) -> str:
    """How one is made: the fields of a value, the parameters of everything else."""
    for one in node.body:
        if isinstance(one, Function) and one.name == "__init__":
            return _call(name, _parameters(one.args))
    fields = [ast.unparse(one) for one in node.body if isinstance(one, ast.AnnAssign)]
    return _call(name, fields) if fields else name


def _methods(node: ast.ClassDef) -> Iterator[Function]:
    for one in node.body:
        is_public = isinstance(one, Function) and not one.name.startswith("_")
        if is_public and not any(ast.unparse(mark) == "overload" for mark in one.decorator_list):
            yield one


def _signature(node: Function) -> str:
    prefix = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
    gives = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    return f"{prefix}{_call(node.name, _parameters(node.args))}{gives}"


def _call(name: str, parameters: list[str]) -> str:
    """A call, with a line for each parameter when one line is too long."""
    line = f"{name}({', '.join(parameters)})"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join([f"{name}(", *(f"    {one}," for one in parameters), ")"])


def _parameters(given: ast.arguments) -> list[str]:
    """Each with its type and default."""
    defaults = [None] * (len(given.args) - len(given.defaults)) + given.defaults
    named = zip(given.args, defaults, strict=True)
    first = [_parameter(*one) for one in named if one[0].arg != "self"]
    only_named = [_parameter(*one) for one in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    if given.kwarg is not None and given.kwarg.annotation is not None:
        only_named += _options(ast.unparse(given.kwarg.annotation))
    if given.vararg is not None:
        return [*first, f"*{_parameter(given.vararg, None)}", *only_named]
    return [*first, "*", *only_named] if only_named else first


def _options(annotation: str) -> Iterator[str]:
    options, defaults = OPTIONS[annotation]
    source = ast.parse(inspect.getsource(options))
    for one in ast.walk(source):
        if isinstance(one, ast.AnnAssign):
            name = ast.unparse(one.target)
            yield f"{ast.unparse(one)} = {defaults[name]}"


def _parameter(name: ast.arg, default: ast.expr | None) -> str:
    if default is None:
        return ast.unparse(name)
    # Defaults that have a name say their value.
    value = ast.unparse(default)
    return f"{ast.unparse(name)} = {CONSTANTS.get(value, value)}"


def _words(node: ast.ClassDef | Function) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


def main() -> int:
    """Write the page, or compare."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    old, _, after = rest.partition(END)
    new = f"\n{reference()}"
    if "--check" in sys.argv[1:]:
        return 0 if old == new else 1
    PAGE.write_text(before + BEGIN + new + END + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
