"""The short-term limit: a burst at once and a rate for ever, exactly, whoever races."""

import itertools

import pytest

from rmbg.domain.gcra import Decision
from rmbg.domain.plans import RateLimit
from rmbg.services.limiter import Limiter, too_quick
from rmbg.storage import schema
from rmbg.storage.schema import Key
from rmbg.storage.store import Store
from tests.integration.accounts.books import Clock, new_id, race

RATES = [RateLimit(10, 1.0), RateLimit(1, 1.0), RateLimit(50, 10.0), RateLimit(5, 0.2), RateLimit(150, 3.0)]


@pytest.fixture
def key() -> Key:
    return schema.account_rate(new_id())


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_200_racers_at_one_instant_are_exactly_the_burst(store: Store, clock: Clock, key: Key, rate: RateLimit) -> None:
    limiter = Limiter(store, clock)
    decisions, _ = race(200, lambda _: limiter.check(key, rate))
    allowed = [decision for decision in decisions if decision.allowed]
    assert len(allowed) == rate.burst
    assert sorted(decision.remaining for decision in allowed) == list(range(rate.burst))
    assert {decision.remaining for decision in decisions if not decision.allowed} == {0}


@pytest.mark.parametrize("requests", [9, 10, 11])
def test_the_tenth_request_of_a_burst_of_ten_passes_and_not_the_eleventh(
    store: Store, clock: Clock, key: Key, requests: int
) -> None:
    limiter = Limiter(store, clock)
    decisions = [limiter.check(key, RateLimit(10, 1.0)).allowed for _ in range(requests)]
    assert decisions == [True] * min(requests, 10) + [False] * max(0, requests - 10)


def test_racers_at_the_edge_of_two_seconds_do_not_get_two_bursts(store: Store, key: Key) -> None:
    ticks = itertools.cycle([1_800_000_000.999, 1_800_000_001.0])
    limiter = Limiter(store, lambda: next(ticks))
    decisions, _ = race(100, lambda _: limiter.check(key, RateLimit(20, 10.0)))
    assert sum(decision.allowed for decision in decisions) == 20


@pytest.mark.parametrize("rate", [RateLimit(10, 1.0), RateLimit(3, 10.0), RateLimit(2, 0.5)], ids=str)
def test_who_asks_too_often_gets_the_burst_and_then_the_rate(
    store: Store, clock: Clock, key: Key, rate: RateLimit
) -> None:
    limiter = Limiter(store, clock)
    clock.now = 1_800_000_000.0
    allowed, step_ms, seconds = 0, 50, 5
    for elapsed_ms in range(0, seconds * 1000, step_ms):
        clock.now = 1_800_000_000 + elapsed_ms / 1000
        allowed += limiter.check(key, rate).allowed
    full_intervals = int((seconds - step_ms / 1000) * rate.per_second)
    assert allowed == rate.burst + full_intervals


def test_a_rate_within_the_limit_is_never_refused(store: Store, clock: Clock, key: Key) -> None:
    limiter = Limiter(store, clock)
    for _ in range(60):
        decision = limiter.check(key, RateLimit(1, 4.0))
        assert decision.allowed
        clock.advance(0.25)


def test_a_refused_request_costs_nothing(store: Store, clock: Clock, key: Key) -> None:
    limiter, rate = Limiter(store, clock), RateLimit(1, 1.0)
    assert limiter.check(key, rate).allowed
    for _ in range(20):
        assert not limiter.check(key, rate).allowed
    clock.advance(1)
    assert limiter.check(key, rate).allowed


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_who_comes_again_when_told_passes(store: Store, clock: Clock, key: Key, rate: RateLimit) -> None:
    limiter = Limiter(store, clock)
    refused: Decision | None = None
    while refused is None:
        decision = limiter.check(key, rate)
        refused = None if decision.allowed else decision
    told = too_quick(refused)
    assert (told.status, told.headers["Retry-After"]) == (429, str(refused.retry_after_seconds))
    assert told.message == "You're making requests too quickly, Please Upgrade or slow down."
    clock.advance(refused.retry_after_seconds)
    assert limiter.check(key, rate).allowed


@pytest.mark.parametrize("early_ms", [1, 0, -1])
def test_a_request_at_the_very_millisecond_passes_and_is_counted(
    store: Store, clock: Clock, key: Key, early_ms: int
) -> None:
    limiter, rate = Limiter(store, clock), RateLimit(1, 2.0)
    clock.now = 1_800_000_000.0
    assert limiter.check(key, rate).allowed
    clock.now = 1_800_000_000 + (500 - early_ms + 0.5) / 1000  # however it is rounded
    decisions = [limiter.check(key, rate).allowed for _ in range(2)]
    assert decisions == [early_ms <= 0, False]


def test_callers_do_not_share_a_limit(store: Store, clock: Clock) -> None:
    limiter, name, rate = Limiter(store, clock), new_id(), RateLimit(1, 1.0)
    assert limiter.check(schema.account_rate(name), rate).allowed
    assert limiter.check(schema.anonymous_rate(name), rate).allowed
    assert limiter.check(schema.account_rate(name + "x"), rate).allowed
    assert not limiter.check(schema.account_rate(name), rate).allowed
