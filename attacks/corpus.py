"""Inputs that a guided fuzz found worth keeping: one file a target, one input a line in base64."""

import base64
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def path_of(target: str) -> Path:
    """The file of a target."""
    return FOLDER / f"{target.replace(' ', '-').replace(chr(39), '')}.txt"


def kept(target: str) -> list[bytes]:
    """The inputs that are kept of a target."""
    path = path_of(target)
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return [base64.b64decode(line) for line in lines]


def keep(target: str, inputs: list[bytes]) -> None:
    """Replace them, the shortest first."""
    FOLDER.mkdir(exist_ok=True)
    lines = [
        base64.b64encode(one).decode() for one in sorted(inputs, key=lambda one: (len(one), one))
    ]
    path_of(target).write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
