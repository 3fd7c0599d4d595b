"""What is measured: each scenario as data, with the goal that River is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peers.contender import Ability, Side


@dataclass(frozen=True)
class GoalFigure:
    """One number of a scenario.

    Attributes:
        label: What the table calls it.
        path: Where it stands in a round's observation, keys joined by dots.
        unit: What it is counted in.
        goal: What River should reach by itself, None when it is only told.
        at_most: Less is better, and a goal is a ceiling.
    """

    label: str
    path: str
    unit: str
    goal: float | None = None
    at_most: bool = False


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One piece of work that every system which can do it is given.

    Attributes:
        name: How it is asked for.
        about: One line for the table.
        side: Which sides of a server it uses.
        load: Options of the generator; `{seconds}` is the window's length, `{rest}` a longer one,
            and what the step says is named as there.
        figures: What is read out of a round; the first one is the scenario's own.
        needs: What a system must offer to take part.
        only: Those who take part, all when empty.
        history: Channels keep their last publications.
        nodes: How many, with a Redis between them; 1: one, without.
        steps: The same work at several sizes, each a round of its own; `step` is the size.
        steps_short: Which of them the short form takes, by their places; all when empty.
        step_unit: What a step is counted in.
        step_ends: No larger step once this figure of the last one is over so much.
        steps_least: So many steps are taken in any case.
        server_options: Options of the limit server, when it takes part.
    """

    name: str
    about: str
    side: Side
    load: tuple[str, ...]
    figures: tuple[GoalFigure, ...]
    needs: frozenset[Ability] = frozenset()
    only: tuple[str, ...] = ()
    history: bool = True
    nodes: int = 1
    steps: tuple[Mapping[str, float], ...] = ()
    steps_short: tuple[int, ...] = ()
    step_unit: str = ""
    step_ends: tuple[str, float] = ("", 0.0)
    steps_least: int = 1
    server_options: tuple[str, ...] = ()


THOUSAND = ("--connections", "1000", "--channels", "news", "--offsets")
TEN_THOUSAND = (
    *("--connections", "10000", "--connect-s", "120", "--channels", "news", "--offsets"),
)
TWO_CHANNELS = (
    *("--connections", "10000", "--connect-s", "120"),
    *("--channels", "news,room-%d", "--spread", "100"),
)
WINDOW = ("--duration-s", "{seconds}")
DELIVERIES = "load.window.deliveries_per_s"
SILENT = GoalFigure("not delivered in time", "load.total.undelivered", "", at_most=True)
UNSEEN = GoalFigure("offsets missing", "load.total.missing", "", goal=0, at_most=True)
REPEATED = GoalFigure("offsets twice", "load.total.duplicates", "", goal=0, at_most=True)
TOLD = GoalFigure("gaps told", "load.total.gaps_told", "", at_most=True)
LOST = GoalFigure("clients lost", "load.total.lost", "", goal=0, at_most=True)
REFUSED = GoalFigure("answers that are no yes", "load.publish.other", "", goal=0, at_most=True)
BUSY = GoalFigure("generator's CPU", "load.window.load_cpu", "cores")
SERVER_BUSY = GoalFigure("server's CPU", "server.cpu_window", "cores", at_most=True)
PUBLISHED_A_CPU_S = GoalFigure("the same a CPU second", "server.publications_a_cpu_s", "")
CPU_EACH = GoalFigure("CPU a million deliveries", "server.cpu_s_a_million", "s", at_most=True)
P50 = GoalFigure("delay, median", "load.delay_ms.p50", "ms", at_most=True)
P99 = GoalFigure("delay, p99", "load.delay_ms.p99", "ms", at_most=True)
MAX = GoalFigure("delay, max", "load.delay_ms.max", "ms", at_most=True)
PUBLISHED = GoalFigure("publications/s", "load.publish.per_s", "/s")
READ = GoalFigure("messages a read", "load.window.messages_a_read", "")
SOUND = (UNSEEN, REPEATED, TOLD, SILENT, LOST)
FANOUT = (PUBLISHED, READ, P99, CPU_EACH, SERVER_BUSY, BUSY, REFUSED, *SOUND)
PUBLISHING = (
    PUBLISHED_A_CPU_S,
    GoalFigure("answer, p99", "load.publish.ms.p99", "ms", at_most=True),
    REFUSED,
    SERVER_BUSY,
    BUSY,
)
PUBLISH = ("--connections", "0", "--publish-channels", "news", *WINDOW)
SINGLE = (*PUBLISH, "--publishers", "32")
BATCHES = (*PUBLISH, "--publishers", "8", "--batch", "100")
STORM = (
    GoalFigure("clients up", "storm.live", ""),
    GoalFigure("until all are up", "storm.seconds", "s", at_most=True),
    GoalFigure("joins/s at the end", "storm.joins_per_s_end", "/s"),
    GoalFigure("deliveries/s at the peak", "storm.deliveries_per_s_peak", "/s"),
    GoalFigure("one client, p99", "storm.connect_ms_p99", "ms", at_most=True),
    GoalFigure("refused", "storm.refused", "", goal=0, at_most=True),
    GoalFigure("lost", "storm.lost", "", goal=0, at_most=True),
    GoalFigure("nodes' and Redis' CPU", "storm.cpu", "cores", at_most=True),
)
STREAMS = ("river", "river-sse", "centrifugo-sse", "nchan-sse")
ALL_SIDES: frozenset[Ability] = frozenset(("publish", "sockets"))
SOCKETS: frozenset[Ability] = frozenset(("sockets",))

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="limit",
        about="a bare loop of send(), one message a write, to 1,000 sockets",
        side="limit",
        load=(*THOUSAND, "--settle-s", "0.5", *WINDOW),
        figures=(
            GoalFigure("single reads/s", "load.window.reads_per_s", "/s", goal=150_000),
            GoalFigure("last of 1,000 has it", "load.last_ms.p50", "ms"),
            BUSY,
        ),
        only=("limit",),
        server_options=("--connections", "1000"),
    ),
    Scenario(
        name="limit-batch",
        about="the same, 100 messages a write",
        side="limit",
        load=(*THOUSAND, "--settle-s", "0.5", *WINDOW),
        figures=(GoalFigure("deliveries/s", DELIVERIES, "/s", goal=3_000_000), BUSY),
        only=("limit",),
        server_options=("--connections", "1000", "--batch", "100"),
    ),
    Scenario(
        name="fanout",
        about="1 channel, 1,000 subscribers, single publications as fast as they are taken",
        side="dev",
        load=(*THOUSAND, "--settle-s", "0.5", *WINDOW, "--publishers", "16"),
        figures=(GoalFigure("deliveries/s", DELIVERIES, "/s", goal=1_000_000), *FANOUT),
        needs=SOCKETS,
        server_options=("--connections", "1000"),
    ),
    Scenario(
        name="fanout-sse",
        about="the same over Server-Sent Events, beside River's WebSockets",
        side="dev",
        load=(*THOUSAND, "--settle-s", "0.5", *WINDOW, "--publishers", "16"),
        figures=(GoalFigure("deliveries/s", DELIVERIES, "/s", goal=1_000_000), *FANOUT),
        only=STREAMS,
    ),
    Scenario(
        name="fanout-batch",
        about="the same, 100 publications a request",
        side="dev",
        load=(*THOUSAND, *WINDOW, "--publishers", "4", "--batch", "100"),
        figures=(GoalFigure("deliveries/s", DELIVERIES, "/s", goal=1_000_000), *FANOUT),
        needs=ALL_SIDES | {"batch"},
    ),
    Scenario(
        name="fanout-10k",
        about="1 channel, 10,000 subscribers, single publications as fast as they are taken",
        side="dev",
        load=(*TEN_THOUSAND, "--settle-s", "0.5", *WINDOW, "--publishers", "16"),
        figures=(GoalFigure("deliveries/s", DELIVERIES, "/s"), *FANOUT),
        needs=SOCKETS,
        server_options=("--connections", "10000"),
    ),
    Scenario(
        name="single",
        about="one publication at a time to 1,000 subscribers",
        side="dev",
        load=(*THOUSAND, *WINDOW, "--publishers", "1", "--one-at-a-time", "--gap-s", "0.03"),
        figures=(
            GoalFigure("last has it, median", "load.last_ms.p50", "ms", goal=15, at_most=True),
            GoalFigure("last has it, p99", "load.last_ms.p99", "ms", at_most=True),
            GoalFigure("all deliveries, median", "load.delay_ms.p50", "ms", at_most=True),
            REFUSED,
            *SOUND,
        ),
        needs=ALL_SIDES,
    ),
    Scenario(
        name="latency",
        about="1,000 subscribers, so many publications a second: how late deliveries are",
        side="dev",
        load=(*THOUSAND, *WINDOW, "--publishers", "16", "--publish-rate", "{step}"),
        figures=(P99, P50, MAX, CPU_EACH, SERVER_BUSY, REFUSED, *SOUND),
        needs=ALL_SIDES,
        steps=tuple({"step": rate} for rate in (10, 50, 100, 200, 400, 800, 1600, 3200)),
        steps_short=(0, 1, 2),
        step_unit="publications/s",
        step_ends=("load.delay_ms.p99", 100.0),
        steps_least=3,
    ),
    Scenario(
        name="channels",
        about="10,000 clients over 1,000 channels, 2,000 publications/s",
        side="dev",
        load=(
            *("--connections", "10000", "--channels", "room-%d", "--spread", "1000", "--offsets"),
            *(*WINDOW, "--publishers", "32", "--publish-rate", "2000"),
        ),
        figures=(P99, P50, MAX, PUBLISHED, CPU_EACH, SERVER_BUSY, BUSY, REFUSED, *SOUND),
        needs=ALL_SIDES,
    ),
    Scenario(
        name="connect",
        about="connections with token and one subscription, until 10,000",
        side="gateway",
        load=(
            *("--connections", "10000", "--channels", "news", "--inflight", "100"),
            *("--connect-s", "120", "--duration-s", "0"),
        ),
        figures=(
            GoalFigure("connect+auth+subscribe", "load.connect.per_s", "/s", goal=1_500),
            GoalFigure("the same a CPU second", "server.connects_a_cpu_s", ""),
            GoalFigure("one client, p99", "load.connect.ms.p99", "ms", at_most=True),
            GoalFigure("refused", "load.connect.refused", "", goal=0, at_most=True),
            LOST,
        ),
        needs=SOCKETS,
    ),
    Scenario(
        name="idle",
        about="10,000 clients with a token in 2 channels each: nothing but pings",
        side="gateway",
        load=(*TWO_CHANNELS, "--duration-s", "{rest}", "--settle-s", "1"),
        figures=(
            GoalFigure("memory a client", "server.rss_each_kib", "KiB", goal=16, at_most=True),
            SERVER_BUSY,
            GoalFigure("until all are live", "load.connect.seconds", "s", at_most=True),
            GoalFigure("pings answered", "load.total.pings", ""),
            LOST,
        ),
        needs=SOCKETS,
    ),
    Scenario(
        name="idle-sse",
        about="the same over Server-Sent Events, beside River's WebSockets",
        side="gateway",
        load=(*TWO_CHANNELS, "--duration-s", "{rest}", "--settle-s", "1"),
        figures=(
            GoalFigure("memory a client", "server.rss_each_kib", "KiB", goal=8, at_most=True),
            SERVER_BUSY,
            GoalFigure("until all are live", "load.connect.seconds", "s", at_most=True),
            LOST,
        ),
        only=STREAMS,
    ),
    Scenario(
        name="publish",
        about="single publications, with history, nobody subscribed",
        side="api",
        load=SINGLE,
        figures=(GoalFigure("publications/s", "load.publish.per_s", "/s", goal=8_000), *PUBLISHING),
        needs=frozenset(("publish", "history")),
    ),
    Scenario(
        name="publish-plain",
        about="single publications without history",
        side="api",
        load=SINGLE,
        figures=(PUBLISHED, *PUBLISHING),
        needs=frozenset(("publish", "plain")),
        history=False,
    ),
    Scenario(
        name="publish-batch",
        about="100 publications a request, with history, nobody subscribed",
        side="api",
        load=BATCHES,
        figures=(PUBLISHED, *PUBLISHING),
        needs=frozenset(("publish", "batch", "history")),
    ),
    Scenario(
        name="publish-batch-plain",
        about="100 publications a request without history",
        side="api",
        load=BATCHES,
        figures=(PUBLISHED, *PUBLISHING),
        needs=frozenset(("publish", "batch", "plain")),
        history=False,
    ),
    Scenario(
        name="comeback",
        about="10,000 clients in 2 of 101 channels cut at once; 3 publications a channel missed",
        side="dev",
        load=(
            *(*TWO_CHANNELS, "--duration-s", "2", "--publish-rate", "100"),
            *("--publish-count", "101", "--comeback", "--missed", "3"),
        ),
        figures=(
            GoalFigure("until all are live", "load.comeback.seconds", "s", goal=5, at_most=True),
            GoalFigure("one client, p99", "load.comeback.ms.p99", "ms", at_most=True),
            GoalFigure("reads a channel", "metrics.reads_a_channel", "", goal=1, at_most=True),
            GoalFigure("not recovered", "load.comeback.unrecovered", "", goal=0, at_most=True),
            UNSEEN,
            REPEATED,
        ),
        needs=ALL_SIDES | {"recovery"},
    ),
    Scenario(
        name="many",
        about="1,250 clients, 125 channels, 250 publications/s, and so many times as much",
        side="dev",
        load=(
            *("--connections", "{clients}", "--channels", "room-%d", "--spread", "{channels}"),
            *("--offsets", *WINDOW, "--publishers", "32", "--publish-rate", "{rate}"),
        ),
        figures=(CPU_EACH, P99, P50, SERVER_BUSY, REFUSED, *SOUND),
        needs=ALL_SIDES,
        steps=tuple(
            {"step": times, "clients": 1250 * times, "channels": 125 * times, "rate": 250 * times}
            for times in (1, 2, 4, 8)
        ),
        steps_short=(0, 3),
        step_unit="times",
    ),
    Scenario(
        name="storm",
        about="two nodes and Redis, so many joins a second until 20,000, each told to everybody",
        side="gateway",
        load=(
            *("--channels", "presence-storm", "--rate", "{step}", "--connections", "{clients}"),
            *("--connect-s", "{limit}", "--duration-s", "3", "--no-stamps"),
        ),
        figures=STORM,
        needs=SOCKETS | {"joins", "nodes"},
        nodes=2,
        steps=({"step": 100, "clients": 20_000}, {"step": 1000, "clients": 20_000}),
        steps_short=(1,),
        step_unit="joins/s",
    ),
)
