"""The replica of a log: order, holes, the window, and frames that are made once."""

from hypothesis import given
from hypothesis import strategies as st

from riverd.core.channel_log import DROPPED_AT_ONCE, FRAMES_KEPT_MAX, JOINED_KEPT_MAX, Log
from riverd.model.log import Position, Publication


def entry(offset: int) -> Publication:
    return Publication(offset, "e", b"%d" % offset)


def log_of(first: int, last: int, *, now: float = 0) -> Log[Publication]:
    entries = [entry(offset) for offset in range(first, last + 1)]
    return Log(Position("a", last), entries, now=now)


def frame(publication: Publication) -> bytes:
    return b"<%d>" % publication.offset


def frames(first: int, last: int) -> bytes:
    return b"".join(b"<%d>" % offset for offset in range(first, last + 1))


def test_entries_are_taken_in_order() -> None:
    log = log_of(1, 0)
    assert all(log.append(entry(offset), 0) for offset in (1, 2, 3))
    assert log.position == Position("a", 3)
    assert log.since(0) == [entry(1), entry(2), entry(3)]


def test_a_hole_is_not_jumped_over() -> None:
    log = log_of(1, 3)
    assert not log.append(entry(5), 0)
    assert log.offset == 3
    assert log.append(entry(4), 0)
    assert log.append(entry(5), 0)


def test_an_entry_that_is_known_is_dropped() -> None:
    log = log_of(1, 3)
    assert log.append(Publication(2, "other", b"0"), 0)
    assert log.since(0) == [entry(1), entry(2), entry(3)]


def test_since_gives_what_follows_a_place_or_none_when_the_window_has_passed_it() -> None:
    log = log_of(5, 9)
    assert log.oldest == 4
    assert log.since(9) == []
    assert log.since(7) == [entry(8), entry(9)]
    assert log.since(4) == [entry(offset) for offset in range(5, 10)]
    assert log.since(3) is None


def test_last_gives_the_place_before_the_newest() -> None:
    log = log_of(5, 9)
    assert log.last(0) == 9
    assert log.last(2) == 7
    assert log.last(100) == 4


def test_the_window_is_bounded_by_size() -> None:
    log = log_of(1, 10)
    log.trim(size=3, before=-1)
    assert log.oldest == 7
    assert log.position == Position("a", 10)


def test_the_window_is_bounded_by_time() -> None:
    log = log_of(1, 2, now=10)
    log.append(entry(3), 20)
    log.trim(size=100, before=10)
    assert log.oldest == 0
    log.trim(size=100, before=15)
    assert log.oldest == 2
    log.trim(size=100, before=25)
    assert log.oldest == 3
    assert log.since(3) == []


def test_frames_are_joined_once_for_all_who_ask_for_the_same() -> None:
    log = log_of(1, 5)
    assert log.joined(frame, 2) is log.joined(frame, 2)
    assert log.joined(frame, 2) == frames(3, 5)


def test_each_entry_is_encoded_once_while_it_is_new() -> None:
    encoded: list[int] = []

    def counting(publication: Publication) -> bytes:
        encoded.append(publication.offset)
        return frame(publication)

    log = log_of(1, 0)
    for offset in range(1, 6):
        log.append(entry(offset), 0)
        assert log.joined(counting, offset - 1) == frames(offset, offset)
        log.trim(size=100, before=-1)
    assert log.joined(counting, 2) == frames(3, 5)
    assert encoded == [1, 2, 3, 4, 5]


def test_joined_runs_are_kept_for_a_few_places_only() -> None:
    log = log_of(1, 50)
    runs = [log.joined(frame, after) for after in range(JOINED_KEPT_MAX + 1)]
    assert runs[0] is not log.joined(frame, 0)
    assert [len(run) for run in runs] == sorted((len(run) for run in runs), reverse=True)


def test_a_part_ends_with_the_entry_that_fills_it() -> None:
    log = log_of(1, 9)
    assert log.part(frame, 0, bytes_max=6) == (frames(1, 2), 2)
    assert log.part(frame, 0, bytes_max=7) == (frames(1, 3), 3)
    assert log.part(frame, 0, bytes_max=1) == (frames(1, 1), 1)
    assert log.part(frame, 0, bytes_max=27) == (frames(1, 9), 9)
    assert log.part(frame, 0, bytes_max=28) == (frames(1, 9), 9)
    assert log.part(frame, 9, bytes_max=6) == (b"", 9)


def test_those_that_come_back_to_one_place_together_cost_one_encoding() -> None:
    encoded: list[int] = []

    def counting(publication: Publication) -> bytes:
        encoded.append(publication.offset)
        return frame(publication)

    log = log_of(1, 50)
    log.joined(counting, 49)
    log.trim(size=100, before=-1)
    encoded.clear()
    runs = [log.part(counting, 0, bytes_max=1_000)[0] for _ in range(1_000)]
    assert all(run is runs[0] for run in runs)
    assert len(encoded) <= 50


@given(st.data())
def test_whatever_is_asked_in_whatever_order_frames_are_those_of_the_entries(
    data: st.DataObject,
) -> None:
    log = log_of(1, data.draw(st.integers(0, 30)))

    def other(publication: Publication) -> bytes:
        return frame(publication)

    for _ in range(data.draw(st.integers(1, 30))):
        match data.draw(st.sampled_from(["append", "join", "part", "trim"])):
            case "append":
                for _ in range(data.draw(st.integers(1, 30))):
                    assert log.append(entry(log.offset + 1), 0)
            case "trim":
                log.trim(size=data.draw(st.integers(0, 40)), before=-1)
            case asked:
                encode = data.draw(st.sampled_from([frame, other]))
                after = data.draw(st.integers(log.oldest, log.offset))
                if asked == "join":
                    assert log.joined(encode, after) == frames(after + 1, log.offset)
                else:
                    run, upto = log.part(encode, after, bytes_max=data.draw(st.integers(1, 60)))
                    assert run == frames(after + 1, upto)
                    assert upto > after or after == log.offset


def test_very_many_entries_are_dropped_some_at_a_time() -> None:
    log = log_of(1, 0)
    for offset in range(1, 2 * DROPPED_AT_ONCE + 200):
        log.append(entry(offset), 0)
    log.frames(frame, 0)
    encoded = log._encoded[frame].frames
    oldest = list[tuple[int, int]]()
    for _ in range(3):
        log.trim(size=100, before=0)
        oldest.append((log.oldest, len(encoded)))
    made = 2 * DROPPED_AT_ONCE + 199
    assert oldest == [
        (DROPPED_AT_ONCE, made - DROPPED_AT_ONCE),
        (2 * DROPPED_AT_ONCE, FRAMES_KEPT_MAX),
        (made - 100, FRAMES_KEPT_MAX),
    ]
    assert log.joined(frame, made - 50) == frames(made - 49, made)


def test_a_long_log_keeps_the_newest_of_its_few_frames() -> None:
    log = log_of(1, 0)
    for offset in range(1, DROPPED_AT_ONCE + 101):
        log.append(entry(offset), 0)
    log.frames(frame, DROPPED_AT_ONCE)
    log.trim(size=2 * DROPPED_AT_ONCE, before=-1)
    assert len(log._encoded[frame].frames) == FRAMES_KEPT_MAX
    assert log.joined(frame, DROPPED_AT_ONCE) == frames(DROPPED_AT_ONCE + 1, log.offset)
