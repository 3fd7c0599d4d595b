"""Data that programs have and JSON has not, published to a real River and read back."""

import enum
import json
import re
import sys
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address
from pathlib import PurePosixPath
from types import MappingProxyType
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest
from bad_servers import Raw, ok
from django.utils.functional import lazystr
from real_river import Running

from river_realtime import River, RiverError, UsageError

ID = UUID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")
NEW_YEAR = datetime(2026, 1, 1, 8, 30, tzinfo=UTC)
Pair = namedtuple("Pair", "left right")  # noqa: PYI024  one without types is what is tested


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    SMALL = 1


class Mood(enum.StrEnum):
    CALM = "calm"


@dataclass
class Post:
    id: UUID
    at: datetime
    color: Color


class Price(msgspec.Struct, rename="camel"):
    net_amount: Decimal
    owner: object = None


@attrs.define
class Tag:
    name: str
    since: date


class Order(pydantic.BaseModel):
    id: UUID
    price: Decimal
    at: datetime


@pytest.fixture
def river(running: Running) -> Iterator[River]:
    with River(running.api_url, running.key) as river:
        yield river


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        (NEW_YEAR, "2026-01-01T08:30:00Z"),
        (NEW_YEAR.replace(tzinfo=None), "2026-01-01T08:30:00"),
        (NEW_YEAR.astimezone(timezone(timedelta(hours=2))), "2026-01-01T10:30:00+02:00"),
        (NEW_YEAR.date(), "2026-01-01"),
        (time(8, 30), "08:30:00"),
        (ID, str(ID)),
        (Decimal("1.10"), "1.10"),
        ([Color.RED, Size.SMALL, Mood.CALM], ["red", 1, "calm"]),
        ({1}, [1]),
        (deque([1, 2]), [1, 2]),
        (Pair(1, 2), [1, 2]),
        (MappingProxyType({"a": OrderedDict(b=1)}), {"a": {"b": 1}}),
        (
            Post(ID, NEW_YEAR, Color.RED),
            {"id": str(ID), "at": "2026-01-01T08:30:00Z", "color": "red"},
        ),
        (Price(Decimal("1.10")), {"netAmount": "1.10", "owner": None}),
        (
            [Price(Decimal(1), Tag("new", date(2026, 1, 1)))],
            [{"netAmount": "1", "owner": {"name": "new", "since": "2026-01-01"}}],
        ),
        (Tag("new", date(2026, 1, 1)), {"name": "new", "since": "2026-01-01"}),
        (
            {"order": Order(id=ID, price=Decimal("1.10"), at=NEW_YEAR)},
            {"order": {"id": str(ID), "price": "1.10", "at": "2026-01-01T08:30:00Z"}},
        ),
        ([timedelta(minutes=1, microseconds=500_000), -timedelta(1)], ["PT60.5S", "-PT86400S"]),
        ([PurePosixPath("/a"), ip_address("::1")], ["/a", "::1"]),
        (ip_address("10.0.0.1"), "10.0.0.1"),
        ([pydantic.AnyUrl("https://a.example/"), lazystr("late")], ["https://a.example/", "late"]),
        ({"secret": pydantic.SecretStr("hidden")}, {"secret": "**********"}),
        ({ID: 1, 2: {NEW_YEAR.date(): 3}}, {str(ID): 1, "2": {"2026-01-01": 3}}),
        (
            [{ID: Post(ID, NEW_YEAR, Color.RED)}],
            [{str(ID): {"id": str(ID), "at": "2026-01-01T08:30:00Z", "color": "red"}}],
        ),
        ("Grüße, 世界 🎉", "Grüße, 世界 🎉"),
    ],
    ids=repr,
)  # fmt: skip
def test_data_of_this_kind_arrives_as(river: River, data: object, meant: object) -> None:
    river.publish("py-encoding", "n", data)
    assert river.history("py-encoding", limit=1).events[0].data == meant


def test_data_in_a_batch_is_encoded_as_well(river: River) -> None:
    river.publish_batch([{"channel": "py-encoding", "event": "n", "data": {"id": ID}}])
    assert river.history("py-encoding", limit=1).events[0].data == {"id": str(ID)}


def test_function_of_the_program_is_asked_before_the_library_decides(running: Running) -> None:
    class Money:
        cents = 110

    def default(value: object) -> object:
        match value:
            case Money():
                return {"cents": value.cents}
            case Decimal():
                return float(value)
            case _:
                raise TypeError

    with River(running.api_url, running.key, default=default) as river:
        river.publish("py-encoding", "n", [Money(), Decimal("1.5"), ID])
        assert river.history("py-encoding", limit=1).events[0].data == [
            {"cents": 110},
            1.5,
            str(ID),
        ]


def circle() -> list[object]:
    inner: list[object] = []
    inner.append(inner)
    return inner


def nested(depth: int) -> list[object]:
    outer: list[object] = []
    for _ in range(depth):
        outer = [outer]
    return outer


@pytest.mark.parametrize(
    ("data", "cure"),
    [
        (object(), "a builtins.object is not JSON; convert it, or give River(..., default="),
        (b"raw", "base64"),
        ({(1, 2): 3}, "keys are texts in JSON, and not (1, 2)"),
        (float("nan"), "send null"),
        ([float("inf")], "send null"),
        (10**5_000, "send it as text"),
        ("\ud800", "surrogate"),
        (circle(), "contains itself"),
        (nested(100_000), "nested too deeply"),
        (range, "not JSON"),
    ],
    ids=["object", "bytes", "key", "nan", "infinity", "digits", "half", "circle", "deep", "class"],
)
def test_data_without_json_is_refused_with_its_cure(river: River, data: object, cure: str) -> None:
    with pytest.raises(RiverError, match=re.escape(cure)) as caught:
        river.publish("py-encoding", "n", data)
    assert isinstance(caught.value, UsageError)
    assert caught.value.code == "data_invalid"


def at_the_end_of_the_stack(call: Callable[[], object]) -> object:
    """Call it as deep in the stack as Python lets us, but for what the libraries need."""

    def descend(left: int) -> object:
        return call() if not left else descend(left - 1)

    return descend(sys.getrecursionlimit() - 250)


def test_nested_data_is_written_and_read_from_any_depth_of_the_stack() -> None:
    data = nested(400)
    history: dict[str, object] = {"channel": "dogs", "epoch": "e", "offset": 1}
    history["publications"] = [{"offset": 1, "event": "n", "data": data}]

    def publish_and_read() -> object:
        river.publish("dogs", "n", data)
        return river.history("dogs").events[0].data

    answers = ok({"epoch": "e", "offset": 1}), ok(history)
    with Raw(*answers) as server, River(server.address, "key") as river:
        assert at_the_end_of_the_stack(publish_and_read) == data
    assert json.loads(server.requests[0])["data"] == data
