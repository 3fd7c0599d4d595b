"""What RIVER_BROKER may be, and what is said when it is something else."""

import pytest

from riverd.broker.redis.address import RedisAddress, parse
from riverd.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache", RedisAddress((("cache", 6379),))),
        ("redis://cache/", RedisAddress((("cache", 6379),))),
        ("redis://cache:6380/2", RedisAddress((("cache", 6380),), database=2)),
        ("redis://[::1]:6380", RedisAddress((("::1", 6380),))),
        ("redis://:pw@cache", RedisAddress((("cache", 6379),), password="pw")),
        (
            "redis://ann:p%40%2Fw%3F@cache",
            RedisAddress((("cache", 6379),), username="ann", password="p@/w?"),
        ),
        ("rediss://cache", RedisAddress((("cache", 6379),), tls=True)),
        (
            "rediss://cache?ca_file=/etc/ca.pem",
            RedisAddress((("cache", 6379),), tls=True, ca_file="/etc/ca.pem"),
        ),
        (
            "redis+sentinel://:pw@a,b:1,[::1]/main/3?sentinel_password=s",
            RedisAddress(
                (("a", 26379), ("b", 1), ("::1", 26379)),
                password="pw",
                database=3,
                service="main",
                sentinel_password="s",
            ),
        ),
        ("redis+sentinel://a/main", RedisAddress((("a", 26379),), service="main")),
        ("redis+cluster://a,b:7000", RedisAddress((("a", 6379), ("b", 7000)), cluster=True)),
        ("rediss+cluster://a/0", RedisAddress((("a", 6379),), cluster=True, tls=True)),
    ],
)
def test_a_url_says_where_the_broker_is(url: str, address: RedisAddress) -> None:
    assert parse(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "unknown scheme; known: memory://, redis://"),
        ("cache:6379", "unknown scheme"),
        (":secret@cache:6379", "unknown scheme"),
        ("amqp://:secret@cache", "unknown scheme"),
        ("redis://", "a host is missing"),
        ("redis://:secret@", "a host is missing"),
        ("redis://:secret@cache:port", "its port is no number"),
        ("redis://:secret@cache:0", "its port is no number"),
        ("redis://:secret@[::1]:0", "its port is no number"),
        ("redis+sentinel://:secret@a,b:0/main", "its port is no number"),
        ("redis+cluster://:secret@a:0", "its port is no number"),
        ("redis://:secret@two words", "a host is missing"),
        ("redis://:secret@cache:99999", "its port is no number"),
        ("redis://:secret@cache/zero", "the path is a database's number"),
        ("redis://:secret@cache/\u0661", "the path is a database's number"),
        ("redis://:secret@cache/99999999999", "the path is a database's number"),
        ("redis://:secret@cache/1/2", "the path is a database's number"),
        ("redis://:secret@a,b", "several hosts are a redis+sentinel://"),
        ("redis://:secret@a?timeout=3", "unknown option timeout; known: ca_file"),
        ("redis+sentinel://:secret@a,b", "needs the service's name"),
        ("redis+sentinel://:secret@a/", "needs the service's name"),
        ("redis+sentinel://a,,b/main", "a host is missing"),
        ("redis+cluster://:secret@a/1", "a cluster has no other database"),
    ],
)
def test_another_url_is_refused_in_one_line_that_keeps_the_password(url: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(url)
    text = str(caught.value)
    assert text.startswith("RIVER_BROKER: ")
    assert said in text
    assert "secret" not in text
    assert "\n" not in text


def test_an_authority_that_cannot_be_read_is_said_at_once() -> None:
    address = parse("rediss://cache?ca_file=/nowhere/ca.pem")
    with pytest.raises(SettingsError, match=r"ca_file=/nowhere/ca.pem: No such file"):
        address.ssl_context()


def test_tls_verifies_names_and_certificates() -> None:
    context = parse("rediss://cache").ssl_context()
    assert context is not None
    assert context.check_hostname
    assert parse("redis://cache").ssl_context() is None
