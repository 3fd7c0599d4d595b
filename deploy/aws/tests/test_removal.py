"""How River goes: one command removes it, lists what it removed, and looks that it is gone."""

import sys
from collections.abc import Callable

import pytest
from cloud import RIVER, Cloud
from river_life import Step
from terminal import Terminal

pytestmark = pytest.mark.deploy


def refuse(terminal: Terminal) -> None:
    terminal.type("n\n")


@pytest.mark.parametrize("leave", [refuse, Terminal.interrupt], ids=["no", "Ctrl-C"])
def test_who_does_not_agree_keeps_it(
    cloud: Cloud, built: Step, leave: Callable[[Terminal], None]
) -> None:
    del built
    before = cloud.inventory()
    terminal = Terminal([str(RIVER), "destroy", "aws"], cloud.environment())
    try:
        terminal.until(r"Remove all of this\? \[y/N\]: ")
        leave(terminal)
        assert terminal.ends() == 1
    finally:
        terminal.kill()
    assert terminal.shown.rstrip().endswith("river: nothing was done")
    assert cloud.inventory() == before


def test_one_command_removes_it_and_lists_what_it_removed(
    cloud: Cloud, failed: Step, built: Step
) -> None:
    del built
    functions = cloud.client("lambda").list_functions()["Functions"]
    there = cloud.inventory()
    said = cloud.river("destroy", "aws", "--yes")
    for name in (*there["LoadBalancers"], *there["ReplicationGroups"], *there["Distributions"]):
        assert name in said
    for function in functions:
        assert function["FunctionName"] in said
    assert "Nothing is left that costs" in said
    # What there was when nothing but a failed deployment had been: the bootstrap.
    assert cloud.inventory() == failed.there
    sys.stdout.write(said)


def test_there_is_nothing_to_remove_then(cloud: Cloud) -> None:
    said = cloud.river("destroy", "aws", "--yes", code=1)
    assert "there is no River in us-east-1 of account 123456789012" in said
