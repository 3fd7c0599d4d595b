"""What `river bench` can be asked for."""

from collections.abc import Callable

import click
import msgspec

CONNECTIONS_MAX = 200_000
CHANNELS_MAX = 100_000
EACH_MAX = 100
RATE_MAX = 50_000
RAMP_MAX = 10_000
SIZE_MIN, SIZE_MAX = 40, 60_000
DURATION_S_MAX = 86_400

Command = Callable[..., None]


class LoadOptions(msgspec.Struct, frozen=True):
    """The command line as a value; texts that were not given are None."""

    connections: int
    channels: int
    channels_each: int
    rate: float
    ramp: float
    duration: float
    size: int
    prefix: str | None
    api_url: str | None
    api_key: str | None
    secret: str | None
    token: str | None
    issuer: str | None
    audience: str | None
    source: list[str]
    json_file: str | None
    html_file: str | None
    yes: bool


_OPTIONS = (
    click.option(
        "--connections",
        type=click.IntRange(1, CONNECTIONS_MAX),
        default=100,
        show_default=True,
        help="How many clients.",
    ),
    click.option(
        "--channels",
        type=click.IntRange(1, CHANNELS_MAX),
        default=10,
        show_default=True,
        help="How many channels.",
    ),
    click.option(
        "--channels-each",
        type=click.IntRange(1, EACH_MAX),
        default=1,
        show_default=True,
        help="Channels that each client hears.",
    ),
    click.option(
        "--rate",
        type=click.FloatRange(0, RATE_MAX),
        default=10.0,
        show_default=True,
        help="Publications a second, over all channels; 0 publishes nothing.",
    ),
    click.option(
        "--ramp",
        type=click.FloatRange(0.1, RAMP_MAX),
        default=100.0,
        show_default=True,
        help="New connections a second.",
    ),
    click.option(
        "--duration",
        type=click.FloatRange(0, DURATION_S_MAX),
        default=10.0,
        show_default=True,
        help="Seconds under load, once all are connected.",
    ),
    click.option(
        "--size",
        type=click.IntRange(SIZE_MIN, SIZE_MAX),
        default=128,
        show_default=True,
        help="Bytes of each publication's data.",
    ),
    click.option(
        "--prefix", help="Begin channels' names with this. [default: bench- and some letters]"
    ),
    click.option(
        "--api-url", help="Where the publish API is. [default: that of river dev, or port 8001]"
    ),
    click.option(
        "--api-key", envvar="RIVER_API_KEYS", help="May publish. [RIVER_API_KEYS, river dev]"
    ),
    click.option(
        "--secret", envvar="RIVER_SECRETS", help="Signs tokens. [RIVER_SECRETS, river dev]"
    ),
    click.option(
        "--token",
        envvar="RIVER_TOKEN",
        help="The token of all clients, instead of a secret. [RIVER_TOKEN]",
    ),
    click.option("--issuer", envvar="RIVER_JWT_ISSUER", help="Tokens say that they come from it."),
    click.option(
        "--audience", envvar="RIVER_JWT_AUDIENCE", help="Tokens say that they are for it."
    ),
    click.option(
        "--source",
        multiple=True,
        metavar="ADDRESS",
        help="Connect from this address; several take turns.",
    ),
    click.option(
        "--json",
        "json_file",
        type=click.Path(dir_okay=False),
        help="Write the report there, for programs.",
    ),
    click.option(
        "--html",
        "html_file",
        type=click.Path(dir_okay=False),
        help="Write the report there, as a page.",
    ),
    click.option("--yes", is_flag=True, help="Do not ask before load is put on another machine."),
)


def with_options(command: Command) -> Command:
    """Give a command all of them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
