"""Which window pays, at any instant: anchors on days 29 to 31, leap years, and clocks that are wrong."""

import calendar
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from rmbg.config import load_catalogue
from rmbg.domain.calendar import DAY_SECONDS, Interval, Period, boundary, utc
from rmbg.domain.credits import Account, Subscription, SubscriptionStatus, WindowKind
from rmbg.domain.windows import RENEWAL_SECONDS, included_closed, renewed_period, standing
from tests.integration.stripe.desk import DAY, Desk
from tests.support.memory import memory_store
from tests.support.stripe_world import ANNUAL, PREMIUM, QUARTERLY, SMALL, renewal
from tools.stripe_events.make import Price

CATALOGUE = load_catalogue("")
SKEW = 300

late_days = st.tuples(
    st.integers(2020, 2060), st.integers(1, 12), st.integers(28, 31), st.integers(0, DAY_SECONDS - 1)
).map(
    lambda when: (
        int(datetime(when[0], when[1], min(when[2], calendar.monthrange(when[0], when[1])[1]), tzinfo=UTC).timestamp())
        + when[3]
    )
)
leap_days = st.tuples(st.sampled_from([2024, 2028, 2048, 2096]), st.integers(0, DAY_SECONDS - 1)).map(
    lambda when: int(datetime(when[0], 2, 29, tzinfo=UTC).timestamp()) + when[1]
)
anchors = late_days | leap_days | st.integers(1_500_000_000, 3_000_000_000)
prices = st.sampled_from([PREMIUM, SMALL, ANNUAL, QUARTERLY, Price("price_day", 1, "day", 10)])
renewing = st.sampled_from([SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING])


def subscription(anchor: int, price: Price, cycle: int, **facts: object) -> Subscription:
    """In its so-manieth cycle, by Stripe's dates (reckoned by the small Stripe of the tests)."""
    assert price.interval is not None
    known = Subscription(
        id="sub_1",
        status=SubscriptionStatus.ACTIVE,
        period=Period(renewal(anchor, price, cycle), renewal(anchor, price, cycle + 1)),
        anchor=anchor,
        interval=Interval(price.interval),
        interval_count=price.interval_count,
    )
    return replace(known, **facts)  # type: ignore[arg-type]


def account(known: Subscription) -> Account:
    return Account("u", "", True, "Premium-20000", 20000, subscription=known)


@given(anchors, prices, st.integers(0, 30))
def test_a_renewal_that_is_reckoned_is_stripes(anchor: int, price: Price, cycle: int) -> None:
    """Always from the anchor: a 31 January is a 28 February, and a 31 March again."""
    known = subscription(anchor, price, cycle)
    for later in range(1, 5):
        period = Period(renewal(anchor, price, cycle + later), renewal(anchor, price, cycle + later + 1))
        assert renewed_period(known, period.start) == period
        assert renewed_period(known, period.end - 1) == period


@given(anchors, st.integers(0, 60))
def test_the_day_of_the_anchor_comes_back_after_a_short_month(anchor: int, cycle: int) -> None:
    found = utc(boundary(anchor, Interval.MONTH, 1, cycle))
    assert found.day == min(utc(anchor).day, calendar.monthrange(found.year, found.month)[1])
    assert found.time() == utc(anchor).time()


@given(anchors, prices, st.integers(0, 12), renewing, st.integers(0, 2 * RENEWAL_SECONDS))
def test_after_the_end_it_goes_on_for_three_days_and_no_longer(
    anchor: int, price: Price, cycle: int, status: SubscriptionStatus, since: int
) -> None:
    known = subscription(anchor, price, cycle, status=status)
    now = known.period.end + since
    state = standing(account(known), CATALOGUE, now)
    assert now in state.period
    if since < RENEWAL_SECONDS:
        assert (state.kind, state.plan.name, state.overdue) == (WindowKind.STRIPE, "Premium-20000", False)
        assert state.period.start == known.period.end
    else:
        assert (state.kind, state.plan.name, state.overdue) == (WindowKind.MONTH, "Free", True)


@given(anchors, prices, st.integers(0, 12), st.integers(0, 2 * RENEWAL_SECONDS))
def test_what_is_cancelled_at_its_end_ends_there(anchor: int, price: Price, cycle: int, since: int) -> None:
    known = subscription(anchor, price, cycle, cancel_at_end=True)
    state = standing(account(known), CATALOGUE, known.period.end + since)
    assert (state.kind, state.plan.name, state.overdue) == (WindowKind.MONTH, "Free", False)
    before = standing(account(known), CATALOGUE, known.period.end - 1)
    assert (before.kind, before.period) == (WindowKind.STRIPE, known.period)


@given(anchors, prices, st.integers(0, 12), st.integers(-SKEW, SKEW))
def test_a_clock_that_is_behind_or_ahead_meets_a_window_of_stripes(
    anchor: int, price: Price, cycle: int, skew: int
) -> None:
    """Just after a renewal: whoever is behind already uses the new window, whoever is ahead reckons the same one."""
    known = subscription(anchor, price, cycle)
    following = subscription(anchor, price, cycle + 1)
    now = following.period.start + skew
    heard = standing(account(following), CATALOGUE, now)
    assert (heard.kind, heard.period) == (WindowKind.STRIPE, following.period)
    unheard = standing(account(known), CATALOGUE, now)
    assert unheard.period == (following.period if skew >= 0 else known.period)


@given(st.integers(-10, 10), st.sampled_from(list(SubscriptionStatus)), st.none() | st.just(0))
def test_the_grace_period_ends_in_its_second(offset: int, status: SubscriptionStatus, until: int | None) -> None:
    now = 1_800_000_000
    known = subscription(now - 5, PREMIUM, 0, status=status, grace_until=None if until is None else now + until)
    closed = included_closed(known, now + offset)
    if status in (SubscriptionStatus.UNPAID, SubscriptionStatus.PAUSED):
        assert closed
    elif status is SubscriptionStatus.PAST_DUE and until is not None:
        assert closed is (offset >= 0)
    else:
        assert not closed


@given(late_days | leap_days, st.integers(1, 14), st.lists(st.integers(-SKEW, 2 * DAY), min_size=1, max_size=6))
def test_a_year_of_late_webhooks_loses_no_picture(anchor: int, months: int, delays: list[int]) -> None:
    """Each renewal is heard of so much too late, or a little too early; a picture before and after each webhook."""
    assume(anchor > 1_600_000_000)
    desk = Desk(memory_store())
    pictures = 0
    for cycle in range(months + 1):
        period = (renewal(anchor, PREMIUM, cycle), renewal(anchor, PREMIUM, cycle + 1))
        desk.clock.now = period[0] + (delays[cycle % len(delays)] if cycle else 0)
        if cycle:
            desk.use()
            pictures += 1
        desk.update(period=period, anchor=anchor, price="price_premium_20000_month")
        desk.use()
        pictures += 1
        assert desk.cycle.start == period[0]
    windows = [window for window in desk.windows if window.used]
    assert {window.period.start for window in windows} <= {renewal(anchor, PREMIUM, it) for it in range(months + 1)}
    assert sum(window.used for window in windows) == pictures
    assert all(window.remaining == window.included - window.used for window in windows)
