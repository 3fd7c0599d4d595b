"""Hot paths take no more instructions than recorded, and the guard sees it when they do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path as File

import pytest
from guard import figures
from guard.__main__ import main, report
from guard.calibration import NAME as CALIBRATION
from guard.count import CountError, count
from guard.figures import Figures, load, recorded
from guard.path import Path
from guard.verdict import ELSEWHERE_MAX, GROWTH_MAX, OTHER_BUILD_MAX, judge
from guard.worker import paths

PLANT = """
from guard import calibration
plain = calibration._once
def slower():
    [number for number in range(2_000)]
    return plain()
calibration._once = slower
"""

THEIRS = Path("work", "some work", lambda: lambda _times: None, uses=("msgspec",))
RECORDED = Figures(
    "3.11", "x86_64", "3.11.7, GCC", {"msgspec": "0.20.0"}, {CALIBRATION: 1_000.0, "work": 500.0}
)


def counted(work: float, *, unit: float = 1_000.0, **changed: object) -> Figures:
    return replace(RECORDED, counts={CALIBRATION: unit, "work": work}, **changed)


def has_grown(now: Figures, *records: Figures) -> bool:
    (verdict,) = judge([THEIRS], now, records=records or (RECORDED,))
    return verdict.has_grown


def test_no_hot_path_has_grown(capsys: pytest.CaptureFixture[str]) -> None:
    code = main([])
    told = capsys.readouterr()
    assert code == 0, f"\n{told.out}{told.err}"


def test_every_path_is_recorded_somewhere() -> None:
    known = {name for entry in load() for name in entry.counts}
    assert {path.name for path in paths()} <= known


def test_a_planted_slowdown_is_seen(tmp_path: File) -> None:
    # In the path that needs none of River: valgrind imports slowly.
    planted = tmp_path / "plant.py"
    planted.write_text(PLANT, encoding="utf-8")
    plain, slow = count([CALIBRATION]), count([CALIBRATION], planted=planted)
    assert slow[CALIBRATION] > plain[CALIBRATION] * (1 + GROWTH_MAX)


def test_what_is_no_python_is_told_with_what_it_said(tmp_path: File) -> None:
    planted = tmp_path / "plant.py"
    planted.write_text("raise SystemExit('spoiled')", encoding="utf-8")
    with pytest.raises(CountError, match="spoiled"):
        count([CALIBRATION], planted=planted)


def test_more_than_a_tenth_is_growth_in_the_same_environment() -> None:
    assert not has_grown(counted(499 * (1 + GROWTH_MAX)))
    assert has_grown(counted(501 * (1 + GROWTH_MAX)))


def test_a_micro_version_of_a_library_is_the_same_environment() -> None:
    assert has_grown(counted(560, versions={"msgspec": "0.20.9"}))


def test_another_build_of_python_is_compared_in_units_of_the_calibration() -> None:
    # All is 30% dearer there, the path as well.
    assert not has_grown(counted(650, unit=1_300))
    assert has_grown(counted(660 * (1 + OTHER_BUILD_MAX), unit=1_300))


@pytest.mark.parametrize(
    "elsewhere", [{"python": "3.13"}, {"machine": "aarch64"}, {"versions": {"msgspec": "0.21.0"}}]
)
def test_another_environment_is_compared_loosely_and_named(elsewhere: dict[str, object]) -> None:
    assert not has_grown(counted(560, **elsewhere))
    assert has_grown(counted(505 * (1 + ELSEWHERE_MAX), **elsewhere))
    text = report(judge([THEIRS], counted(560, **elsewhere), records=[RECORDED]))
    assert "another environment" in text
    assert "make guard-record" in text


def test_the_nearest_record_is_taken() -> None:
    near = replace(RECORDED, python="3.12", counts={CALIBRATION: 1_000.0, "work": 100.0})
    assert has_grown(counted(500, python="3.13"), RECORDED, near)
    other_machine = replace(near, machine="aarch64")
    assert not has_grown(counted(500, python="3.12"), RECORDED, other_machine)


def test_a_path_without_a_record_is_told_as_new() -> None:
    empty = replace(RECORDED, counts={CALIBRATION: 1_000.0})
    (verdict,) = judge([THEIRS], counted(500), records=[empty])
    assert (verdict.growth, verdict.has_grown) == (None, False)
    assert "not recorded yet" in report([verdict])


def test_recording_what_moved_drops_it_from_other_environments() -> None:
    other = replace(RECORDED, python="3.12")
    now, kept = recorded([RECORDED, other], counted(400))
    assert now.counts["work"] == 400
    assert "work" not in kept.counts
    _, kept = recorded([RECORDED, other], counted(505))
    assert kept.counts["work"] == 500


def test_records_come_back_as_they_were_kept(tmp_path: File) -> None:
    file = tmp_path / "recorded.json"
    figures.save([RECORDED], file)
    assert load(file) == [RECORDED]


def test_recording_some_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--record", "encode"], ["no-such-path"]):
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert stopped.value.code == 2
    assert "encode" in capsys.readouterr().err
