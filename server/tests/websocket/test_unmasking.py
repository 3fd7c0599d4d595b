"""Payloads of frames against the formula of RFC 6455, section 5.3."""

import struct
from itertools import cycle

import pytest

from riverd.websocket.unmasking import payload_of

SIZES = (0, 1, 3, 4, 5, 125, 126, 1_000, 1_020, 1_024, 2_040, 2_048, 5_000, 65_535)


def masked(payload: bytes, mask: bytes) -> memoryview:
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
    return memoryview(
        head + mask + bytes(a ^ b for a, b in zip(payload, cycle(mask), strict=False))
    )


@pytest.mark.parametrize("size", SIZES)
async def test_a_frame_of_any_size_is_unmasked(size: int) -> None:
    payload = bytes(at % 251 for at in range(size))
    assert payload_of(masked(payload, b"\x12\x00\xff\x81")) == payload


async def test_no_frame_leaves_anything_to_the_next_one() -> None:
    for number, size in enumerate((*SIZES, *reversed(SIZES)), 1):
        payload = bytes([number]) * size
        assert payload_of(masked(payload, bytes((number, 2, 3, 255 - number)))) == payload
