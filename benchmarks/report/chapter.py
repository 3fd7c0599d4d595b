"""The figures of docs/performance.md, made from a result file, and its pictures.

python -m report.chapter                     # from results/recorded.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tree import at

from report.outcome import LIMIT, Outcome
from report.page import RECORDED, noise
from report.sections import SECTIONS, Picture, Section, behind, pictures
from report.svg import alone
from report.wording import plain, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from report.outcome import Seen

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "docs" / "performance.md"
IMAGES = "images/bench"
BEGIN = "<!-- figures: made by report.chapter from benchmarks/results/recorded.json -->"
END = "<!-- /figures -->"
SHOWN = (
    "fanout-deliveries/s",
    "latency-curve-delay, p99",
    "connect-connect+auth+subscribe",
    "idle-memory a client",
    "publish-publications/s",
    "publish-batch-publications/s",
    "comeback-until all are live",
    "many-curve",
    "storm-curve-1000",
)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    return [_row(head), _row("---" for _ in head), *map(_row, lines)]


def _cell(seen: Seen | None, leader: Seen | None) -> str:
    if seen is None:
        return ""
    text = plain(seen.middle)
    return f"**{text}**" if leader is not None and not leader.beats(seen) else text


def _beside(outcome: Outcome) -> list[str]:
    """The figures that decide, everybody in one line; the best of each line is bold."""
    names = [name for name in outcome.contenders if "skipped" not in outcome.contenders[name]]
    lines: list[list[str]] = []
    for section in SECTIONS:
        for step in section.steps:
            for label in section.bars:
                found = outcome.seen(section.scenario, label, step=step)
                if not found:
                    continue
                peers = [one for one in found.values() if one.name != LIMIT]
                leader = peers[0]
                for one in peers:
                    leader = one if one.beats(leader) else leader
                size = "" if step is None else f" at {step:g}"
                unit = leader.unit
                what = f"{label}{f', {unit}' if unit not in ('', '/s') else ''}{size}"
                cells = [_cell(found.get(name), leader) for name in names]
                lines.append([section.scenario, what, *cells])
    return _table(("scenario", "figure", *map(outcome.title, names)), lines)


def _behind(outcome: Outcome) -> str:
    """One sentence: the report has the figures."""
    parts = [
        f"{one.scenario}, {one.label} ({outcome.title(one.leader.name)}, "
        f"{times(one.leader.times_better(one.river))})"
        for one in behind(outcome)
    ]
    return f"River is behind in {'; '.join(parts)}." if parts else "River is behind nowhere."


def chosen(outcome: Outcome) -> Iterator[tuple[Section, Picture]]:
    """The pictures that the chapter shows."""
    for section in SECTIONS:
        for picture in pictures(outcome, section):
            if picture.name in SHOWN:
                yield section, picture


def file_of(picture: Picture) -> str:
    """A picture's file, beside the chapter."""
    words = "".join(letter if letter.isalnum() else " " for letter in picture.name).split()
    return f"{IMAGES}/{'-'.join(words)}.svg"


def _pictures(outcome: Outcome) -> list[str]:
    lines: list[str] = []
    for section, picture in chosen(outcome):
        caption = f"{picture.title[0].upper()}{picture.title[1:]} ({picture.better})."
        remark = f" {picture.remark}." if picture.remark else ""
        lines += [f"### {section.title}", "", f"![{caption}]({file_of(picture)})", ""]
        if remark:
            lines += [remark.strip(), ""]
    return lines


def _who(outcome: Outcome) -> str:
    told = outcome.contenders
    here = [
        f"{outcome.title(name)} {one['version']}" for name, one in told.items() if "version" in one
    ]
    away = [
        f"{outcome.title(name)}: {one['skipped']}" for name, one in told.items() if "skipped" in one
    ]
    return ", ".join(here) + (f". Left out: {'; '.join(away)}" if away else "")


def chapter(outcome: Outcome) -> str:
    """Everything between the marks."""
    facts = {
        name: at(outcome.tree, f"facts.{name}") for name in ("commit", "at", "kernel", "processor")
    }
    form = "short form" if outcome.short else "long form"
    told = noise(outcome)
    machine = f"{facts['processor']}, {at(outcome.tree, 'facts.cores')} cores"
    lines = [
        f"Commit {facts['commit']}, {str(facts['at'])[:10]}, {form}.",
        f"Linux {facts['kernel']}, {machine}.",
        f"Measured: {_who(outcome)}.",
        "",
        *([told, ""] if told else []),
        "### Side by side",
        "",
        "Medians of one to three rounds (the result file has them); the best of a line is bold.",
        "",
        *_beside(outcome),
        "",
        _behind(outcome),
        "",
        *_pictures(outcome),
    ]
    return "\n".join(lines).rstrip() + "\n"


def written(text: str, made: str) -> str:
    """The page with what stands between its marks replaced.

    Raises:
        ValueError: The page has no marks.
    """
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{CHAPTER.name} has no lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{made}{END}{after}"


def main(given: list[str] | None = None) -> int:
    """Write the chapter's figures and pictures."""
    parser = argparse.ArgumentParser(prog="report.chapter", description=__doc__.partition("\n")[0])
    parser.add_argument("result", nargs="?", type=Path, default=RECORDED)
    outcome = Outcome.read(parser.parse_args(given).result)
    text = CHAPTER.read_text(encoding="utf-8")
    CHAPTER.write_text(written(text, chapter(outcome)), encoding="utf-8")
    folder = CHAPTER.parent / IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for _, picture in chosen(outcome):
        (CHAPTER.parent / file_of(picture)).write_text(alone(picture.drawing), encoding="utf-8")
    print(f"written: {CHAPTER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
