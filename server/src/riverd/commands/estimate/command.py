"""`river estimate`: what River costs a month, and what others charge for the same."""

import json
from pathlib import Path
from typing import Any, get_args

import click
from rich.console import Console
from rich.text import Text

from riverd.commands.estimate.chart import chart
from riverd.commands.estimate.curve import Series, cost_curve
from riverd.commands.estimate.flags import load_flags, with_flag
from riverd.commands.estimate.hosted import offers
from riverd.commands.estimate.load import EstimateError, Load
from riverd.commands.estimate.prices import prices
from riverd.commands.estimate.publishing import break_even_requests_per_s
from riverd.commands.estimate.report import Findings, assumptions, report, sources
from riverd.commands.estimate.stack import Choices, CloudFront, Publish
from riverd.commands.estimate.svg import svg
from riverd.commands.estimate.values import as_values
from riverd.commands.estimate.variants import variants

PAGE_COLUMNS = 118


@click.command(short_help="Say what River costs a month in AWS.")
@load_flags
@click.option("--gateways", default=2, show_default=True, help="At least this many gateways.")
@click.option(
    "--publish",
    type=click.Choice(get_args(Publish)),
    default="lambda",
    show_default=True,
    help="How back ends publish.",
)
@click.option(
    "--cloudfront",
    type=click.Choice(get_args(CloudFront)),
    default="pay-as-you-go",
    show_default=True,
    help="How CloudFront is paid: a flat-rate plan is chosen in its console.",
)
@click.option(
    "--connections-per-gateway",
    default=5_000,
    show_default=True,
    help="With more the stack starts another (its option connections).",
)
@click.option("--lambda-mb", default=512, show_default=True, help="Memory of the function.")
@click.option("--lambda-ms", default=15.0, show_default=True, help="How long a request takes it.")
@click.option("--logs-gb", default=1.0, show_default=True, help="Logs of a month.")
@click.option("--json", "as_json", is_flag=True, help="Everything, with sources, as JSON.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Write the curve: *.svg."
)
@click.option("--sources", "with_sources", is_flag=True, help="Name the source of each figure.")
def estimate(*, as_json: bool, plot: Path | None, with_sources: bool, **given: object) -> None:
    """Say what River costs a month in AWS, what it needs for a load, what others charge.

    Sizes come from measured figures, prices from a dated file; --sources names where each is from.
    """
    if plot is not None and plot.suffix != ".svg":
        raise click.UsageError(f"--plot writes SVG: {plot.with_suffix('.svg')} instead of {plot}?")
    try:
        load, choices = _of(Load, given), _of(Choices, given)
        found = findings(load, choices)
        curve = cost_curve(load, choices)
    except EstimateError as error:
        raise click.UsageError(with_flag(str(error))) from None
    if plot is not None:
        _write(plot, drawing(curve, load))
    if as_json:
        click.echo(json.dumps(as_values(found, curve), indent=1))
        return
    console = Console(highlight=False)
    # A pipe has no width of its own: then the tables get what they need.
    console.width = console.width if console.is_terminal else PAGE_COLUMNS
    console.print(report(found))
    console.print(Text("A month, USD, over the number of connections", style="italic"))
    console.print(chart(curve), "")
    console.print(Text("Assumed:", style="italic"))
    for line in assumptions(found):
        console.print(Text(f"  * {line}"))
    if with_sources:
        console.print(sources(), soft_wrap=True)
    if plot is not None:
        console.print(Text(f"\nThe curve is in {plot}."))


def findings(load: Load, choices: Choices) -> Findings:
    """Everything about a load.

    Raises:
        EstimateError: it is beyond what the stack is made for.
    """
    return Findings(
        load=load,
        choices=choices,
        estimates=variants(load, choices),
        offers=offers(load),
        break_even_requests_per_s=break_even_requests_per_s(load, choices),
    )


def drawing(curve: tuple[Series, ...], load: Load) -> str:
    """The curve's SVG, with the load in its title."""
    title = f"A month, USD: {rate_text(load.messages_per_s)} in each channel"
    note = (
        f"{load.subscribers_per_channel:g} subscribers a channel, {load.message_bytes} bytes; "
        f"prices of {prices().read}, {prices().region}. Beyond a ring: on request."
    )
    return svg(curve, title=title, note=note)


def rate_text(per_s: float) -> str:
    """Messages a second, in the unit in which people say it."""
    for unit, seconds in (("a second", 1), ("a minute", 60), ("an hour", 3600)):
        number = f"{per_s * seconds:.3g}"
        if float(number) >= 1:
            return f"{number} message{'' if number == '1' else 's'} {unit}"
    return "no messages" if per_s == 0 else f"{per_s * 86_400:.2g} messages a day"


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from None


def _of(kind: type[Any], given: dict[str, object]) -> Any:
    fields = {name: given[name] for name in kind.__struct_fields__ if name in given}
    return kind(**fields)
