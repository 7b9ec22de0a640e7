"""The short-term limit held against its definition, in whole milliseconds."""

import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmbg.domain.plans import RateLimit
from rmbg.services.limiter import Limiter
from rmbg.storage import schema
from rmbg.storage.store import Store
from tests.integration.accounts.books import Clock, new_id

rates = st.builds(
    RateLimit, burst=st.integers(1, 8), per_second=st.sampled_from([0.2, 0.3, 1.0, 3.0, 7.0, 10.0, 999.0])
)
gaps_ms = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 6000))
START_MS = 1_800_000_000_000


class Model:
    """The algorithm by its definition: one number, the theoretical arrival time."""

    def __init__(self, rate: RateLimit) -> None:
        self.interval_ms = max(1, round(1000 / rate.per_second))
        self.tolerance_ms = (rate.burst - 1) * self.interval_ms
        self.tat_ms = 0

    def allows(self, now_ms: int) -> bool:
        if self.tat_ms > now_ms + self.tolerance_ms:
            return False
        self.tat_ms = max(self.tat_ms, now_ms) + self.interval_ms
        return True


def _clock_at(now_ms: int) -> Clock:
    """As a float in seconds that is this millisecond, however it is rounded."""
    return Clock((now_ms + 0.5) / 1000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rate=rates, gaps=st.lists(gaps_ms, min_size=1, max_size=14))
def test_the_stored_limit_is_the_algorithm_to_the_millisecond(
    emulated_store: Store, rate: RateLimit, gaps: list[int]
) -> None:
    clock, key, model = _clock_at(START_MS), schema.account_rate(new_id()), Model(rate)
    limiter = Limiter(emulated_store, clock)
    now_ms = START_MS
    for gap in gaps:
        now_ms += gap
        clock.now = _clock_at(now_ms).now
        decision = limiter.check(key, rate)
        assert decision.allowed is model.allows(now_ms)
        if not decision.allowed:
            wait_ms = model.tat_ms - model.tolerance_ms - now_ms
            assert decision.retry_after_seconds == max(1, math.ceil(wait_ms / 1000))
            now_ms += decision.retry_after_seconds * 1000
            clock.now = _clock_at(now_ms).now
            assert limiter.check(key, rate).allowed  # who comes when told is served
            assert model.allows(now_ms)


@given(rate=rates, gaps=st.lists(gaps_ms, max_size=60))
def test_no_stretch_of_time_lets_more_than_the_burst_and_the_rate_through(rate: RateLimit, gaps: list[int]) -> None:
    model, now_ms, passed = Model(rate), START_MS, []
    for gap in gaps:
        now_ms += gap
        if model.allows(now_ms):
            passed.append(now_ms)
    for first, begin in enumerate(passed):
        for count, end in enumerate(passed[first:], start=1):
            assert count <= rate.burst + (end - begin) // model.interval_ms
