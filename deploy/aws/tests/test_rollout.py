"""What is said when the toolkit or the account stops answering in the middle of a deployment.

The toolkit is a program of a few lines here: what the real one does is in `test_cycle`.
"""

import json
import os
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from cloud import REGION, Cloud
from rich.console import Console

from riverd_aws import rollout
from riverd_aws.account import Account
from riverd_aws.failure import Failure, Mistake
from riverd_aws.rollout import roll_out
from riverd_aws.site import Site
from riverd_aws.stacks import Stack
from riverd_aws.synthesis import Assembly
from riverd_aws.toolkit import Toolkit

pytestmark = pytest.mark.deploy

NAME = "Rollout"
TEMPLATE = {
    "Description": "River: a small one",
    "Resources": {
        "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}
    },
    "Outputs": {"WebSocketUrl": {"Value": "wss://rt.example.com/ws"}},
}
DEPLOYS = f"""
import boto3, json
stacks = boto3.client("cloudformation")
stacks.create_change_set(
    StackName={NAME!r}, ChangeSetName="a", ChangeSetType="CREATE",
    TemplateBody={json.dumps(TEMPLATE)!r},
)
stacks.execute_change_set(ChangeSetName="a", StackName={NAME!r})
stacks.get_waiter("stack_create_complete").wait(StackName={NAME!r}, WaiterConfig=dict(Delay=1))
"""
FAILS = "print('the toolkit says no')\nraise SystemExit(1)\n"
HANGS = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("begun", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def here(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in the fake account, where nothing of this name is left."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    yield
    cloud.control("refuse", {})
    cloud.client("cloudformation").delete_stack(StackName=NAME)


def rolled_out(program: str, folder: Path, *, before: Stack | None = None) -> Stack:
    """Roll out with this program in the toolkit's place."""
    path = folder / "toolkit.py"
    path.write_text(program, encoding="utf-8")
    console = Console(file=StringIO())
    site = Site(
        Account(region=REGION), Toolkit(Path(sys.executable), path), console, folder / "log"
    )
    return roll_out(site, Assembly(folder, NAME, TEMPLATE), before=before)


def test_a_deployment_is_how_the_stack_stands_then(tmp_path: Path) -> None:
    stack = rolled_out(DEPLOYS, tmp_path)
    assert stack.stack_status == "CREATE_COMPLETE"
    assert stack.values == {"WebSocketUrl": "wss://rt.example.com/ws"}


@pytest.mark.parametrize("is_there", [False, True])
def test_what_did_not_come_to_cloudformation_changed_nothing(
    tmp_path: Path, *, is_there: bool
) -> None:
    before = rolled_out(DEPLOYS, tmp_path) if is_there else None
    with pytest.raises(Failure) as caught:
        rolled_out(FAILS, tmp_path, before=before)
    assert caught.value.message.startswith(
        "the deployment failed; nothing was changed.\n  the toolkit says no\n"
    )


def test_credentials_that_end_meanwhile_are_told_with_what_goes_on(
    cloud: Cloud, tmp_path: Path
) -> None:
    cloud.control("refuse", {"cloudformation": "ExpiredToken"})
    with pytest.raises(Failure) as caught:
        rolled_out(FAILS, tmp_path)
    # Something may have begun, which a mistake rules out.
    assert not isinstance(caught.value, Mistake)
    assert caught.value.message == (
        "the AWS credentials have expired: sign in again. Meanwhile what CloudFormation has begun "
        "goes on. `river deploy aws` again says how it stands"
    )


def test_one_look_that_fails_is_no_failure(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.control("refuse", {"cloudformation": "InternalFailure"})
    monkeypatch.setattr(rollout.stacks, "POLL_S", 0.1)
    mended = "import json, os, urllib.request as u\n"
    mended += "u.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/fake-aws/refuse', b'{}').close()\n"
    assert rolled_out(f"import time\ntime.sleep(3)\n{mended}{DEPLOYS}", tmp_path).values


def test_a_toolkit_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "END_S_MAX", 0.2)
    monkeypatch.setattr(rollout, "RUN_TIMEOUT_S", 0.5)
    monkeypatch.setattr(rollout.stacks, "POLL_S", 0.1)
    with pytest.raises(Failure, match=r"^not finished after 0\.5 s"):
        rolled_out(HANGS, tmp_path)
