"""What is measured: each scenario as data, with the goal it is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["dev", "gateway", "api", "limit"]


@dataclass(frozen=True)
class Figure:
    """One number of a scenario.

    Attributes:
        label: What the table calls it.
        path: Where it stands in a round's observation, keys joined by dots.
        unit: What it is counted in.
        goal: What it should reach, None when it is only told.
        at_most: The goal is a ceiling, not a floor.
    """

    label: str
    path: str
    unit: str
    goal: float | None = None
    at_most: bool = False


@dataclass(frozen=True)
class Scenario:
    """One piece of work for one kind of server.

    Attributes:
        name: How it is asked for.
        about: One line for the table.
        server: Which processes are started for it.
        load: Options of the generator; `{seconds}` is the window's length.
        figures: What is read out of a round.
        server_options: Options of the limit server.
        rounds_short: How often it runs in the short form.
    """

    name: str
    about: str
    server: Kind
    load: tuple[str, ...]
    figures: tuple[Figure, ...]
    server_options: tuple[str, ...] = field(default=())
    rounds_short: int = 3


THOUSAND = ("--connections", "1000", "--channels", "news", "--offsets")
TWO_CHANNELS = ("--connections", "10000", "--channels", "news,room-%d", "--spread", "100")
WINDOW = ("--duration-s", "{seconds}")
DELIVERIES = "load.window.deliveries_per_s"
UNSEEN = Figure("offsets missing", "load.total.missing", "", goal=0, at_most=True)
REPEATED = Figure("offsets twice", "load.total.duplicates", "", goal=0, at_most=True)
TOLD = Figure("gaps told", "load.total.gaps_told", "")
LOST = Figure("clients lost", "load.total.lost", "", goal=0, at_most=True)
REFUSED = Figure("API answers not 200", "load.publish.other", "", goal=0, at_most=True)
BUSY = Figure("generator's CPU", "load.window.load_cpu", "cores")
SERVER_BUSY = Figure("server's CPU", "server.cpu_window", "cores")
PUBLISHED_A_CPU_S = Figure("the same a CPU second", "server.publications_a_cpu_s", "")
CPU_EACH = Figure("CPU a million deliveries", "server.cpu_s_a_million", "s")
SOUND = (UNSEEN, REPEATED, TOLD, LOST)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "limit",
        "a bare loop of send(), one message a write, to 1,000 sockets",
        "limit",
        ("--connections", "1000", "--channels", "news", "--settle-s", "0.5", *WINDOW),
        (
            Figure("single reads/s", "load.window.reads_per_s", "/s", goal=150_000),
            Figure("last of 1,000 has it", "load.last_ms.p50", "ms"),
            BUSY,
        ),
        ("--connections", "1000"),
    ),
    Scenario(
        "limit-batch",
        "the same, 100 messages a write",
        "limit",
        ("--connections", "1000", "--channels", "news", "--settle-s", "0.5", *WINDOW),
        (Figure("deliveries/s", DELIVERIES, "/s", goal=3_000_000), BUSY),
        ("--connections", "1000", "--batch", "100"),
    ),
    Scenario(
        "fanout",
        "1 channel, 1,000 subscribers, single publications as fast as the API takes them",
        "dev",
        (*THOUSAND, *WINDOW, "--publishers", "16"),
        (
            Figure("deliveries/s", DELIVERIES, "/s", goal=1_000_000),
            Figure("publications/s", "load.publish.per_s", "/s"),
            Figure("messages a read", "load.window.messages_a_read", ""),
            Figure("delay p99", "load.delay_ms.p99", "ms"),
            CPU_EACH,
            BUSY,
            REFUSED,
            *SOUND,
        ),
    ),
    Scenario(
        "fanout-batch",
        "the same, 100 publications a request",
        "dev",
        (*THOUSAND, *WINDOW, "--publishers", "4", "--batch", "100"),
        (
            Figure("deliveries/s", DELIVERIES, "/s", goal=1_000_000),
            Figure("publications/s", "load.publish.per_s", "/s"),
            Figure("messages a read", "load.window.messages_a_read", ""),
            CPU_EACH,
            BUSY,
            REFUSED,
            *SOUND,
        ),
    ),
    Scenario(
        "single",
        "one publication at a time to 1,000 subscribers",
        "dev",
        (*THOUSAND, *WINDOW, "--publishers", "1", "--one-at-a-time", "--gap-s", "0.03"),
        (
            Figure("last has it, median", "load.last_ms.p50", "ms", goal=15, at_most=True),
            Figure("last has it, p99", "load.last_ms.p99", "ms"),
            Figure("all deliveries, median", "load.delay_ms.p50", "ms"),
            REFUSED,
            *SOUND,
        ),
    ),
    Scenario(
        "idle",
        "10,000 clients with a token in 2 channels each, 30 s of nothing but pings",
        "gateway",
        (*TWO_CHANNELS, "--duration-s", "30", "--settle-s", "1"),
        (
            Figure("memory a client", "server.rss_each_kib", "KiB", goal=20, at_most=True),
            SERVER_BUSY,
            Figure("until all are live", "load.connect.seconds", "s"),
            Figure("pings answered", "load.total.pings", "", goal=10_000),
            LOST,
        ),
        rounds_short=1,
    ),
    Scenario(
        "connect",
        "connections with token and one subscription",
        "gateway",
        ("--connections", "5000", "--channels", "news", "--inflight", "100", "--duration-s", "0"),
        (
            Figure("connect+auth+subscribe", "load.connect.per_s", "/s", goal=1_500),
            Figure("the same a CPU second", "server.connects_a_cpu_s", ""),
            Figure("one client, p99", "load.connect.ms.p99", "ms"),
            Figure("refused", "load.connect.refused", "", goal=0, at_most=True),
            LOST,
        ),
    ),
    Scenario(
        "publish",
        "HTTP publishes to one API process, memory broker, nobody subscribed",
        "api",
        ("--connections", "0", "--publish-channels", "news", *WINDOW, "--publishers", "32"),
        (
            Figure("publishes/s", "load.publish.per_s", "/s", goal=8_000),
            PUBLISHED_A_CPU_S,
            Figure("answer, p99", "load.publish.ms.p99", "ms"),
            REFUSED,
            BUSY,
        ),
    ),
    Scenario(
        "publish-batch",
        "the same, 100 publications a request",
        "api",
        (
            *("--connections", "0", "--publish-channels", "news", *WINDOW),
            *("--publishers", "8", "--batch", "100"),
        ),
        (
            Figure("publications/s", "load.publish.per_s", "/s"),
            PUBLISHED_A_CPU_S,
            Figure("answer, p99", "load.publish.ms.p99", "ms"),
            REFUSED,
            BUSY,
        ),
    ),
    Scenario(
        "comeback",
        "10,000 clients in 2 of 101 channels cut at once; 3 publications a channel missed",
        "dev",
        (
            *(*TWO_CHANNELS, "--duration-s", "2", "--publish-rate", "100"),
            *("--publish-count", "101", "--comeback", "--missed", "3"),
        ),
        (
            Figure("until all are live", "load.comeback.seconds", "s", goal=8, at_most=True),
            Figure("one client, p99", "load.comeback.ms.p99", "ms"),
            Figure("broker reads a channel", "metrics.reads_a_channel", "", goal=1, at_most=True),
            Figure("not recovered", "load.comeback.unrecovered", "", goal=0, at_most=True),
            UNSEEN,
            REPEATED,
        ),
        rounds_short=1,
    ),
)
