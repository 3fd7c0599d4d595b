"""What a release needs: one version everywhere, workflows that can be read and name what exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from docs_pages import ROOT

import riverd

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def check(version: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "release_check.py"
    return subprocess.run(
        [sys.executable, script, version], capture_output=True, text=True, check=False
    )


def test_every_place_says_the_version_of_the_server() -> None:
    found = check(riverd.__version__)
    assert (found.returncode, found.stdout) == (0, "")


def test_places_that_say_another_version_are_named() -> None:
    found = check("9.9.9")
    assert found.returncode == 1
    assert "docs/index.md" in found.stdout
    assert "no version found" not in found.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_runs_what_is_in_the_repository(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for job in jobs.values():
        assert set(job.get("needs", "").split()) <= jobs.keys()
        for step in job["steps"]:
            run = step.get("run", "")
            for target in re.findall(r"\bmake (\w+)", run):
                assert re.search(rf"^{target}:", makefile, re.MULTILINE)
            for file in re.findall(r"\b(?:bash|python3) (\S+)", run):
                assert (ROOT / file).exists()
            if folder := step.get("working-directory"):
                assert (ROOT / folder / "package.json").exists()
        for package in job.get("strategy", {}).get("matrix", {}).get("package", []):
            assert (ROOT / package / "pyproject.toml").exists()


def test_release_page_says_the_places_that_are_checked() -> None:
    page = (ROOT / "RELEASING.md").read_text(encoding="utf-8")
    assert "scripts/release_check.py" in page
    assert WORKFLOWS
