"""What a deployment is going to do, shown before it is done."""

from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from riverd_aws.cost import Cost
from riverd_aws.failure import Failure
from riverd_aws.site import Site
from riverd_aws.stacks import service_of
from riverd_aws.synthesis import Assembly

_SAME = "Number of stacks with differences: 0"


def differences(site: Site, assembly: Assembly) -> str | None:
    """What `cdk diff` says about a stack that is there already, None if nothing is other.

    Raises:
        Failure: it does not work.
    """
    code, said = site.toolkit.run(
        ["diff", assembly.stack, "--app", str(assembly.folder)],
        environment=site.account.environment(),
        log=site.log,
    )
    if code:
        raise Failure(f"cdk diff failed: {said.strip().splitlines()[-1:]} (see {site.log})")
    return None if _SAME in said else said.strip()


def by_service(kinds: Counter[str]) -> Counter[str]:
    """How many resources there are of each service, in a reader's words."""
    found: Counter[str] = Counter()
    for kind, number in kinds.items():
        found[service_of(kind)] += number
    return found


def show_new(console: Console, assembly: Assembly) -> None:
    """What a first deployment makes."""
    services = by_service(assembly.kinds)
    console.print(f"\nWill be made, {sum(services.values())} resources:")
    listed = [f"{words} ({number})" for words, number in services.most_common()]
    console.print(Text(f"  {', '.join(listed)}"))


def show_changes(console: Console, told: str) -> None:
    """What an update changes."""
    console.print("\nWill be changed:")
    console.print(Text(told))


def show_cost(console: Console, cost: Cost, *, connections: int) -> None:
    """The month's bill by item."""
    table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, usd in cost.items:
        if usd >= 0.005:  # noqa: PLR2004  what rounds to nothing is not shown
            table.add_row(name, f"{usd:,.2f}")
    table.add_row(Text("together", style="bold"), Text(f"{cost.total_usd:,.2f}", style="bold"))
    load = f"with {connections:,} connections" if connections else "idle"
    console.print(f"\nAbout what a month costs, {load} (USD, prices of us-east-1):")
    console.print(table)
    console.print("  For other loads, sizes and the sources of each figure: river estimate --help")
