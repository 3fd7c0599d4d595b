"""Workers that end as soon as they are started: nobody starts them for ever."""

import sys

import pytest

from riverd.service import workers as supervisor
from riverd.service.workers import Supervisor


def run_with(worker: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a supervisor whose workers do this."""
    monkeypatch.setattr(supervisor, "RESTART_S_FIRST", 0.01)
    monkeypatch.setattr(supervisor, "POLL_S", 0.01)
    watched = Supervisor(2, drain_s=0)
    for one in watched._workers:
        one._command = [sys.executable, "-c", worker]
        one._pause_s = 0.01
    # Signals are the test runner's.
    monkeypatch.setattr(supervisor.signal, "signal", lambda *_: None)
    return watched.run()


def test_workers_that_find_their_settings_wrong_are_not_started_again(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said = "import sys; sys.stderr.write('river: RIVER_X: wrong\\n'); sys.exit(2)"
    assert run_with(said, monkeypatch) == 2
    assert capfd.readouterr().err.count("river: RIVER_X: wrong") == 2


def test_workers_that_crash_at_the_start_are_given_up_after_some_attempts(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_with("import os; print('here', flush=True); os.abort()", monkeypatch) == 1
    assert 6 <= capfd.readouterr().out.count("here") <= 8
