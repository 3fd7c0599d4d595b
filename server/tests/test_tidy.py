"""The limits of the house's style. They only go down."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [
    ROOT / "server" / "src",
    ROOT / "clients" / "python" / "src",
    *sorted(ROOT.glob("examples/*/src")),
    *sorted(ROOT.glob("deploy/*/src")),
    ROOT / "benchmarks",
]
# What the bench installs is in `build`.
FILES = sorted(
    path for folder in FOLDERS for path in folder.rglob("*.py") if "build" not in path.parts
)

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 6
POSITIONAL_MAX = 2
FORBIDDEN_NAMES = re.compile(r"(^|_)(manager|helper|util|utils|base|info|misc|common)s?(_|$)")
# Put together, so that this file is not found by itself.
LEFT_OVER = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")))

# What is over the limit of parameters: callbacks whose caller is another, and what was written
# before this test. No number rises, no file is added.
OWED = {
    # publish(channel, event, data) by position, as everybody knows it from Pusher.
    "clients/python/src/river_realtime/async_river.py": 4,
    "clients/python/src/river_realtime/river.py": 4,
    "examples/forum/src/forum/store.py": 2,
    "server/src/riverd/api/admission.py": 3,
    "server/src/riverd/api/endpoints/publish.py": 1,
    "server/src/riverd/service/composition.py": 1,
    "server/src/riverd/broker/interface.py": 2,
    "server/src/riverd/broker/redis/calls.py": 1,
    "server/src/riverd/broker/redis/connector.py": 1,
    "server/src/riverd/broker/redis/feed.py": 1,
    "server/src/riverd/broker/redis/lease.py": 1,
    "server/src/riverd/broker/memory/store.py": 2,
    "server/src/riverd/gateway/gateway.py": 1,
    "server/src/riverd/websocket/picows_parser.py": 1,
    "server/src/riverd/node/node.py": 2,
    "server/src/riverd/node/replicas/attaching.py": 2,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[tuple[Function, bool]]:
    """All functions of a file, and whether each is a method."""
    tree = tree_of(path)
    methods = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for child in node.body
    }
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node, id(node) in methods


def length(function: Function) -> int:
    """Lines of a function, its docstring not counted."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def positional(function: Function, *, is_method: bool) -> int:
    arguments = function.args
    number = len(arguments.posonlyargs) + len(arguments.args)
    static = any(
        isinstance(one, ast.Name) and one.id == "staticmethod" for one in function.decorator_list
    )
    return number - (is_method and not static)


def number_of_parameters(function: Function, *, is_method: bool) -> int:
    return positional(function, is_method=is_method) + len(function.args.kwonlyargs)


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_a_file_is_about_one_thing_says_so_and_ends_in_time(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(tree_of(path))
    assert docstring, "a sentence on top"
    assert docstring.splitlines()[0].endswith((".", "?")), "a whole sentence"
    assert len(text.splitlines()) <= FILE_LINES_MAX
    assert not FORBIDDEN_NAMES.search(path.stem)
    assert not LEFT_OVER.search(text)


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_functions_are_short(path: Path) -> None:
    long = [one.name for one, _ in functions(path) if length(one) > FUNCTION_LINES_MAX]
    assert long == []


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_functions_take_few_parameters_and_most_of_them_by_name(path: Path) -> None:
    over = [
        function.name
        for function, is_method in functions(path)
        if positional(function, is_method=is_method) > POSITIONAL_MAX
        or number_of_parameters(function, is_method=is_method) > PARAMETERS_MAX
    ]
    assert len(over) == OWED.get(shown(path), 0), over


def test_what_is_owed_is_owed_by_files_that_exist() -> None:
    assert set(OWED) <= {shown(path) for path in FILES}


def test_files_of_tests_end_in_time_too() -> None:
    folders = (ROOT / name for name in ("server", "clients", "deploy", "benchmarks", "attacks"))
    found = {
        shown(path): len(path.read_text(encoding="utf-8").splitlines())
        for folder in folders
        for kind in ("tests/**/*.py", "test/**/*.js")
        for path in folder.rglob(kind)
        if "node_modules" not in path.parts
    }
    assert {name: lines for name, lines in found.items() if lines > FILE_LINES_MAX} == {}


def test_files_that_all_tests_find_have_names_of_their_own() -> None:
    # These folders are on the path of one process: of two files of one name it finds the first.
    kinds = (
        "server/tests/support",
        "chaos",
        "benchmarks",
        "*/tests",
        "*/*/tests",
        "*/*/tests/browser",
    )
    folders = {folder for kind in kinds for folder in ROOT.glob(kind)}
    paths = [path for folder in folders for path in folder.glob("*.py")]
    names = Counter(
        path.stem for path in paths if not path.name.startswith(("test_", "conftest", "__"))
    )
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 30
