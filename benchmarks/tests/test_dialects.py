"""The generator counts what each real peer sends: one test for every one that is installed.

`make bench` installs the peers; without that only River is spoken to.
"""

from __future__ import annotations

from pathlib import Path

import loader
import pytest
from keys import RunKeys
from peers import CONTENDERS
from peers.contender import Ask, Contender
from peers.river.adapter import RiverPusher
from tree import number

CLIENTS, ROOMS = 60, 5
COMMON = (
    *("--connections", str(CLIENTS), "--channels", "news,room-%d", "--spread", str(ROOMS)),
    *("--publish-channels", "news,room-%d", "--offsets"),
)
HERE = [*(one for one in CONTENDERS.values() if one.name != "limit"), RiverPusher()]
SIGNING = ("sockudo", "soketi", "river-pusher")
pytestmark = pytest.mark.peers


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    loader.build()


@pytest.fixture(params=HERE, ids=lambda one: one.name)
def contender(request: pytest.FixtureRequest) -> Contender:
    one = request.param
    assert isinstance(one, Contender)
    if not one.is_here():
        pytest.skip("optional: `python benchmarks/run.py --install` gets it")
    return one


class Bench:
    """One running peer and the load on it."""

    def __init__(self, contender: Contender, home: Path) -> None:
        self.contender = contender
        self.home = home
        self.keys = RunKeys()
        self.shown = self.keys

    def load(self, *options: str, users: int = CLIENTS) -> dict[str, object]:
        """Start it, load it; what the generator found."""
        ask = Ask(keys=self.keys, home=self.home, core=None)
        with self.contender.start(ask) as server:
            tokens = loader.write_tokens(self.contender, self.shown, folder=self.home, users=users)
            told = (*COMMON, "--drain-s", "30", *options)
            work = loader.Work(options=told, tokens=tokens, core=None, ends_s=100)
            return loader.run(loader.command(self.contender, server, work=work), lambda _: None)


@pytest.fixture
def bench(contender: Contender, tmp_path: Path) -> Bench:
    return Bench(contender, tmp_path)


def test_everybody_gets_each_message_of_its_channels_once(bench: Bench) -> None:
    batches = "batch" in bench.contender.offers
    sent = 60
    found = bench.load(
        *("--publish-count", str(sent), "--publishers", "2", "--duration-s", "30"),
        *(("--batch", "10") if batches else ()),
    )
    # Each publication goes to the next channel in turn: news has all clients, a room its share.
    each = sent // (ROOMS + 1)
    assert number(found, "publish.accepted") == sent
    assert number(found, "total.deliveries") == each * CLIENTS + each * CLIENTS
    assert number(found, "delay_ms.count") == number(found, "total.deliveries")
    for wrong in ("missing", "duplicates", "unexpected", "undelivered", "errors", "lost"):
        assert number(found, f"total.{wrong}") == 0, wrong


def test_those_who_come_back_get_what_they_missed_once(bench: Bench) -> None:
    if "recovery" not in bench.contender.offers:
        pytest.skip("it has no recovery")
    sent, missed = 12, 3
    found = bench.load(
        *("--publish-count", str(sent), "--publish-rate", "100", "--duration-s", "30"),
        *("--publishers", "2", "--comeback", "--missed", str(missed), "--comeback-s", "60"),
    )
    before = sent // (ROOMS + 1) * CLIENTS * 2
    assert number(found, "comeback.caught_up") == CLIENTS
    assert number(found, "total.deliveries") == before + missed * CLIENTS * 2
    for wrong in ("missing", "duplicates", "lost"):
        assert number(found, f"total.{wrong}") == 0, wrong


def test_a_client_with_a_wrong_token_gets_nowhere(bench: Bench) -> None:
    if bench.contender.name in SIGNING:
        pytest.skip("the generator signs by itself, with the API's secret")
    bench.shown = RunKeys()
    found = bench.load("--connect-s", "2")
    assert number(found, "connect.live") == 0
