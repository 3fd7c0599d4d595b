"""The report as a page that needs nothing beside it, made from a result file.

python -m report.page                        # results/recorded.json to report.html
python -m report.page results/NAME.json      # another one
"""

from __future__ import annotations

import argparse
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from tree import at, words

from report.goals import DISTURBED_CORES, verdicts
from report.outcome import LIMIT, RIVER, Outcome, best
from report.sections import SECTIONS, Section, behind, pictures
from report.svg import STYLE, colour_rules
from report.wording import plain, times, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HERE = Path(__file__).resolve().parent
RECORDED = HERE.parent / "results" / "recorded.json"
REPORT = HERE.parent / "report.html"
WORD = {True: "reached", False: "missed", None: "open"}
MARK = {True: "yes", False: "no", None: "soft"}


def _table(head: Sequence[str], lines: Iterable[Sequence[str]], *, numbers: frozenset[int]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        made = (
            f"<{tag}{' class=number' if place in numbers else ''}>{cell}</{tag}>"
            for place, cell in enumerate(cells)
        )
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(row(line, "td") for line in lines)
    return f'<div class="scroll"><table>{row(head, "th")}{body}</table></div>'


def _card(number: str, text: str) -> str:
    return f'<div class="card"><b>{escape(number)}</b><span>{escape(text)}</span></div>'


def _cards(outcome: Outcome) -> str:
    """A few numbers that stand for the rest."""
    made: list[str] = []
    fanout = outcome.seen("fanout", "deliveries/s")
    leader = best(fanout)
    if RIVER in fanout:
        made.append(_card(f"{plain(fanout[RIVER].middle)}/s", "deliveries to 1,000 subscribers"))
        if leader:
            ratio = times(fanout[RIVER].times_better(leader))
            made.append(_card(ratio, f"of the best peer there, {outcome.title(leader.name)}"))
        if LIMIT in fanout:
            ratio = times(fanout[RIVER].times_better(fanout[LIMIT]))
            made.append(_card(ratio, "of a bare C loop of send(), one message a write"))
    idle = outcome.seen("idle", "memory a client").get(RIVER)
    if idle:
        made.append(_card(value(idle), "of memory an idle client"))
    comeback = outcome.seen("comeback", "until all are live").get(RIVER)
    if comeback:
        made.append(_card(value(comeback), "until 10,000 cut clients have everything again"))
    return f'<div class="cards">{"".join(made)}</div>' if made else ""


def _goals(outcome: Outcome) -> str:
    lines = [
        (
            f'<a href="#{one.scenario}">{one.scenario}</a>',
            escape(one.goal),
            escape(one.found),
            f'<span class="{MARK[one.reached]}">{WORD[one.reached]}</span>',
        )
        for one in verdicts(outcome)
    ]
    return _table(("scenario", "goal", "found", ""), lines, numbers=frozenset())


def _behind(outcome: Outcome) -> str:
    lines = [
        (
            f'<a href="#{one.scenario}">{one.scenario}</a>',
            escape(one.label),
            escape(value(one.river)),
            escape(value(one.leader)),
            escape(outcome.title(one.leader.name)),
            times(one.leader.times_better(one.river)),
        )
        for one in behind(outcome)
    ]
    if not lines:
        return "<p>Nowhere in this run.</p>"
    head = ("scenario", "figure", "River", "best peer", "who", "times better")
    return _table(head, lines, numbers=frozenset((2, 3, 5)))


def _section(outcome: Outcome, section: Section) -> str:
    drawn = pictures(outcome, section)
    if not drawn:
        return ""
    parts = [f'<h2 id="{section.scenario}">{escape(section.title)}</h2>']
    source = escape(outcome.source(section.scenario))
    parts.append(f'<p class="soft">{escape(outcome.about(section.scenario))}.</p>')
    parts.append(f'<p class="small soft">{source}</p>' if source else "")
    for picture in drawn:
        caption = f"{escape(picture.title)} <span>({picture.better})</span>"
        parts.append(f"<figure><figcaption>{caption}</figcaption>{picture.drawing}</figure>")
        if picture.remark:
            parts.append(f'<p class="remark">{escape(picture.remark)}</p>')
    parts += [
        f'<p class="small soft">{escape(outcome.title(name))} did not go on: {escape(why)}</p>'
        for name, why in outcome.trouble(section.scenario).items()
    ]
    notes = [escape(note) for note in outcome.notes(section.scenario)]
    if notes:
        told = "".join(f"<li>{note}</li>" for note in notes)
        parts.append(f"<details><summary>Notes on these rounds</summary><ul>{told}</ul></details>")
    return "".join(parts)


def _contenders(outcome: Outcome) -> str:
    lines = [
        (
            escape(outcome.title(name)),
            escape(str(told.get("version", "") or f"skipped: {told.get('skipped', '')}")),
            escape("; ".join(words(told, "differs"))),
        )
        for name, told in outcome.contenders.items()
    ]
    return _table(("", "version", "where its work is not the same"), lines, numbers=frozenset())


def noise(outcome: Outcome) -> str | None:
    """What a reader must know of the machine: None when it was left alone."""
    busy = {scenario: outcome.disturbed(scenario) for scenario in outcome.scenarios}
    loud = [scenario for scenario, cores in busy.items() if cores > DISTURBED_CORES]
    if not loud:
        return None
    return (
        f"Other work had up to {max(busy.values()):.1f} cores of this machine in {len(loud)} of "
        f"{len(busy)} scenarios. What took time there compares nobody: only memory, and with care "
        "CPU seconds, can be believed. It wants another run on a quiet machine."
    )


def _facts(outcome: Outcome) -> str:
    known = {
        name: at(outcome.tree, f"facts.{name}")
        for name in ("commit", "at", "kernel", "processor", "cores", "python")
    }
    return ", ".join(f"{name} {told}" for name, told in known.items())


def page(outcome: Outcome) -> str:
    """The whole report."""
    made = [(section, _section(outcome, section)) for section in SECTIONS]
    shown = [(section, text) for section, text in made if text]
    links = " ".join(f'<a href="#{one.scenario}">{one.scenario}</a>' for one, _ in shown)
    told = noise(outcome)
    css = (HERE / "page.css").read_text(encoding="utf-8")
    rules = f"{css}{STYLE}{colour_rules(0)}"
    rules += f"\n@media (prefers-color-scheme: dark) {{ {colour_rules(1)} }}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>River beside the best</title><style>{rules}</style></head><body><main>
<h1>River beside the best</h1>
<p class="soft">The same work for each system, on one core, with the load on another; all take
turns round by round. Bars are medians, whiskers go from the least to the most of the rounds.</p>
<p class="small soft">{escape(_facts(outcome))}</p>
{f'<p class="warning">{escape(told)}</p>' if told else ""}{_cards(outcome)}
<nav>{links}</nav>
<h2 id="goals">Goals</h2>{_goals(outcome)}
<h2 id="behind">Where River is behind</h2>
<p class="soft">Every figure of this page in which a peer is better, the widest gap first.</p>
{_behind(outcome)}
{"".join(text for _, text in shown)}
<h2 id="contenders">Who took part</h2>{_contenders(outcome)}
</main></body></html>
"""


def main(given: list[str] | None = None) -> int:
    """Write the page of a result."""
    parser = argparse.ArgumentParser(prog="report.page", description=__doc__.partition("\n")[0])
    parser.add_argument("result", nargs="?", type=Path, default=RECORDED)
    parser.add_argument("--to", type=Path, default=REPORT)
    asked = parser.parse_args(given)
    asked.to.write_text(page(Outcome.read(asked.result)), encoding="utf-8")
    print(f"written: {asked.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
