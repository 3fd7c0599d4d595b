"""The template: made by the CDK app in a process of its own, read as values."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from riverd_aws.account import Account
from riverd_aws.failure import WRONG_USAGE, Failure, Mistake
from riverd_aws.toolkit import Toolkit

TIMEOUT_S = 900
_NO_DIFFERENCE = ("AWS::CDK::Metadata",)


@dataclass(frozen=True)
class Assembly:
    """What the app made: the folder that `cdk` deploys, and the one stack in it."""

    folder: Path
    stack: str
    template: Mapping[str, object]

    @property
    def kinds(self) -> Counter[str]:
        """How many resources there are of each type."""
        resources = cast("dict[str, dict[str, object]]", self.template["Resources"])
        found = Counter(str(one["Type"]) for one in resources.values())
        return Counter({kind: n for kind, n in found.items() if kind not in _NO_DIFFERENCE})

    @property
    def outputs(self) -> frozenset[str]:
        """The names of what the stack will tell."""
        return frozenset(cast("dict[str, object]", self.template.get("Outputs", {})))


def synthesize(
    account: Account, toolkit: Toolkit, *, context: Mapping[str, str], name: str, folder: Path
) -> Assembly:
    """Run the app.

    Raises:
        Mistake: an option is wrong; the app says which.
        Failure: it does not work for another reason.
    """
    told = {
        **account.environment(),
        "CDK_DEFAULT_REGION": account.region,
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(dict(context)),
        # The template is River's own and its tests validate it: this would take as long again.
        "CDK_VALIDATION": "false",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "riverd_aws.app"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env=toolkit.environment(told),
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"the template was not made in {TIMEOUT_S} s: is the machine busy?") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        last = (lines or ["no reason was given"])[-1].removeprefix("river: ")
        raise (Mistake if done.returncode == WRONG_USAGE else Failure)(last)
    template = json.loads((folder / f"{name}.template.json").read_bytes())
    return Assembly(folder, name, cast("dict[str, object]", template))
