"""Which window pays for a picture: one test for every rule of the billing windows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rmbg.domain.calendar import DAY_SECONDS, Interval, Period, calendar_month
from rmbg.domain.credits import Account, Subscription, SubscriptionStatus, WindowKind
from rmbg.domain.plans import Catalogue, Plan, RateLimit
from rmbg.domain.windows import Standing, renewed_period, standing

FREE = Plan("Free", 50, RateLimit(10, 1.0), 4)
PAID = Plan("Paid", 20000, RateLimit(50, 10.0), 14, "price_paid")
CATALOGUE = Catalogue({"Free": FREE, "Paid": PAID}, {}, FREE, PAID)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


START, END = at("2026-01-31 12:00:00"), at("2026-02-28 12:00:00")
ACTIVE = Subscription(
    id="sub_1",
    status=SubscriptionStatus.ACTIVE,
    period=Period(START, END),
    anchor=START,
    interval=Interval.MONTH,
    interval_count=1,
)
UNBILLED = Account(uid="u", email="", email_verified=True, plan="Paid", included=20000)
RENEWING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING)
STRIPE, MONTH = WindowKind.STRIPE, WindowKind.MONTH


def standing_of(subscription: Subscription | None, now: int, plan: str = "Paid", included: int = 20000) -> Standing:
    return standing(replace(UNBILLED, subscription=subscription, plan=plan, included=included), CATALOGUE, now)


def free_month(now: int, *, closed: bool = False, overdue: bool = False) -> Standing:
    moment = datetime.fromtimestamp(now, UTC)
    return Standing(FREE, MONTH, calendar_month(moment.year, moment.month), closed, overdue)


def test_1_a_window_includes_its_start_and_excludes_its_end() -> None:
    for now in (START, START + 1, END - 1):
        assert standing_of(ACTIVE, now) == Standing(PAID, STRIPE, Period(START, END))
    assert standing_of(ACTIVE, END).period == Period(END, at("2026-03-31 12:00:00"))


@pytest.mark.parametrize("status", RENEWING)
def test_2_a_renewal_that_nobody_told_us_of_is_taken_for_three_days(status: SubscriptionStatus) -> None:
    subscription = replace(ACTIVE, status=status)
    renewed = Standing(PAID, STRIPE, Period(END, at("2026-03-31 12:00:00")))
    for now in (END, END + 1, END + 3 * DAY_SECONDS - 1):
        assert standing_of(subscription, now) == renewed
    for now in (END + 3 * DAY_SECONDS, END + 400 * DAY_SECONDS):
        assert standing_of(subscription, now) == free_month(now, overdue=True)


@pytest.mark.parametrize("status", sorted(set(SubscriptionStatus) - set(RENEWING)))
def test_2_no_other_state_renews(status: SubscriptionStatus) -> None:
    state = standing_of(replace(ACTIVE, status=status, grace_until=END + 9 * DAY_SECONDS), END)
    assert (state.plan, state.kind, state.overdue) == (FREE, MONTH, False)
    assert END in state.period


@pytest.mark.parametrize(
    ("interval", "count", "length_days"),
    [(Interval.DAY, 1, 1), (Interval.DAY, 2, 2), (Interval.WEEK, 1, 7), (Interval.WEEK, 4, 28)],
)
def test_2_short_periods_are_renewed_as_often_as_they_ended(interval: Interval, count: int, length_days: int) -> None:
    length = length_days * DAY_SECONDS
    subscription = replace(ACTIVE, period=Period(START, START + length), interval=interval, interval_count=count)
    for now in range(START + length, START + length + 3 * DAY_SECONDS, DAY_SECONDS // 2):
        period = standing_of(subscription, now).period
        assert now in period
        assert period.end - period.start == length
        assert (period.start - START) % length == 0


def test_2_a_renewed_period_begins_where_the_known_one_ended_whatever_the_anchor_says() -> None:
    moved = replace(ACTIVE, period=Period(START, END - 1))
    assert renewed_period(moved, END - 1).start == END - 1
    assert renewed_period(ACTIVE, END + 40 * DAY_SECONDS) == Period(
        at("2026-03-31 12:00:00"), at("2026-04-30 12:00:00")
    )


def test_3_without_stripe_the_window_is_the_utc_month() -> None:
    for now in (at("2026-11-01"), at("2026-11-30 23:59:59")):
        assert standing_of(None, now) == Standing(PAID, MONTH, calendar_month(2026, 11))
    assert standing_of(None, at("2026-12-01"), "Free", 50) == Standing(FREE, MONTH, calendar_month(2026, 12))


def test_3_before_1970_there_are_months_too() -> None:
    assert standing_of(None, -1).period == calendar_month(1969, 12)
    assert standing_of(ACTIVE, -1).period == Period(START, END)


def test_4_a_plan_change_keeps_the_window() -> None:
    before, after = standing_of(ACTIVE, START), standing_of(ACTIVE, START, "Free", 50)
    assert (before.kind, before.period) == (after.kind, after.period)
    assert after.plan == FREE


@pytest.mark.parametrize("status", RENEWING)
def test_5_a_cancellation_changes_nothing_until_the_period_s_end(status: SubscriptionStatus) -> None:
    cancelling = replace(ACTIVE, status=status, cancel_at_end=True)
    assert standing_of(cancelling, END - 1) == Standing(PAID, STRIPE, Period(START, END))
    assert standing_of(cancelling, END) == free_month(END)


@pytest.mark.parametrize("status", [SubscriptionStatus.UNPAID, SubscriptionStatus.PAUSED])
def test_5_unpaid_and_paused_close_the_included_credits(status: SubscriptionStatus) -> None:
    subscription = replace(ACTIVE, status=status)
    assert standing_of(subscription, START) == Standing(PAID, STRIPE, Period(START, END), closed=True)
    assert standing_of(subscription, END) == free_month(END, closed=True)


def test_5_past_due_closes_them_when_the_grace_period_is_over() -> None:
    grace_until = START + 3 * DAY_SECONDS
    subscription = replace(ACTIVE, status=SubscriptionStatus.PAST_DUE, grace_until=grace_until)
    assert [standing_of(subscription, now).closed for now in (START, grace_until - 1)] == [False, False]
    assert [standing_of(subscription, now).closed for now in (grace_until, END - 1, END)] == [True, True, True]


def test_5_past_due_without_a_grace_period_is_open_until_one_is_known() -> None:
    assert not standing_of(replace(ACTIVE, status=SubscriptionStatus.PAST_DUE), END - 1).closed


@pytest.mark.parametrize("status", [*RENEWING, SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE])
def test_5_a_grace_period_that_is_over_closes_no_other_state(status: SubscriptionStatus) -> None:
    assert not standing_of(replace(ACTIVE, status=status, grace_until=START - 1), START).closed


@pytest.mark.parametrize("status", [SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED])
def test_5_an_ended_subscription_leaves_the_free_plan(status: SubscriptionStatus) -> None:
    for now in (START, END - 1, END, END + 9 * DAY_SECONDS):
        assert standing_of(replace(ACTIVE, status=status), now) == free_month(now)


def test_5_an_incomplete_subscription_has_the_free_plan() -> None:
    assert standing_of(replace(ACTIVE, status=SubscriptionStatus.INCOMPLETE), START) == free_month(START)


def test_5_a_trial_has_its_own_window() -> None:
    trial = replace(ACTIVE, status=SubscriptionStatus.TRIALING, period=Period(START, START + 14 * DAY_SECONDS))
    assert standing_of(trial, START) == Standing(PAID, STRIPE, trial.period)
    started = replace(trial, anchor=trial.period.end)  # Stripe's anchor is the trial's end
    assert standing_of(started, trial.period.end).period == Period(at("2026-02-14 12:00:00"), at("2026-03-14 12:00:00"))


def test_6_an_annual_plan_has_one_window_of_stripe_s_year() -> None:
    year = Period(at("2024-02-29"), at("2025-02-28"))
    annual = replace(ACTIVE, period=year, anchor=year.start, interval=Interval.YEAR)
    assert standing_of(annual, year.end - 1) == Standing(PAID, STRIPE, year)
    assert standing_of(annual, year.end).period == Period(year.end, at("2026-02-28"))
    leap = replace(annual, period=Period(at("2027-02-28"), at("2028-02-29")))
    assert standing_of(leap, at("2028-02-29")).period == Period(at("2028-02-29"), at("2029-02-28"))


def test_7_days_29_to_31_follow_the_original_anchor() -> None:
    march = replace(ACTIVE, period=Period(END, at("2026-03-31 12:00:00")))
    assert standing_of(march, march.period.end).period == Period(march.period.end, at("2026-04-30 12:00:00"))


def test_a_plan_that_the_catalogue_dropped_keeps_its_allowance_at_the_free_plan_s_rate() -> None:
    dropped = Plan("Gold-2024", 99_000, FREE.rate, FREE.max_in_flight)
    assert standing_of(None, START, "Gold-2024", 99_000).plan == dropped
    assert standing_of(ACTIVE, START, "Gold-2024", 99_000) == Standing(dropped, STRIPE, Period(START, END))
    assert standing_of(ACTIVE, END, "Gold-2024", 99_000).plan == dropped
    ended = replace(ACTIVE, status=SubscriptionStatus.CANCELED)
    assert standing_of(ended, START, "Gold-2024", 99_000).plan == FREE


@pytest.mark.parametrize("status", list(SubscriptionStatus))
@pytest.mark.parametrize("now", [START, END - 1, END, END + 3 * DAY_SECONDS - 1, END + 3 * DAY_SECONDS, END * 2])
def test_whatever_happened_there_is_a_window_and_it_holds_this_moment(status: SubscriptionStatus, now: int) -> None:
    for cancelling in (False, True):
        assert now in standing_of(replace(ACTIVE, status=status, cancel_at_end=cancelling), now).period
