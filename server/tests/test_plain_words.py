"""The words of the house: names and prose that a reader of the field needs no dictionary for."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "server" / "src" / "riverd"
PYTHON_CLIENT = ROOT / "clients" / "python" / "src" / "river_realtime"
SOURCES = [
    SERVER,
    ROOT / "benchmarks",
    ROOT / "attacks",
    ROOT / "chaos",
    *sorted(ROOT.glob("deploy/*/src")),
    *sorted(ROOT.glob("examples/*/src")),
]

BANNED_IN_NAMES = re.compile(
    r"(?:^|_)(aside|doors?|hear|heard|hearers?|hears|patience|places?|seats?|seated"
    r"|tells?|told|wish|wishes|words?|whole|whoever)(?=_|$)"
)
BANNED_IN_PROSE = re.compile(
    r"\b(aside|doors?|hearers?|patience|places?|seats?|tells?|told|wish|wishes|let go of"
    r"|lets go of|whoever)\b",
    re.IGNORECASE,
)

ROOMS = {path.name: path for path in sorted(SERVER.iterdir()) if (path / "__init__.py").exists()}
ROOMS["Python client"] = PYTHON_CLIENT


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "tests" not in path.parts)


def names_in(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                names.add(node.name)
            case ast.arg():
                names.add(node.arg)
            case ast.Attribute():
                names.add(node.attr)
            case ast.Name():
                names.add(node.id)
            case _:
                pass
    return names


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def prose_in(text: str) -> Iterator[str]:
    """The lines of all docstrings and comments."""
    for node in ast.walk(ast.parse(text)):
        # Also a string below an attribute is a docstring.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            value = node.value.value
            yield from value.splitlines() if isinstance(value, str) else ()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


@pytest.mark.parametrize("room", ROOMS)
def test_names_are_words_of_the_field(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(ROOMS[room])
        for name in sorted(names_in(ast.parse(path.read_text(encoding="utf-8"))))
        if BANNED_IN_NAMES.search(snake_case(name))
    ]
    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_and_comments_are_words_of_the_field(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in modules(ROOMS[room])
        for line in prose_in(path.read_text(encoding="utf-8"))
        if BANNED_IN_PROSE.search(line)
    ]
    assert found == []


def test_a_class_name_means_one_class() -> None:
    where: defaultdict[str, list[str]] = defaultdict(list)
    for path in (path for folder in SOURCES for path in modules(folder)):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(str(path.relative_to(ROOT)))
    twice = {name: files for name, files in where.items() if len(files) > 1}
    assert twice == {}
