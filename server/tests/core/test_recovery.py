"""Which publication stands for the state of a channel."""

from riverd.core.channel_log import Log
from riverd.core.recovery import newest_of_back_end
from riverd.model.log import Position, Publication


def test_the_newest_is_that_of_the_back_end_behind_what_clients_published() -> None:
    entries = [
        Publication(3, "price", b"1"),
        Publication(4, "price", b"2", user="ann"),
        Publication(5, "client-typing", b"3"),
    ]
    log = Log(Position("e", 5), entries)
    assert newest_of_back_end(log) == entries[0]
    assert newest_of_back_end(Log(Position("e", 5), entries[1:])) is None
