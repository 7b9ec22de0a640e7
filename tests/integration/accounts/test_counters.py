"""What is reported adds up: months, windows and channels count the same pictures."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from rmbg.domain.calendar import DAY_SECONDS, Interval, Period, month_name
from rmbg.domain.credits import Channel, Subscription, SubscriptionStatus, WindowKind
from rmbg.domain.usage_query import UsageQuery
from rmbg.domain.windows import standing
from rmbg.storage import credits, schema
from tests.integration.accounts.books import Books, Clock, assert_consistent, instant

MONTHS = [(2026, 9), (2026, 10), (2026, 11), (2026, 12), (2027, 1)]
START = instant("2026-10-31T08:00:00")
SUBSCRIPTION = Subscription(
    id="sub_1",
    status=SubscriptionStatus.ACTIVE,
    period=Period(START, instant("2026-11-30T08:00:00")),
    anchor=START,
    interval=Interval.MONTH,
    interval_count=1,
)


def _check(books: Books, uid: str, expected: Counter[tuple[str, str]]) -> None:
    for window in books.windows(uid):
        assert_consistent(window)
    account = books.account(uid)
    for year, month in MONTHS:
        report = books.reports.report(account, UsageQuery(year=year, month=month))
        name = f"{year}{month:02d}"
        assert (report.app, report.api) == (expected[name, "app"], expected[name, "api"]), name
    windows = books.windows(uid)  # the reports have given dead leases back
    for window in windows:
        report = books.reports.report(account, UsageQuery(period_start=window.period.start, billing_cycle=True))
        assert report.cycle is not None
        if sum(other.period.start == window.period.start for other in windows) == 1:
            assert (report.app, report.api) == (window.app, window.api) == (report.cycle.app, report.cycle.api)
            assert report.cycle.remaining == window.remaining
    assert sum(window.used for window in windows) == expected.total()


@pytest.mark.parametrize("seed", [1, 2])
def test_months_and_windows_count_the_same_pictures_by_both_channels(books: Books, clock: Clock, seed: int) -> None:
    """Free months, then a subscription whose windows span months, with refunds, lost leases and prepaid pictures."""
    choose = random.Random(seed)
    account = books.open_account(prepaid=3)
    expected: Counter[tuple[str, str]] = Counter()
    clock.now = instant("2026-09-28T10:00:00")
    while clock.now < instant("2027-01-05T00:00:00"):
        if clock.now >= START and account.subscription is None:
            books.subscribe(account.uid, SUBSCRIPTION)
        account = books.account(account.uid)
        subscription = account.subscription
        if subscription is not None and clock.now >= subscription.period.end + choose.randrange(DAY_SECONDS):
            state = standing(account, books.catalogue, int(clock.now))
            books.subscribe(account.uid, replace(subscription, period=state.period))
            books.store.database.update(
                credits.sync_window(
                    books.store.core,
                    schema.window(account.uid, WindowKind.STRIPE, state.period.start),
                    period=state.period,
                    included=100,
                    version=int(clock.now * 1000),
                    source="stripe",
                )
            )
        channel = choose.choice(list(Channel))
        charge = books.reserve(account, channel, capped=False)
        match choose.choice(["keep", "keep", "keep", "refund", "die"]):
            case "keep":
                books.commit(charge)
                expected[month_name(int(clock.now)), channel.value] += 1
            case "refund":
                clock.advance(5)  # may be in the next month
                books.credits.refund(charge)
            case _:
                pass
        clock.advance(choose.randrange(2 * DAY_SECONDS))
    clock.advance(100)
    _check(books, account.uid, expected)
    assert len({key[0] for key in expected}) >= 4
    assert {window.kind for window in books.windows(account.uid)} == set(WindowKind)


@pytest.mark.parametrize("end", ["commit", "refund", "sweep"])
def test_a_picture_over_midnight_belongs_to_the_month_in_which_it_was_begun(
    books: Books, clock: Clock, end: str
) -> None:
    clock.now = instant("2026-11-30T23:59:59")
    account = books.open_account()
    charge = books.reserve(account, Channel.APP)
    clock.advance(100)
    if end == "commit":
        books.commit(charge)
    elif end == "refund":
        books.credits.refund(charge)
    expected = Counter({("202611", "app"): 1} if end == "commit" else {})
    _check(books, account.uid, expected)


def test_prepaid_pictures_are_in_no_counter(books: Books) -> None:
    account = books.open_account(prepaid=2)
    for _ in range(102):
        books.spend(account, Channel.APP)
    report = books.reports.report(books.account(account.uid), UsageQuery(billing_cycle=True))
    assert report.cycle is not None
    assert (report.app, report.api, report.prepaid) == (100, 0, 0)
    assert (report.cycle.app, report.cycle.remaining) == (100, 0)


def test_a_debt_is_reported_as_no_prepaid_credits(books: Books) -> None:
    account = books.open_account(prepaid=-7)
    assert books.reports.report(account, UsageQuery()).prepaid == 0


def test_a_picture_in_a_window_that_was_ended_before_it_still_counts_in_its_month(books: Books, clock: Clock) -> None:
    account = books.open_account(subscription=SUBSCRIPTION)
    # Stripe began a new period on 29 November; we hear of it on 1 December, pictures of that day are in the old window.
    clock.now = instant("2026-11-30T07:00:00")
    books.spend(account)
    books.subscribe(
        account.uid, replace(SUBSCRIPTION, period=Period(START, instant("2026-12-15T00:00:00")), interval_count=2)
    )
    key = schema.window(account.uid, WindowKind.STRIPE, START)
    books.set(key, wend=instant("2026-12-15T00:00:00"))
    clock.now = instant("2026-12-01T01:00:00")
    books.spend(books.account(account.uid))
    changed = instant("2026-11-29T00:00:00")
    books.set(key, wend=changed)
    books.subscribe(account.uid, replace(SUBSCRIPTION, period=Period(changed, instant("2026-12-29T00:00:00"))))
    report = books.reports.report(books.account(account.uid), UsageQuery(year=2026, month=12))
    assert report.api == 1
