"""Picks from requirements.lock what some distributions need: their lines, with versions and hashes.

python requirements.py requirements.lock riverd            riverd's dependencies, all the way down
python requirements.py --alone requirements.lock pyjwt     this one, without its dependencies
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# `name==1.2 ; marker \`, then its hashes, then who asked for it: `# via one`, or a line each.
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==\S")
_VIA = re.compile(r"^    #(?: via|  )(?: (?P<parent>[A-Za-z0-9._-]+))?$")


@dataclass
class Entry:
    """One distribution of the lock: its lines as they stand, and who asked for it."""

    lines: list[str] = field(default_factory=list[str])
    parents: set[str] = field(default_factory=set[str])


def entries(lock: str) -> dict[str, Entry]:
    """All entries by name. A name that stands twice, for two markers, is one entry."""
    found: dict[str, Entry] = {}
    entry = Entry()
    for line in lock.splitlines():
        if pinned := _PINNED.match(line):
            entry = found.setdefault(pinned["name"], Entry())
        if via := _VIA.match(line):
            entry.parents.add(via["parent"] or "")
        elif line.strip():
            entry.lines.append(line)
    return found


def needed(found: Mapping[str, Entry], roots: set[str]) -> set[str]:
    """The names that the roots need, directly or not, and the roots that stand in the lock."""
    names = set(roots)
    # Each round reaches one step further; the longest chain is no longer than the lock.
    for _ in found:
        more = {name for name, entry in found.items() if entry.parents & names} - names
        if not more:
            break
        names |= more
    return names & found.keys()


def selected(lock: str, roots: set[str], *, alone: bool = False) -> Iterator[str]:
    """The lines of the lock for the roots.

    Raises:
        ValueError: nothing in the lock is for one of them.
    """
    found = entries(lock)
    for root in roots:
        if not needed(found, {root}):
            raise ValueError(f"requirements.lock has nothing for {root}: run `make lock`")
    for name in sorted(roots if alone else needed(found, roots)):
        yield from found[name].lines


def main() -> int:
    """Print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--alone", action="store_true", help="without what they depend on")
    parser.add_argument("lock", type=Path)
    parser.add_argument("roots", nargs="+")
    asked = parser.parse_args()
    text = asked.lock.read_text(encoding="utf-8")
    lines = selected(text, set(asked.roots), alone=asked.alone)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
