"""HTTP streaming over HTTP/2 through the balancers of deploy/: at once, and through silence."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO

import pytest
from balancers import BALANCERS, Balancer, Place
from caddy_process import running
from listener import publish, token

from processes import KEY, SECRET, ApiProcess, GatewayProcess, Redis

DRAIN_S = 2.0
STREAM_S_MAX = 60
STREAMS = 10
"""More than the six connections that a browser opens to one origin over HTTP/1.1."""


@dataclass(frozen=True)
class Town:
    """A balancer in front of two gateways, and the publish API beside them."""

    balancer: Balancer
    api: ApiProcess

    def publish(self, channel: str) -> None:
        publish(f"http://127.0.0.1:{self.api.port}", KEY, channel)

    @contextmanager
    def streams(self, *channels: str) -> Iterator[IO[str]]:
        """Streams with their heads; what they bring, line by line."""
        options: list[str] = []
        for channel in channels:
            options += ["--url", f"{self.balancer.url}/events?channel={channel}"]
        command = ["curl", "-sN", "--http2", "--parallel", "--parallel-max", str(len(channels))]
        command += ["--cacert", str(self.balancer.authority), "--max-time", str(STREAM_S_MAX)]
        command += ["-H", f"Authorization: Bearer {token(SECRET)}", "-D", "-", *options]
        # Of several streams it shows a progress, however silent it has to be.
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout
            finally:
                process.kill()


def lines_until(stream: IO[str], text: str, *, times: int = 1) -> list[str]:
    """The lines up to the last of those with this text."""
    found: list[str] = []
    while times:
        line = stream.readline()
        assert line, f"the streams have ended: {found}"
        found.append(line.rstrip())
        times -= text in line
    return found


@pytest.fixture(scope="module", params=BALANCERS)
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """Return one of each kind."""
    folder = tmp_path_factory.mktemp("http2")
    with ExitStack() as stack:
        redis = Redis(folder)
        gateways = [GatewayProcess(redis.port, DRAIN_S) for _ in range(2)]
        api = ApiProcess(redis.port)
        place = Place(folder, [f"127.0.0.1:{one.port}" for one in gateways])
        balancer = BALANCERS[request.param](place)
        stack.enter_context(running(redis, *gateways, api, balancer))
        yield Town(balancer, api)


def test_events_come_while_the_stream_is_open_and_comments_through_silence(town: Town) -> None:
    with town.streams("dogs") as stream:
        head = lines_until(stream, '"subscribed"')
        assert head[0].startswith("HTTP/2 200")
        town.publish("dogs")
        lines_until(stream, '"offset":1')
        # River's comment, after 15 s in which nothing else came.
        lines_until(stream, ":\n")
        town.publish("dogs")
        lines_until(stream, '"offset":2')


def test_more_streams_are_open_at_once_than_http_1_has_connections(town: Town) -> None:
    channels = [f"many-{number}" for number in range(STREAMS)]
    with town.streams(*channels) as stream:
        lines_until(stream, '"subscribed"', times=STREAMS)
        for channel in channels:
            town.publish(channel)
        lines_until(stream, '"offset":1', times=STREAMS)
