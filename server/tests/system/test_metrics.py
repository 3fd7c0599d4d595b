"""What Prometheus scrapes."""

import asyncio
import json

from prometheus_client.parser import text_string_to_metric_families
from river_client import CLOSE, TEXT, condition, exchange, frame, member, token, visitor
from river_process import API_KEY, River, Start, ask, publish

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(url: str) -> Samples:
    """All numbers, as Prometheus reads them."""
    status, text = ask(f"{url}/metrics")
    assert status == 200
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        assert family.type in {"counter", "gauge"}, family.name
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in samples
            samples[key] = sample.value
    return samples


def number(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


async def test_gateway_counts_connections_deliveries_and_ends(river: River) -> None:
    before = scraped(river.url)
    async with (
        member(river.url, token("ann"), "dogs", "cats") as ann,
        member(river.url, token("bob"), "dogs") as bob,
        visitor(river.url),
    ):
        publish(river, "dogs", 10)
        for client in (ann, bob):
            for _ in range(10):
                await client.expect("event")
        now = scraped(river.url)
        assert number(now, "river_connections") == 3
        assert number(now, "river_unauthenticated") == 1
        assert number(now, "river_channels") == 2
        [node] = json.loads(ask(f"{river.api_url}/nodes", key=API_KEY)[1])["nodes"]
        assert node["channels"] == 2
        assert growth(before, now, "river_deliveries_total") == 20
        assert growth(before, now, "river_publications_total") == 10
        # Of two channels, and of two users' own.
        assert growth(before, now, "river_broker_reads_total") == 4
        # A client's own code is not a label of its own: there are thousands of those.
        await ann.send_raw(frame(CLOSE, (3_999).to_bytes(2)))
        await ann.ends()
        await bob.send_raw(frame(TEXT, b"nonsense"))
        await bob.ends()
    await condition(lambda: number(scraped(river.url), "river_connections") == 0)
    await condition(lambda: closed(before, scraped(river.url)) == 3)
    now = scraped(river.url)
    assert growth(before, now, "river_closed_by_client_total", code="other") == 1
    assert growth(before, now, "river_closed_total", code="4400") == 1
    assert growth(before, now, "river_closed_total", code="1006") == 1
    assert number(now, "river_cpu_seconds_total") > 0
    assert number(now, "river_memory_peak_bytes") > 1_000_000


async def test_a_fault_that_a_client_reports_is_not_one_of_river(river: River) -> None:
    before = scraped(river.url)
    async with member(river.url, token("ann"), "dogs") as ann:
        await ann.send_raw(frame(CLOSE, (1_011).to_bytes(2)))
        await ann.ends()
    await condition(lambda: closed(before, scraped(river.url)) == 1)
    now = scraped(river.url)
    assert growth(before, now, "river_closed_by_client_total", code="1011") == 1
    assert growth(before, now, "river_closed_total", code="1011") == 0


async def test_refusals_are_counted_and_logged_with_their_reason(start: Start) -> None:
    settings = {"RIVER_LOG_LEVEL": "debug", "RIVER_ALLOWED_ORIGINS": "https://app.example"}
    river = start("gateway", settings=settings)
    before = await asyncio.to_thread(scraped, river.url)
    async with member(river.url, token("ann", river={}), "dogs") as ann:
        await ann.send(type="subscribe", id=5, channel="private-x")
        assert (await ann.until("error"))["code"] == "forbidden"
        await ann.send(type="publish", id=6, channel="dogs", event="bark", data="a payload")
        assert (await ann.until("error"))["code"] == "forbidden"
    async with visitor(river.url, Authorization="Bearer a-token-of-nobody") as stranger:
        assert (await stranger.until("error"))["code"] == "token_invalid"
    upgrade = b"GET /ws HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n"
    assert (await exchange(river.url, upgrade)).status == 403
    now = await asyncio.to_thread(scraped, river.url)
    for code, count in (("forbidden", 3), ("token_invalid", 1)):
        assert growth(before, now, "river_client_refused_total", code=code) == count
    told = [line for line in river.log() if line["event"] == "client_refused"]
    assert [(line["code"], line["user"]) for line in told] == [
        ("forbidden", "ann"),
        ("forbidden", "ann"),
        ("token_invalid", None),
        ("forbidden", None),
    ]
    assert "private-x" in told[0]["reason"]
    assert "evil.example" in told[3]["reason"]
    assert not any(secret in river.stderr.text for secret in ("a-token-of-nobody", "a payload"))


def growth(before: Samples, now: Samples, name: str, **labels: str) -> float:
    return number(now, name, **labels) - number(before, name, **labels)


def closed(before: Samples, now: Samples) -> float:
    """How many connections have ended since."""
    return sum(
        value - before.get(key, 0.0)
        for key, value in now.items()
        if key[0] in {"river_closed_total", "river_closed_by_client_total"}
    )


async def test_api_counts_publications_and_refusals_by_their_code(start: Start) -> None:
    api = start("api")
    before = await asyncio.to_thread(scraped, api.api_url)
    message = {"channel": "dogs", "event": "post", "data": 1}
    url = f"{api.api_url}/publish"
    assert ask(url, message, key=API_KEY)[0] == 200
    assert ask(url, {**message, "channel": "a channel"}, key=API_KEY)[0] == 400
    assert ask(url, message, key="a-key-that-is-not-one")[0] == 401
    now = scraped(api.api_url)
    assert growth(before, now, "river_publications_total") == 1
    refused = "river_publish_refused_total"
    assert growth(before, now, refused, code="channel_invalid") == 1
    assert growth(before, now, refused, code="api_key_invalid") == 1
    # Those of the other plane are not there: an API holds no connections.
    assert not any(name.startswith("river_connections") for name, _ in now)


async def test_metrics_are_told_in_the_format_that_prometheus_wants(river: River) -> None:
    for url in (river.url, river.api_url):
        answer = await exchange(
            url, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_metrics_are_logged_where_nobody_scrapes(start: Start) -> None:
    settings = {
        "RIVER_METRICS_LOG_S": "0.2",
        "RIVER_LOG_FORMAT": "json",
        "RIVER_LOG_LEVEL": "info",
    }
    river = start("dev", settings=settings)
    async with member(river.url, token("ann"), "dogs") as ann:
        publish(river, "dogs", 3)
        for _ in range(3):
            await ann.expect("event")
        await condition(lambda: sum(line["deliveries"] for line in _logged(river)) == 3)
        await condition(lambda: any(line["connections"] == 1 for line in _logged(river)))
    last = _logged(river)[-1]
    assert last.keys() >= {"gaps", "channels", "publications", "cpu_seconds"}
    assert 0 < last["broker_delay_seconds"] < 60


def _logged(river: River) -> list[dict[str, float]]:
    """Its lines of metrics. Its banner is for people, and no part of the log."""
    lines = [json.loads(line) for line in list(river.stderr.lines) if line.startswith("{")]
    return [line for line in lines if line["event"] == "metrics"]
