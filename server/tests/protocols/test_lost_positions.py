"""What a client whose resume is not possible is sent: why, and when to reload its state."""

import json
from typing import Any

from river_wire import NATIVE, texts

from riverd.model.log import Position
from riverd.model.replies import Subscribed
from riverd.protocols.sse.protocol import Sse
from riverd.protocols.sse.shapes import OBJECTS

LOST = Subscribed(3, "dogs", Position("e1", 41), reason="epoch", reload_after_ms=250)


def streamed(reply: Subscribed) -> list[dict[str, Any]]:
    """What a stream sends: a message a record."""
    records = Sse(NATIVE, OBJECTS).encode(reply)
    return [json.loads(part[: part.index(b"\n")]) for part in records.split(b"data: ")[1:]]


def test_subscription_that_cannot_go_on_says_when_to_reload() -> None:
    [subscribed] = texts(NATIVE.encode(LOST))
    assert subscribed == {
        "type": "subscribed",
        "id": 3,
        "channel": "dogs",
        "epoch": "e1",
        "offset": 41,
        "recovered": False,
        "reason": "epoch",
        "reload_after_ms": 250,
    }


def test_stream_that_cannot_go_on_says_when_to_reload_with_its_gap() -> None:
    subscribed, gap = streamed(LOST)
    assert (subscribed["type"], gap["type"]) == ("subscribed", "gap")
    assert subscribed["reload_after_ms"] == gap["reload_after_ms"] == 250
