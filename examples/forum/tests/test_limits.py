"""How often is too often."""

from forum_visitor import Clock

from forum.limits import RateLimit


def test_a_bucket_fills_again_with_time_but_never_over(clock: Clock) -> None:
    limit = RateLimit(per_minute=2, clock_s=clock)
    assert [limit.allow("a") for _ in range(3)] == [True, True, False]
    clock.now_s += 30
    assert [limit.allow("a") for _ in range(2)] == [True, False]
    clock.now_s += 3_600
    assert [limit.allow("a") for _ in range(3)] == [True, True, False]


def test_memory_for_keys_is_bounded(clock: Clock) -> None:
    limit = RateLimit(per_minute=1, clock_s=clock, keys_max=3)
    for key in "abcd":
        assert limit.allow(key)
    assert not limit.allow("b"), "still known"
    assert limit.allow("a"), "the least used was forgotten"
