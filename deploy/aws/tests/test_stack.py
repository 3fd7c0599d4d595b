"""The stack of every variant: what must be so in each."""

import subprocess
import sys
from pathlib import Path

import aws_chain
import aws_data
import aws_reach
import aws_rights
import aws_sizes
import aws_times
import aws_watching
import pytest
from aws_template import Check, Template
from aws_variants import Synthesised

CHECKS: tuple[Check, ...] = (
    *aws_reach.CHECKS,
    *aws_chain.CHECKS,
    *aws_times.CHECKS,
    *aws_sizes.CHECKS,
    *aws_data.CHECKS,
    *aws_rights.CHECKS,
    *aws_watching.CHECKS,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_is_found(check: Check, template: Template) -> None:
    assert list(check(template)) == []


def test_cdk_nag_finds_nothing_that_was_not_meant(variant: Synthesised) -> None:
    assert variant.nag == []


def test_cfn_lint_finds_nothing(synthesised: dict[str, Synthesised]) -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    paths = [one.path for one in synthesised.values()]
    # W3010: one variant has its zones chosen, which is what the option `zones` is for.
    command = [lint, "--ignore-checks", "W3010", "--", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
