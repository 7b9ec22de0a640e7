"""The limiter against a bucket that is counted exactly."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from rmbg.domain.gcra import Gcra

intervals = st.one_of(st.integers(1, 20), st.sampled_from((100, 333, 1000, 5000)))
bursts = st.integers(1, 12)
pauses = st.lists(st.one_of(st.just(0), st.integers(0, 40), st.integers(0, 30_000)), max_size=60)


class Bucket:
    """`burst` tokens, one back every interval, in fractions of a token; a request takes one."""

    def __init__(self, gcra: Gcra) -> None:
        self.gcra = gcra
        self.tokens = Fraction(gcra.burst)

    def pause(self, milliseconds: int) -> None:
        self.tokens = min(Fraction(self.gcra.burst), self.tokens + Fraction(milliseconds, self.gcra.interval_ms))

    def take(self) -> bool:
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def ceil(fraction: Fraction) -> int:
    return -(-fraction.numerator // fraction.denominator)


@given(intervals, bursts, pauses, st.integers(0, 2**41))
def test_every_decision_is_the_bucket_s(interval_ms: int, burst: int, pauses: list[int], now_ms: int) -> None:
    gcra = Gcra(interval_ms, burst)
    bucket, tat_ms = Bucket(gcra), 0
    for pause in pauses:
        now_ms += pause
        bucket.pause(pause)
        allowed = tat_ms <= now_ms + gcra.tolerance_ms
        assert allowed == bucket.take()
        if allowed:
            tat_ms = max(tat_ms, now_ms) + interval_ms
        answer = gcra.decision(tat_ms, now_ms, allowed=allowed)
        missing_ms = (burst - bucket.tokens) * interval_ms
        assert answer.allowed is allowed
        assert answer.limit == burst
        assert answer.remaining == int(bucket.tokens)
        assert answer.full_in_seconds == ceil(missing_ms / 1000)
        assert answer.full_at == ceil((now_ms + missing_ms) / 1000)
        wait_ms = (1 - bucket.tokens) * interval_ms
        assert answer.retry_after_seconds == (0 if allowed else max(1, ceil(wait_ms / 1000)))


@given(intervals, bursts, st.integers(0, 2**41), st.integers(0, 2**41), st.booleans())
def test_whatever_the_state_is_the_answer_can_stand_in_a_header(
    interval_ms: int, burst: int, tat_ms: int, now_ms: int, allowed: bool
) -> None:
    answer = Gcra(interval_ms, burst).decision(tat_ms, now_ms, allowed=allowed)
    assert 0 <= answer.remaining <= burst
    assert answer.full_in_seconds >= 0
    assert answer.window_seconds >= 1
    assert answer.full_at * 1000 >= now_ms
    assert answer.retry_after_seconds >= (0 if allowed else 1)


@given(intervals, bursts, st.integers(0, 2**41))
def test_who_waits_as_long_as_told_is_served(interval_ms: int, burst: int, now_ms: int) -> None:
    gcra = Gcra(interval_ms, burst)
    tat_ms = now_ms + gcra.tolerance_ms + interval_ms  # the burst is used up
    wait_ms = gcra.decision(tat_ms, now_ms, allowed=False).retry_after_seconds * 1000
    assert tat_ms <= now_ms + wait_ms + gcra.tolerance_ms
