"""The steps of one River's life in the fake account: each is taken once, many tests look at it."""

import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cdk_docker
from cloud import RIVER, Cloud, Inventory
from container_engine import engine
from terminal import CTRL_C, WAIT_S_MAX, Terminal

CHANGES = ("-c", "gateways=3", "-c", "drain_s=20", "-c", "build_image=true")


@dataclass(frozen=True)
class Step:
    """What was said at it, and what there was afterwards."""

    said: str
    there: Inventory


@dataclass(frozen=True)
class Interruption:
    """A change that was stopped: what was shown until then, and said meanwhile."""

    shown: str
    code: int
    meanwhile: str
    before: Inventory
    there: Inventory


def deploy(cloud: Cloud, *words: str, code: int = 0) -> str:
    return cloud.river("deploy", "aws", "--yes", "--no-smoke", *words, code=code)


def fail(cloud: Cloud) -> Step:
    """The first deployment ever, which fails half-way."""
    said = deploy(cloud, "-c", "image=example/does-not-exist:1", code=1)
    return Step(said, cloud.inventory())


def build(cloud: Cloud) -> Step:
    """The default deployment, by somebody who sits before a terminal."""
    terminal = Terminal([str(RIVER), "deploy", "aws", "--no-smoke"], cloud.environment())
    try:
        terminal.until(r"Deploy\? \[y/N\]: ")
        terminal.type("y\n")
        assert terminal.ends() == 0, terminal.shown
    finally:
        terminal.kill()
    return Step(terminal.shown, cloud.inventory())


def change(cloud: Cloud) -> Interruption:
    """A change with an image of this repository, stopped by Ctrl-C when it is half made."""
    before = cloud.inventory()
    cloud.control("hold", {"AWS::ECS::TaskDefinition": ""})
    with engine() as running, tempfile.TemporaryDirectory() as folder:
        program = str(cdk_docker.launcher(Path(folder)))
        environment = {**running.environment, **cloud.environment(CDK_DOCKER=program)}
        terminal = Terminal([str(RIVER), "deploy", "aws", "--no-smoke", *CHANGES], environment)
        try:
            terminal.until(r"Deploy\? \[y/N\]: ")
            terminal.type("y\n")
            terminal.until("gateways on Fargate *$")
            terminal.type(CTRL_C)
            code = terminal.ends()
            meanwhile = deploy(cloud, code=1)
        finally:
            terminal.kill()
            cloud.control("hold", {})
    _wait_for_the_stack(cloud)
    return Interruption(terminal.shown, code, meanwhile, before, cloud.inventory())


def _wait_for_the_stack(cloud: Cloud) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while re.search("_IN_PROGRESS$", _status(cloud)):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _status(cloud: Cloud) -> str:
    told = cloud.client("cloudformation").describe_stacks(StackName="River")["Stacks"][0]
    return str(told["StackStatus"])
