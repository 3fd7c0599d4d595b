"""What every step of a deployment works with."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from riverd_aws.account import Account
from riverd_aws.toolkit import Toolkit


@dataclass(frozen=True)
class Site:
    """The account, the toolkit, the terminal, and the file that keeps all that the toolkit says."""

    account: Account
    toolkit: Toolkit
    console: Console
    log: Path
