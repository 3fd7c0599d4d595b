"""What waits for clients that do not read, all of them together."""

from riverd.gateway.slow_readers import KERNEL_BYTES, SlowReaders


class Reader:
    """A connection that takes no more."""

    waiting_bytes = 1_000


def test_the_one_that_stopped_first_goes_when_too_much_waits() -> None:
    evicted: list[Reader] = []
    slow: SlowReaders[Reader] = SlowReaders(3 * (KERNEL_BYTES + 1_000), evict=evicted.append)
    readers = [Reader() for _ in range(5)]
    for reader in readers[:3]:
        slow.add(reader)
    assert evicted == []
    # It has read something, and stops again: others have not for longer.
    slow.discard(readers[0])
    slow.add(readers[0])
    slow.add(readers[3])
    assert evicted == [readers[1]]
    slow.discard(readers[2])
    slow.add(readers[4])
    assert evicted == [readers[1]]
    for reader in readers:
        slow.discard(reader)
    assert slow.waiting_bytes == 0


def test_a_single_one_may_always_wait() -> None:
    evicted: list[Reader] = []
    slow: SlowReaders[Reader] = SlowReaders(1, evict=evicted.append)
    slow.add(Reader())
    assert evicted == []
