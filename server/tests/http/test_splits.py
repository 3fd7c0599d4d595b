"""However the bytes are split on their way, the answers are the same."""

import asyncio
import itertools
import json

from http_site import Site
from hypothesis import given, settings
from hypothesis import strategies as st

from riverd.http.connection import HttpConnection
from riverd.http.limits import HttpLimits
from riverd.http.pool import ConnectionPool

REQUESTS = [
    b"GET /one HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab\r\n\r\ncde",
    (
        b"POST /three HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nab\r\nc\r\n3;x\r\nd\ne\r\n0\r\nA: b\r\n\r\n"
    ),
    b"\r\nGET /four HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    (
        b"POST /five HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        b"Content-Length: 4\r\n\r\nGET "
    ),
    (
        b"POST /six HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n"
    ),
    b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /",
    b"GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdeX",
]


class Recorded(asyncio.Transport):
    """A transport that keeps what is written; the loop has nothing to do with it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.has_ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.has_ended
        self.sent += data

    def write_eof(self) -> None:
        self.has_ended = True

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        raise AssertionError("there is never so much")

    def resume_reading(self) -> None:
        pass


def answers(parts: list[bytes]) -> tuple[list[object], bool]:
    """What is answered to bytes that come in these parts; and whether the connection ended."""

    async def talk() -> Recorded:
        connection, transport = HttpConnection(ConnectionPool(Site(), HttpLimits())), Recorded()
        connection.connection_made(transport)
        for part in parts:
            if not transport.has_ended:
                connection.data_received(part)
        return transport

    transport = asyncio.run(talk())
    found: list[object] = []
    for answer in transport.sent.split(b"HTTP/1.1 ")[1:]:
        status, body = int(answer[:3]), answer.partition(b"\r\n\r\n")[2]
        found.append(json.loads(body)[:4] if status == 200 else status)
    return found, transport.has_ended


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=5),
    st.lists(st.integers(0, 600), max_size=12),
)
def test_any_split_of_the_bytes_gives_the_same_answers(
    requests: list[bytes], cuts: list[int]
) -> None:
    sent = b"".join(requests)
    ends = sorted({0, len(sent), *(cut % (len(sent) + 1) for cut in cuts)})
    parts = [sent[at:end] for at, end in itertools.pairwise(ends)]
    by_request, whole = answers(requests), answers([sent])
    # Garbage that comes together with a request before it is not answered.
    by_part = answers(parts)
    shortest = min(len(by_request[0]), len(by_part[0]), len(whole[0]))
    assert by_part[0][:shortest] == by_request[0][:shortest] == whole[0][:shortest]
    assert all(one == 400 for one in [*by_part[0][shortest:], *by_request[0][shortest:]])
    assert by_part[1] == by_request[1] == whole[1]


def test_bytes_may_come_one_by_one() -> None:
    sent = b"".join(REQUESTS[:-1])
    assert answers([sent[at : at + 1] for at in range(len(sent))]) == answers(REQUESTS[:-1])


async def test_reading_goes_on_when_a_client_has_taken_its_answers_within_a_tick() -> None:
    # Equal deadlines: that nothing of them changes must not hide that something else did.
    limits = HttpLimits(head_s=9, body_s=9, idle_s=9, stalled_s=9)
    connection, transport = HttpConnection(ConnectionPool(Site(), limits)), Recorded()
    connection.connection_made(transport)
    for sent in (REQUESTS[0], REQUESTS[1][:-1]):
        connection.data_received(sent)
        connection.pause_writing()
        connection.resume_writing()
        assert connection.reads_on
    connection.data_received(REQUESTS[1][-1:])
    assert transport.sent.count(b"HTTP/1.1 200 OK") == 2
