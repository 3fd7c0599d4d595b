"""The report says what the result file says: goals, ratios, and where River is behind."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from report import chapter, goals, page, svg
from report.outcome import Outcome, best
from report.sections import SECTIONS, behind, knees, pictures
from report.wording import plain, times

BENCH = Path(__file__).resolve().parent.parent
UNKNOWN = "not measured in this run"
RECORDED = BENCH / "results" / "recorded.json"


def figure(*values: float, unit: str = "/s", at_most: bool = False) -> dict[str, object]:
    middle = sorted(values)[len(values) // 2]
    ends = {"min": min(values), "max": max(values)}
    return {"unit": unit, "median": middle, **ends, "at_most": at_most}


def step(figures: dict[str, object], *, size: float | None = None) -> dict[str, object]:
    return {"step": size, "figures": figures, "notes": [], "rounds": []}


def an_outcome(**scenarios: dict[str, list[dict[str, object]]]) -> Outcome:
    names = {name for contenders in scenarios.values() for name in contenders}
    told = {name: {"title": name.title(), "version": "1", "differs": []} for name in sorted(names)}
    made = {
        name: {"about": "work", "trouble": {}, "contenders": contenders}
        for name, contenders in scenarios.items()
    }
    return Outcome({"facts": {}, "form": {}, "contenders": told, "scenarios": made})


def fanout(**rates: float) -> dict[str, list[dict[str, object]]]:
    return {name: [step({"deliveries/s": figure(rate)})] for name, rate in rates.items()}


def verdict(outcome: Outcome, words: str) -> goals.Verdict:
    return next(one for one in goals.verdicts(outcome) if words in one.goal)


def test_the_best_peer_is_neither_river_nor_the_machine() -> None:
    found = an_outcome(fanout=fanout(river=9, nats=4, nchan=3, limit=8)).seen(
        "fanout", "deliveries/s"
    )
    leader = best(found)
    assert leader is not None
    assert leader.name == "nats"


@pytest.mark.parametrize(("river", "reached"), [(8, True), (7.9, False)])
def test_river_is_held_against_the_best_peer(river: float, *, reached: bool) -> None:
    outcome = an_outcome(fanout=fanout(river=river, nats=4, nchan=3, limit=1))
    assert verdict(outcome, "2 times the best peer").reached is reached


@pytest.mark.parametrize(("river", "reached"), [(10, True), (9.9, False)])
def test_river_is_held_against_the_machine(river: float, *, reached: bool) -> None:
    outcome = an_outcome(fanout=fanout(river=river, nats=1, limit=2))
    assert verdict(outcome, "one-message-a-write").reached is reached


@pytest.mark.parametrize(("late_ms", "reached"), [(5, True), (6, True), (6.1, False)])
def test_being_as_late_as_the_best_is_good_enough(late_ms: float, *, reached: bool) -> None:
    late = {
        name: [step({"delay, p99": figure(ms, unit="ms", at_most=True)}, size=50)]
        for name, ms in {"river": late_ms, "nats": 6.0, "nchan": 7.0}.items()
    }
    assert verdict(an_outcome(latency=late), "p99").reached is reached


@pytest.mark.parametrize(("cost", "reached"), [(1.05, True), (1.2, False)])
def test_growth_may_cost_no_more_than_the_machine_s_noise(cost: float, *, reached: bool) -> None:
    label = "CPU a million deliveries"
    grown = {
        "river": [
            step({label: figure(1, unit="s", at_most=True)}, size=1),
            step({label: figure(cost, unit="s", at_most=True)}, size=8),
        ]
    }
    assert verdict(an_outcome(many=grown), "does not rise").reached is reached


def test_what_was_not_run_is_open() -> None:
    assert {one.reached for one in goals.verdicts(an_outcome())} == {None}
    assert "reached" not in page.page(an_outcome()).partition("<main>")[2]


def idle(*, pings: float) -> dict[str, object]:
    return step(
        {
            "memory a client": figure(8.0, unit="KiB", at_most=True),
            "server's CPU": figure(0.01, at_most=True),
            "pings answered": figure(pings),
        }
    )


@pytest.mark.parametrize(("pings", "reached"), [(10_000, True), (9_999, None)])
def test_idle_clients_that_were_not_all_pinged_say_nothing_of_what_they_cost(
    pings: float, *, reached: bool | None
) -> None:
    assert (
        verdict(an_outcome(idle={"river": [idle(pings=pings)]}), "2% of a core").reached is reached
    )


def storm(rate: float, **changed: float) -> dict[str, object]:
    """A storm that went as it should, but for what is given."""
    seen = {"up": 20_000.0, "took": 20_000 / rate, "peak": 9e6, "refused": 0.0, "lost": 0.0}
    seen |= changed
    return step(
        {
            "clients up": figure(seen["up"]),
            "until all are up": figure(seen["took"], unit="s", at_most=True),
            "deliveries/s at the peak": figure(seen["peak"]),
            "refused": figure(seen["refused"], at_most=True),
            "lost": figure(seen["lost"], at_most=True),
        },
        size=rate,
    )


@pytest.mark.parametrize(
    ("rate", "changed", "reached"),
    [
        (100, {}, True),
        (100, {"peak": 1.0}, True),
        (100, {"took": 209.0}, False),
        (100, {"up": 19_999.0}, False),
        (1_000, {}, True),
        (1_000, {"took": 25.1}, False),
        (1_000, {"peak": 7.9e6}, False),
        (1_000, {"up": 19_999.0}, False),
        *(
            (rate, {trouble: 1.0}, False)
            for rate in (100, 1_000)
            for trouble in ("refused", "lost")
        ),
    ],
)
def test_a_storm_is_over_in_time_with_everybody_in_and_nobody_turned_away(
    rate: float, changed: dict[str, float], *, reached: bool
) -> None:
    outcome = an_outcome(storm={"river": [storm(rate, **changed)]})
    assert verdict(outcome, f"{rate:,.0f} joins/s").reached is reached


def test_a_busy_machine_gives_no_verdict_but_on_memory() -> None:
    busy = {"machine": {"others": 1.5}}
    memory = {
        name: [step({"memory a client": figure(kib, unit="KiB", at_most=True)})]
        for name, kib in {"river": 8.0, "nats": 20.0}.items()
    }
    memory["river"] = [idle(pings=10_000)]
    outcome = an_outcome(fanout=fanout(river=8, nats=4, limit=1), idle=memory)
    assert {one.reached for one in goals.verdicts(outcome) if one.found != UNKNOWN} == {True}
    assert page.noise(outcome) is None
    for scenario in ("fanout", "idle"):
        for steps in outcome.tree["scenarios"][scenario]["contenders"].values():  # type: ignore[index]
            steps[0]["rounds"].append(busy)
    told = {one.goal: one.reached for one in goals.verdicts(outcome) if one.found != UNKNOWN}
    assert told.pop("at most 16 KiB a client") is True
    assert told.pop("less memory than every peer but Nchan") is True
    assert set(told.values()) == {None}
    assert "1.5 cores" in (page.noise(outcome) or "")


def test_the_page_tells_where_river_is_behind() -> None:
    (gap,) = behind(an_outcome(fanout=fanout(river=2, nats=6, nchan=5)))
    assert (gap.leader.name, gap.leader.times_better(gap.river)) == ("nats", 3)
    text = page.page(an_outcome(fanout=fanout(river=2, nats=6, nchan=5)))
    assert re.search(r"Nats</td><td class=number>3x", text)
    assert behind(an_outcome(fanout=fanout(river=6, nats=2))) == []


def test_the_knee_is_the_last_rate_at_which_all_is_well() -> None:
    def at(rate: float, *, late_ms: float, gone: float = 0) -> dict[str, object]:
        late = figure(late_ms, unit="ms", at_most=True)
        return step({"delay, p99": late, "not delivered in time": figure(gone)}, size=rate)

    outcome = an_outcome(
        latency={
            "river": [at(10, late_ms=1), at(50, late_ms=99), at(100, late_ms=101)],
            "nats": [at(10, late_ms=1), at(50, late_ms=1, gone=3)],
        }
    )
    assert knees(outcome).endswith("River 50, Nats 10")


def test_every_picture_is_sound_xml_and_names_all_who_took_part() -> None:
    outcome = an_outcome(fanout=fanout(river=3, nats=2, limit=1))
    (drawn,) = pictures(outcome, next(one for one in SECTIONS if one.scenario == "fanout"))
    root = ET.fromstring(svg.alone(drawn.drawing))  # noqa: S314 - it is our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text in ("River", "Nats", "Limit")] == [
        "River",
        "Nats",
        "Limit",
    ]


def test_bars_are_as_long_as_what_they_show() -> None:
    made = [svg.Bar("nats", name, size, size, size, "") for name, size in (("a", 4.0), ("b", 1.0))]
    widths = re.findall(r'width="([\d.]+)" height="20"', svg.bars(made, title="t"))
    assert float(widths[0]) == pytest.approx(4 * float(widths[1]), rel=0.01)


def test_labels_at_the_ends_of_curves_do_not_cover_each_other() -> None:
    same = [svg.Curve(str(nth), str(nth), ((1, 1), (2, 2))) for nth in range(6)]
    axis = svg.Axis("x")
    drawn = svg.curves(same, across=axis, up=axis, title="t")
    rows = [float(y) for y in re.findall(r'y="([\d.]+)" class="hue small', drawn)]
    assert len(rows) == len(same)
    gaps = [b - a for a, b in zip(sorted(rows), sorted(rows)[1:], strict=False)]
    assert min(gaps) >= svg.LABEL_GAP - 0.11


def test_numbers_read_as_people_say_them() -> None:
    assert [plain(n) for n in (2_345_678, 23_456, 2345, 234.5, 23.45, 2.345)] == [
        *("2.35 million", "23,500", "2,340", "234", "23.4", "2.3"),
    ]
    assert (times(12.3), times(1.25)) == ("12x", "1.2x")


def test_the_kept_report_and_chapter_are_those_of_the_kept_result() -> None:
    outcome = Outcome.read(RECORDED)
    assert (BENCH / "report.html").read_text(encoding="utf-8") == page.page(outcome)
    text = chapter.CHAPTER.read_text(encoding="utf-8")
    assert chapter.written(text, chapter.chapter(outcome)) == text
    for _, picture in chapter.chosen(outcome):
        drawn = (chapter.CHAPTER.parent / chapter.file_of(picture)).read_text(encoding="utf-8")
        assert drawn == svg.alone(picture.drawing)


def test_the_page_needs_nothing_beside_it() -> None:
    text = page.page(Outcome.read(RECORDED))
    assert not re.search(r"(?:src|href)=\"(?!#)", text)
    assert "@import" not in text
