"""The short-term limiter's answer, at each step of a burst."""

import pytest

from rmbg.domain.gcra import Decision, Gcra
from rmbg.domain.plans import RateLimit

NOW_MS = 1_700_000_000_123


@pytest.mark.parametrize(
    ("per_second", "interval_ms"),
    [(1, 1000), (10, 100), (100, 10), (1000, 1), (0.2, 5000), (0.001, 1_000_000), (3, 333), (600, 2), (20, 50)],
)
def test_the_interval_is_a_second_s_share_in_whole_milliseconds(per_second: float, interval_ms: int) -> None:
    gcra = Gcra.of(RateLimit(burst=7, per_second=per_second))
    assert (gcra.interval_ms, gcra.burst) == (interval_ms, 7)
    assert gcra.tolerance_ms == 6 * interval_ms


def test_a_rate_above_one_a_millisecond_is_one_a_millisecond() -> None:
    assert Gcra.of(RateLimit(burst=1, per_second=1e9)).interval_ms == 1


@pytest.mark.parametrize(
    ("burst", "interval_ms", "seconds"), [(1, 1, 1), (10, 100, 1), (10, 101, 2), (500, 10, 5), (5, 5000, 25)]
)
def test_the_window_is_what_a_whole_burst_takes_to_come_back(burst: int, interval_ms: int, seconds: int) -> None:
    assert Gcra(interval_ms, burst).window_seconds == seconds


def test_a_burst_counts_down_to_the_request_that_is_one_too_many() -> None:
    gcra = Gcra(interval_ms=1000, burst=3)
    answers = [gcra.decision(NOW_MS + taken * 1000, NOW_MS, allowed=True) for taken in (1, 2, 3)]
    assert [answer.remaining for answer in answers] == [2, 1, 0]
    assert [answer.full_in_seconds for answer in answers] == [1, 2, 3]
    assert [answer.retry_after_seconds for answer in answers] == [0, 0, 0]
    assert gcra.decision(NOW_MS + 3000, NOW_MS, allowed=False) == Decision(
        allowed=False,
        limit=3,
        remaining=0,
        window_seconds=3,
        full_at=1_700_000_004,  # 3.123 rounded up
        full_in_seconds=3,
        retry_after_seconds=1,
    )


def test_a_wait_is_rounded_up_and_is_a_second_at_least() -> None:
    gcra = Gcra(interval_ms=10, burst=1)
    assert gcra.decision(NOW_MS + 1, NOW_MS, allowed=False).retry_after_seconds == 1
    gcra = Gcra(interval_ms=5000, burst=5)
    waits = [
        gcra.decision(NOW_MS + 20_000 + late_ms, NOW_MS, allowed=False).retry_after_seconds
        for late_ms in (1, 1000, 1001, 4999, 5000)
    ]
    assert waits == [1, 1, 2, 5, 5]


def test_a_bucket_that_is_full_again_says_so() -> None:
    gcra = Gcra(interval_ms=1000, burst=3)
    answer = gcra.decision(NOW_MS - 60_000, NOW_MS, allowed=True)  # a clock that was set back
    assert (answer.remaining, answer.full_in_seconds, answer.full_at) == (3, 0, 1_700_000_001)


def test_a_refused_caller_has_nothing_left_whatever_the_state_says() -> None:
    assert Gcra(interval_ms=1000, burst=3).decision(NOW_MS, NOW_MS, allowed=False).remaining == 0
