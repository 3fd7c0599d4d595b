"""The protocol's conversations, held by the subscriber, and the page that tells of them."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from case_runner import Outcome, run_all, table

ROOT = Path(__file__).parents[3]
# Fewer would mean that cases were passed over; more are welcome.
PASSED_MIN = 44


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    return asyncio.run(run_all(tmp_path_factory.mktemp("cases")))


def test_subscriber_holds_the_protocols_conversations(outcomes: list[Outcome]) -> None:
    assert [one for one in outcomes if one.result == "failed"] == []
    assert sum(one.result == "passed" for one in outcomes) >= PASSED_MIN


@pytest.mark.skipif(
    not (ROOT / "clients" / "js" / "node_modules").exists(),
    reason="the JavaScript client is not installed: run `make setup`",
)
def test_table_of_capabilities_is_what_the_runs_say(
    outcomes: list[Outcome], tmp_path: Path
) -> None:
    run = tmp_path / "python.json"
    run.write_text(json.dumps(table(outcomes)))
    script = ROOT / "scripts" / "capabilities.py"
    subprocess.run([sys.executable, script, "--check", "--python", run], check=True)
