"""What may be in a database that others write to, or that has lost a part of itself."""

import random

import redis

VALUES: tuple[bytes, ...] = (
    b"",
    b" ",
    b"x",
    b"-1",
    b"1.5",
    b"9" * 400,
    b"1e999",
    b"nan",
    b"inf",
    b"0x10",
    b"\x00",
    b"\xff\xfe",
    b"9007199254740993",
    b"18446744073709551615",
    b":",
    b"a:b:c",
    b" 0",
    b"e ",
    b"1 - a,b",
    b"0 gs s1",
    b"{}",
    b"[1]",
    b'{"at":"x"}',
    b"null",
    b"\x93\xa1e\xc4\x011\xc0",
    b"\x92\xa1u\xc0",
    b"\xc1",
    b"x" * 5_000,
)
FIELDS = (b"e", b"o", b"r", b"i", b"b", b"l", b"h", b"n", b"t", b"x", b"time", b"#r", b"w", b"+w")
ODD_KEYS = 3


def damage(client: "redis.Redis", chance: random.Random) -> str:
    """Do some harm to one key; says what."""
    name = client.randomkey()
    if not isinstance(name, bytes):
        return ""
    kind = client.type(name)
    if chance.randrange(ODD_KEYS) == 0:
        client.delete(name)
        kind = chance.choice((b"none", b"string", b"hash", b"list", b"set", b"zset", b"stream"))
    done = f"{kind!r} {name!r}"
    try:
        _write(client, name, kind=kind, chance=chance)
    except redis.ResponseError as error:
        # For example an id that is lower than the last one of the stream.
        return f"{done}: {error}"
    return done


def _write(client: "redis.Redis", name: bytes, *, kind: bytes, chance: random.Random) -> None:
    value, field = chance.choice(VALUES), chance.choice((*FIELDS, *VALUES))
    match kind:
        case b"string":
            client.set(name, value)
        case b"list":
            client.rpush(name, value)
        case b"set":
            client.sadd(name, value)
        case b"zset":
            score = chance.choice((float("inf"), float("-inf"), 0, -1.5, 1e300, 2.0**53))
            client.zadd(name, {value: score})
        case b"hash":
            _write_field(client, name, value=value, chance=chance)
        case b"stream":
            fields = {field: value, b"b": chance.choice(VALUES)}
            last = b"18446744073709551615-1"
            client.xadd(name, fields, id=chance.choice((b"*", last, b"9007199254740993-0")))  # type: ignore[arg-type]
        case _:
            """It is gone."""


def _write_field(
    client: "redis.Redis", name: bytes, *, value: bytes, chance: random.Random
) -> None:
    fields = client.hkeys(name)
    assert isinstance(fields, list)
    field = chance.choice([*fields, *FIELDS])
    if chance.randrange(3) == 0:
        client.hdel(name, field)
    else:
        client.hset(name, field, value)  # type: ignore[arg-type]
