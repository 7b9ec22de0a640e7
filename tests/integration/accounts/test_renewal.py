"""Which window pays when one has just ended: renewals before Stripe tells of them, midnight, closed accounts."""

import json
from dataclasses import replace

import pytest

from rmbg.domain.calendar import DAY_SECONDS, Interval, Period, calendar_month
from rmbg.domain.credits import Account, Bucket, Channel, Subscription, SubscriptionStatus, WindowKind
from rmbg.services.credits import Charge, CreditsExhausted
from rmbg.storage import credits, schema
from rmbg.storage.database import StoreUnavailable
from rmbg.storage.store import Store
from tests.integration.accounts.books import Books, Clock, assert_consistent, instant, race

START, END = instant("2026-10-31T08:00:00"), instant("2026-11-30T08:00:00")
NEXT_END = instant("2026-12-31T08:00:00")
RACERS = 50

MONTHLY = Subscription(
    id="sub_1",
    status=SubscriptionStatus.ACTIVE,
    period=Period(START, END),
    anchor=instant("2026-08-31T08:00:00"),
    interval=Interval.MONTH,
    interval_count=1,
)


def _race(books: Books, account: Account, racers: int = RACERS) -> list[Charge]:
    taken, _ = race(racers, lambda index: books.reserve(account, list(Channel)[index % 2], capped=False))
    return taken


def test_50_racers_a_second_after_the_period_make_one_window_and_are_all_counted_in_it(
    books: Books, clock: Clock
) -> None:
    account = books.open_account(subscription=MONTHLY)
    clock.now = END + 1
    taken = _race(books, account)
    (window,) = books.windows(account.uid)
    assert_consistent(window)
    assert (window.kind, window.period) == (WindowKind.STRIPE, Period(END, NEXT_END))
    assert (window.used, window.app, window.api, window.in_flight) == (RACERS, 25, 25, RACERS)
    assert {charge.key for charge in taken} == {schema.window(account.uid, WindowKind.STRIPE, END)}


def test_the_webhook_of_a_renewal_finds_its_window_and_keeps_what_was_used(books: Books, clock: Clock) -> None:
    account = books.open_account(subscription=MONTHLY)
    clock.now = END + 1
    taken = _race(books, account, 10)
    key = books.window_key(account)
    for version, included in ((5, 200), (4, 999)):  # the second one is older, and comes late
        request = credits.sync_window(
            books.store.core, key, period=Period(END, NEXT_END), included=included, version=version, source="stripe"
        )
        if version == 5:
            books.store.database.update(request)
        else:
            with pytest.raises(Exception, match="condition failed"):
                books.store.database.update(request)
    for charge in taken:
        books.commit(charge)
    window = books.window(account)
    assert_consistent(window)
    assert (window.included, window.used, window.remaining) == (200, 10, 190)


@pytest.mark.parametrize(("now", "start"), [(END - 1, START), (END, END), (END + 1, END)])
def test_a_period_ends_at_its_very_second(books: Books, clock: Clock, now: int, start: int) -> None:
    account = books.open_account(subscription=MONTHLY)
    clock.now = now
    assert books.reserve(account).key == schema.window(account.uid, WindowKind.STRIPE, start)


def test_50_racers_at_midnight_of_a_month_make_one_window(books: Books, clock: Clock) -> None:
    account = books.open_account()
    clock.now = instant("2026-11-30T23:59:59")
    _race(books, account, 3)
    clock.advance(1)
    _race(books, account)
    november, december = books.windows(account.uid)
    for window in (november, december):
        assert_consistent(window)
    assert (november.period, november.used) == (calendar_month(2026, 11), 3)
    assert (december.period, december.used) == (calendar_month(2026, 12), RACERS)
    assert december.months == {"m202612_app": 25, "m202612_api": 25}


def test_racers_whose_clocks_are_on_both_sides_of_midnight_are_each_counted_once(store: Store) -> None:
    midnight = instant("2026-12-01T00:00:00")
    early, late = Books(store, lambda: midnight - 1), Books(store, lambda: midnight)
    account = early.open_account()
    race(RACERS, lambda index: (early, late)[index % 2].reserve(account, capped=False))
    assert [window.used for window in early.windows(account.uid)] == [25, 25]


@pytest.mark.parametrize(
    ("late_seconds", "plan_window"),
    [(3 * DAY_SECONDS - 1, True), (3 * DAY_SECONDS, False), (3 * DAY_SECONDS + 1, False)],
)
def test_three_days_after_the_period_the_free_plan_pays_and_the_operator_hears_of_it(
    books: Books, clock: Clock, capsys: pytest.CaptureFixture[str], late_seconds: int, plan_window: bool
) -> None:
    account = books.open_account(subscription=MONTHLY)
    clock.now = END + late_seconds
    capsys.readouterr()
    charge = books.reserve(account)
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "RenewalOverdue" in line]
    (window,) = books.windows(account.uid)
    assert charge.key == schema.window(account.uid, window.kind, window.period.start)
    if plan_window:
        assert (window.kind, window.included, metrics) == (WindowKind.STRIPE, 100, [])
    else:
        assert (window.kind, window.included, len(metrics)) == (WindowKind.MONTH, 50, 1)
        assert window.period == calendar_month(2026, 12)


def test_a_subscription_that_is_cancelled_at_its_end_is_followed_by_the_free_plan_at_once(
    books: Books, clock: Clock
) -> None:
    account = books.open_account(subscription=replace(MONTHLY, cancel_at_end=True))
    clock.now = END
    books.reserve(account)
    (window,) = books.windows(account.uid)
    assert (window.kind, window.included, window.period) == (WindowKind.MONTH, 50, calendar_month(2026, 11))


def test_who_read_the_account_before_its_period_was_shortened_is_counted_in_the_new_window(
    books: Books, clock: Clock
) -> None:
    account = books.open_account(subscription=MONTHLY)
    clock.now = START + 1000
    books.spend(account)
    _shorten(books, account, START + 2000, NEXT_END)
    clock.now = START + 2000
    _race(books, account)  # as it was read before
    old, new = books.windows(account.uid)
    for window in (old, new):
        assert_consistent(window)
    assert (old.period, old.used) == (Period(START, START + 2000), 1)
    assert (new.period, new.used) == (Period(START + 2000, NEXT_END), RACERS)


def test_a_window_that_ended_while_the_account_says_otherwise_charges_nothing(books: Books, clock: Clock) -> None:
    account = books.open_account(subscription=MONTHLY, prepaid=5)
    clock.now = START + 1000
    books.spend(account)
    books.set(books.window_key(account), wend=START + 2000)
    clock.now = START + 2000
    with pytest.raises(StoreUnavailable):
        books.reserve(account)
    (window,) = books.windows(account.uid)
    assert (window.used, window.in_flight, books.account(account.uid).prepaid) == (1, 0, 5)


CLOSED = {
    "unpaid": replace(MONTHLY, status=SubscriptionStatus.UNPAID),
    "paused": replace(MONTHLY, status=SubscriptionStatus.PAUSED),
    "past due, after the grace period": replace(MONTHLY, status=SubscriptionStatus.PAST_DUE, grace_until=START + 1000),
}


@pytest.mark.parametrize("subscription", CLOSED.values(), ids=CLOSED.keys())
def test_a_closed_account_uses_its_prepaid_credits_and_then_hears_of_its_limit(
    books: Books, clock: Clock, subscription: Subscription
) -> None:
    account = books.open_account(subscription=subscription, prepaid=2)
    clock.now = START + 1000
    taken, refused = race(4, lambda _: books.reserve(account), refusals=CreditsExhausted)
    assert [charge.bucket for charge in taken] == [Bucket.PREPAID] * 2
    assert len(refused) == 2
    assert books.account(account.uid).prepaid == 0
    assert books.windows(account.uid) == []  # its included credits were not looked at


@pytest.mark.parametrize(("grace_left", "bucket"), [(1, Bucket.INCLUDED), (0, Bucket.PREPAID), (-1, Bucket.PREPAID)])
def test_the_grace_period_ends_at_its_very_second(books: Books, clock: Clock, grace_left: int, bucket: Bucket) -> None:
    clock.now = START + 1000
    subscription = replace(MONTHLY, status=SubscriptionStatus.PAST_DUE, grace_until=START + 1000 + grace_left)
    account = books.open_account(subscription=subscription, prepaid=1)
    assert books.reserve(account).bucket is bucket


def test_a_window_on_hold_gives_nothing_until_it_is_paid(books: Books, clock: Clock) -> None:
    clock.now = START + 1000
    account = books.open_account(subscription=MONTHLY, prepaid=1)
    books.spend(account)
    books.set(books.window_key(account), hold="unpaid")
    assert books.spend(account).bucket is Bucket.PREPAID
    with pytest.raises(CreditsExhausted):
        books.reserve(account)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.remaining) == (1, 99)


def test_a_picture_that_was_begun_before_the_hold_is_committed_or_given_back(books: Books, clock: Clock) -> None:
    clock.now = START + 1000
    account = books.open_account(subscription=MONTHLY)
    kept, failed = books.reserve(account), books.reserve(account)
    books.set(books.window_key(account), hold="unpaid")
    books.commit(kept)
    books.credits.refund(failed)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (1, 0)


@pytest.mark.parametrize(
    ("now", "subscription", "seconds"),
    [
        (END - 1, MONTHLY, 1),
        (END - 3600, MONTHLY, 3600),
        (END, MONTHLY, NEXT_END - END),
        (instant("2026-11-30T23:59:59"), None, 1),
        (instant("2026-11-01T00:00:00"), None, 30 * DAY_SECONDS),
    ],
)
def test_who_is_out_of_credits_is_told_the_end_of_the_window(
    store: Store, clock: Clock, now: int, subscription: Subscription | None, seconds: int
) -> None:
    clock.now = now
    books = Books(store, clock, included=0)
    account = books.open_account(subscription=subscription)
    with pytest.raises(CreditsExhausted) as refusal:
        books.reserve(account)
    assert (refusal.value.status, refusal.value.headers["Retry-After"]) == (429, str(seconds))
    assert refusal.value.message == "You've reached your monthly limit. Consider purchasing more credits."


@pytest.mark.parametrize(("old", "new", "left"), [(100, 200, 170), (100, 30, 0), (100, 10, -20), (100, 31, 1)])
def test_a_new_allowance_within_a_window_keeps_what_was_used(
    books: Books, clock: Clock, old: int, new: int, left: int
) -> None:
    clock.now = START + 1000
    account = books.open_account(subscription=MONTHLY)
    taken = _race(books, account, 30)
    sync = credits.sync_window(
        books.store.core,
        books.window_key(account),
        period=MONTHLY.period,
        included=new,
        version=1,
        source="stripe",
    )
    books.store.database.update(sync)
    window = books.window(account)
    assert_consistent(window)
    assert (window.included, window.remaining) == (new, left)
    more, _ = race(3, lambda _: books.reserve(account, capped=False), refusals=CreditsExhausted)
    assert len(more) == min(3, max(0, left))
    for charge in taken:
        books.credits.refund(charge)
    assert_consistent(books.window(account))


def _shorten(books: Books, account: Account, end: int, next_end: int) -> None:
    """The period's start has changed: the old window ends there (as a synchronisation writes it)."""
    sync = credits.sync_window(
        books.store.core,
        schema.window(account.uid, WindowKind.STRIPE, START),
        period=Period(START, end),
        included=100,
        version=1,
        source="stripe",
    )
    books.store.database.update(sync)
    books.set(schema.account(account.uid), bps=end, bpe=next_end)
