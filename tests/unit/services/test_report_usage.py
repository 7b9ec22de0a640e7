"""The usage report: which window it shows, when that ends, and what is listed."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rmbg.domain.calendar import DAY_SECONDS, Interval, Period, calendar_month
from rmbg.domain.credits import Account, Channel, Reservation, Subscription, SubscriptionStatus, WindowKind
from rmbg.domain.plans import Catalogue, Plan, RateLimit
from rmbg.domain.usage_query import UsageQuery
from rmbg.http.documents import cycles_document, usage_document
from rmbg.services.credits import Credits
from rmbg.services.report_usage import Cycle, ReportUsage, Usage
from rmbg.storage import schema
from rmbg.storage.database import ConditionFailed, Database, Row, StoreUnavailable
from rmbg.storage.expressions import Request, plain
from rmbg.storage.store import Store

FREE = Plan("Free", 50, RateLimit(10, 1.0), 4)
PAID = Plan("Paid", 1000, RateLimit(50, 10.0), 14, "price_paid")
CATALOGUE = Catalogue({"Free": FREE, "Paid": PAID}, {}, FREE, PAID)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


NOW = at("2026-11-22 12:00:00")
S1, S2, S3, S4 = (at(f"2026-{month}-10") for month in ("09", "10", "11", "12"))
NOVEMBER = calendar_month(2026, 11)

UNBILLED = Account(uid="u1", email="", email_verified=True, plan="Free", included=50)
ACTIVE = Subscription("sub", SubscriptionStatus.ACTIVE, Period(S3, S4), S1, Interval.MONTH, 1)
BILLED = replace(UNBILLED, plan="Paid", included=1000, subscription=ACTIVE)


@dataclass
class Rows(Database):
    """A partition in memory: queries by sort key as DynamoDB's, and writes that are only remembered."""

    rows: list[Row] = field(default_factory=list)
    updates: list[Request] = field(default_factory=list)
    queries: int = 0
    failure: Exception | None = None

    def query(self, request: Request) -> list[Row]:
        values = plain(request["ExpressionAttributeValues"])
        self.queries += 1
        wanted = [
            row
            for row in self.rows
            if row["pk"] == values[":pk"] and str(values[":first"]) <= str(row["sk"]) <= str(values[":last"])
        ]
        return sorted(wanted, key=lambda row: str(row["sk"]))

    def update(self, request: Request, *, brief: bool = False) -> Row:
        self.updates.append(request)
        if self.failure:
            raise self.failure
        return {}


def window(
    kind: WindowKind, start: int, end: int, app: int = 0, api: int = 0, included: int = 1000, **attributes: Any
) -> Row:
    key = schema.window("u1", kind, start)
    row: Row = {"pk": key.pk, "sk": key.sk, "wstart": start, "wend": end, "inc": included, "sv": 1, "infl": 0}
    return row | {"app": app, "api": api, "used": app + api, "rem": included - app - api} | attributes


def stripe(start: int, end: int, app: int = 0, api: int = 0, **attributes: Any) -> Row:
    return window(WindowKind.STRIPE, start, end, app, api, **attributes)


def month(year: int, number: int, app: int = 0, api: int = 0, included: int = 50, **attributes: Any) -> Row:
    period = calendar_month(year, number)
    counters = {f"m{year}{number:02d}_app": app, f"m{year}{number:02d}_api": api}
    return window(WindowKind.MONTH, period.start, period.end, app, api, included, **(counters | attributes))


def reporter(*rows: Row, now: int = NOW) -> tuple[ReportUsage, Rows]:
    database = Rows(list(rows))
    store = Store(database, "core", "ephemeral")

    def clock() -> float:
        return now + 0.9

    return ReportUsage(store, CATALOGUE, Credits(store, CATALOGUE, clock), clock), database


def report(account: Account, *rows: Row, now: int = NOW, **asked: Any) -> Usage:
    return reporter(*rows, now=now)[0].report(account, UsageQuery(**asked))


def cycle(account: Account, *rows: Row, now: int = NOW, **asked: Any) -> Cycle:
    found = report(account, *rows, now=now, billing_cycle=True, **asked).cycle
    assert found
    return found


def listed(account: Account, *rows: Row, now: int = NOW) -> list[tuple[int, int, int, int]]:
    return [(one.start, one.end, one.app, one.api) for one in reporter(*rows, now=now)[0].cycles(account)]


# the month


def test_an_account_that_did_nothing() -> None:
    assert report(UNBILLED) == Usage(membership="Free", credits=50, prepaid=0, app=0, api=0, cycle=None)


def test_the_counters_are_those_of_the_month_asked_for() -> None:
    rows = [month(2025, 11, 1, 2), month(2026, 10, 3, 4), month(2026, 11, 5, 6)]
    for asked, app, api in (
        ({}, 5, 6),
        ({"month": 10}, 3, 4),
        ({"year": 2025}, 1, 2),
        ({"year": 2025, "month": 10}, 0, 0),
        ({"year": 1, "month": 1}, 0, 0),
        ({"year": 9999, "month": 12}, 0, 0),
    ):
        usage = report(UNBILLED, *rows, **asked)
        assert (usage.app, usage.api) == (app, api), asked


def test_a_month_is_the_sum_over_all_windows_that_touch_it() -> None:
    rows = [
        stripe(S2, S3, 11, 0, m202610_app=8, m202611_app=3),
        stripe(S3, S4, 20, 5, m202611_app=20, m202611_api=5),
        month(2026, 11, 100, 200),
    ]
    usage = report(BILLED, *rows)
    assert (usage.app, usage.api) == (123, 205)
    assert report(BILLED, *rows, month=10).app == 8
    assert report(BILLED, *rows, month=12).app == 0


def test_a_window_of_three_years_is_found_from_any_month_it_touches() -> None:
    start, end = at("2024-12-01"), at("2027-12-01")
    row = stripe(start, end, 1, 0, m202610_app=1)
    assert report(BILLED, row, month=10).app == 1


# the current window


def test_without_stripe_the_window_is_the_month_and_ends_with_its_last_second() -> None:
    assert cycle(UNBILLED) == Cycle(NOVEMBER.start, NOVEMBER.end - 1, 0, 0, 50, 50, synced=False)
    used = cycle(UNBILLED, month(2026, 11, 5, 6))
    assert used == Cycle(NOVEMBER.start, NOVEMBER.end - 1, 5, 6, 50, 39, synced=False)


def test_with_stripe_it_is_stripe_s_period_with_its_end_unchanged() -> None:
    assert cycle(BILLED) == Cycle(S3, S4, 0, 0, 1000, 1000, synced=True)
    assert cycle(BILLED, stripe(S3, S4, 7, 3)) == Cycle(S3, S4, 7, 3, 1000, 990, synced=True)


@pytest.mark.parametrize("asked", [{"year": 2020, "month": 1}, {"month": 3}, {"year": 9999, "month": 12}, {"year": 1}])
def test_it_is_the_current_one_also_with_year_and_month(asked: dict[str, int]) -> None:
    assert cycle(BILLED, stripe(S2, S3, 1, 1), stripe(S3, S4, 7, 3), **asked).start == S3


def test_a_renewed_window_that_stripe_has_not_told_of_is_synced_too() -> None:
    assert cycle(BILLED, now=S4 + DAY_SECONDS) == Cycle(S4, at("2027-01-10"), 0, 0, 1000, 1000, synced=True)


def test_more_used_than_included_leaves_nothing_and_never_less() -> None:
    assert cycle(BILLED, stripe(S3, S4, 900, 200)).remaining == 0
    assert cycle(BILLED, stripe(S3, S4, 900, 200)).app == 900


@pytest.mark.parametrize("status", [SubscriptionStatus.UNPAID, SubscriptionStatus.PAUSED])
def test_closed_for_non_payment_leaves_nothing(status: SubscriptionStatus) -> None:
    account = replace(BILLED, subscription=replace(ACTIVE, status=status))
    for rows in ([], [stripe(S3, S4, 7, 3)]):
        shown = cycle(account, *rows)
        assert (shown.included, shown.remaining) == (1000, 0)


def test_past_due_leaves_nothing_once_the_grace_period_is_over() -> None:
    def remaining(grace_until: int) -> int:
        subscription = replace(ACTIVE, status=SubscriptionStatus.PAST_DUE, grace_until=grace_until)
        return cycle(replace(BILLED, subscription=subscription), stripe(S3, S4, 7, 3)).remaining

    assert (remaining(NOW + 1), remaining(NOW)) == (990, 0)


def test_a_window_on_hold_leaves_nothing() -> None:
    assert cycle(BILLED, stripe(S3, S4, 7, 3, hold=1)).remaining == 0


def test_closed_now_does_not_empty_a_window_of_the_past() -> None:
    account = replace(BILLED, subscription=replace(ACTIVE, status=SubscriptionStatus.UNPAID))
    rows = [stripe(S2, S3, 7, 3), stripe(S3, S4)]
    assert cycle(account, *rows, period_start=S2).remaining == 990


# one window by its start


def test_a_past_window_shows_its_own_allowance_and_ends_a_second_before_its_end() -> None:
    rows = [stripe(S2, S3, 7, 3, included=500), stripe(S3, S4, 1, 0)]
    assert cycle(BILLED, *rows, period_start=S2) == Cycle(S2, S3 - 1, 7, 3, 500, 490, synced=True)
    usage = report(BILLED, *rows, period_start=S2)
    assert (usage.app, usage.api, usage.credits, usage.cycle) == (7, 3, 1000, None)


def test_a_past_window_ends_where_the_next_began_if_that_was_earlier() -> None:
    early = at("2026-10-25")
    rows = [stripe(S2, S3, 7, 3), stripe(early, S3), stripe(S3, S4)]
    assert cycle(BILLED, *rows, period_start=S2).end == early - 1
    only_known_to_the_account = replace(BILLED, subscription=replace(ACTIVE, period=Period(early, S4)))
    assert cycle(only_known_to_the_account, stripe(S2, S3, 7, 3), period_start=S2).end == early - 1


def test_a_gap_after_a_past_window_does_not_lengthen_it() -> None:
    assert cycle(BILLED, stripe(S1, S2, 1, 0), stripe(S3, S4), period_start=S1).end == S2 - 1


def test_a_month_window_between_two_does_not_shorten_a_stripe_window() -> None:
    rows = [stripe(S2, S3, 1, 0), month(2026, 11, 1, 1)]
    assert cycle(BILLED, *rows, period_start=S2).end == S3 - 1


def test_the_current_window_by_its_start_is_as_without() -> None:
    for account, rows, start in (
        (BILLED, [stripe(S3, S4, 7, 3)], S3),
        (BILLED, [], S3),
        (UNBILLED, [month(2026, 11, 7, 3)], NOVEMBER.start),
        (UNBILLED, [], NOVEMBER.start),
    ):
        assert cycle(account, *rows, period_start=start) == cycle(account, *rows)


def test_the_usage_by_start_is_the_window_s_and_not_the_month_s() -> None:
    row = stripe(S2, S3, 11, 2, m202610_app=8, m202611_app=3, m202611_api=2)
    usage = report(BILLED, row, period_start=S2)
    assert (usage.app, usage.api) == (11, 2)


def test_of_two_windows_with_one_start_stripe_s_is_shown() -> None:
    first = NOVEMBER.start
    rows = [month(2026, 11, 9, 9), stripe(first, S4, 1, 2)]
    account = replace(BILLED, subscription=replace(ACTIVE, period=Period(first, S4)))
    assert cycle(account, *rows, period_start=first) == Cycle(first, S4, 1, 2, 1000, 997, synced=True)
    # also before its first picture
    assert cycle(account, rows[0], period_start=first) == Cycle(first, S4, 0, 0, 1000, 1000, synced=True)


def test_a_past_month_window_ends_with_its_last_second() -> None:
    october = calendar_month(2026, 10)
    shown = cycle(UNBILLED, month(2026, 10, 2, 1), period_start=october.start)
    assert shown == Cycle(october.start, october.end - 1, 2, 1, 50, 47, synced=False)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (at("2026-01-31"), at("2026-02-28") - 1),
        (0, at("1970-02-01") - 1),
        (S3 + 1, at("2026-12-10 00:00:01") - 1),
        (at("2030-02-28 23:59:59"), at("2030-03-28 23:59:59") - 1),
        (9_999_999_999, at("2286-12-20 17:46:39") - 1),
    ],
)
def test_an_unknown_window_is_empty_and_a_calendar_month_long(start: int, end: int) -> None:
    rows = [stripe(S2, S3, 7, 3), stripe(S3, S4, 1, 0), month(2026, 11, 5, 5)]
    usage = report(BILLED, *rows, period_start=start, billing_cycle=True)
    assert usage.cycle == Cycle(start, end, 0, 0, 1000, 1000, synced=False)
    assert (usage.app, usage.api) == (0, 0)


# the list


def test_without_stripe_the_list_is_empty() -> None:
    assert listed(UNBILLED) == []
    assert listed(UNBILLED, month(2026, 10, 1, 1), month(2026, 11, 1, 1)) == []
    assert cycles_document(reporter()[0].cycles(UNBILLED)) == {"billingCycles": []}


def test_the_list_is_newest_first_with_the_current_window_even_unused() -> None:
    rows = [stripe(S1, S2, 1, 2), stripe(S2, S3, 3, 4), month(2026, 11, 9, 9)]
    expected = [(S2, S3 - 1, 3, 4), (S1, S2 - 1, 1, 2)]
    assert listed(BILLED, *rows) == [(S3, S4, 0, 0), *expected]
    assert listed(BILLED, *rows, stripe(S3, S4)) == [(S3, S4, 0, 0), *expected]
    assert listed(BILLED, *rows, stripe(S3, S4, 5, 6)) == [(S3, S4, 5, 6), *expected]


def test_a_past_window_without_usage_is_not_listed_but_still_ends_the_one_before() -> None:
    early = at("2026-10-25")
    rows = [stripe(S2, S3, 3, 4), stripe(early, S3), stripe(S3, S4, 1, 0)]
    assert listed(BILLED, *rows) == [(S3, S4, 1, 0), (S2, early - 1, 3, 4)]


def test_after_the_subscription_its_windows_are_past() -> None:
    ended = replace(BILLED, subscription=replace(ACTIVE, status=SubscriptionStatus.CANCELED))
    assert listed(ended, stripe(S2, S3, 3, 4), month(2026, 11, 1, 1)) == [(S2, S3 - 1, 3, 4)]


def test_windows_of_other_accounts_are_nobody_s_business() -> None:
    other = {**stripe(S2, S3, 3, 4), "pk": "U#u12"}
    assert listed(BILLED, other) == [(S3, S4, 0, 0)]
    assert report(BILLED, other, period_start=S2).app == 0


# prepaid credits, leases, membership


@pytest.mark.parametrize(("balance", "shown"), [(2000, 2000), (0, 0), (-1, 0), (-2000, 0)])
def test_a_prepaid_debt_shows_as_nothing(balance: int, shown: int) -> None:
    document = usage_document(report(replace(UNBILLED, prepaid=balance), billing_cycle=True))
    assert document["prepaidCredits"] == shown
    assert document["billingCycle"]["prepaidCredits"] == shown  # type: ignore[index]


def test_leases_that_are_over_are_reported_as_given_back_and_are_given_back() -> None:
    over, running = f"{NOW}|app|202611", f"{NOW + 1}|api|202611"
    row = stripe(S3, S4, 7, 3, m202611_app=7, m202611_api=3, infl=2) | {"r#over": over, "r#running": running}
    account = replace(BILLED, prepaid=5, in_flight=1, reservations=(Reservation("mine", NOW, Channel.API, "202611"),))
    service, database = reporter(row)
    usage = service.report(account, UsageQuery(billing_cycle=True))
    assert (usage.app, usage.api, usage.prepaid) == (6, 3, 6)
    assert usage.cycle == Cycle(S3, S4, 6, 3, 1000, 991, synced=True)
    swept = [(request["Key"]["sk"]["S"], request["ExpressionAttributeNames"]["#r"]) for request in database.updates]
    assert sorted(swept) == [("ACCT", "r#mine"), (schema.window("u1", WindowKind.STRIPE, S3).sk, "r#over")]


@pytest.mark.parametrize("failure", [ConditionFailed(None), StoreUnavailable()])
def test_a_sweep_that_fails_spoils_no_report(failure: Exception) -> None:
    service, database = reporter(stripe(S3, S4, 7, 3) | {"r#over": f"{NOW}|app|202611"})
    database.failure = failure
    usage = service.report(BILLED, UsageQuery(billing_cycle=True))
    assert usage.cycle
    assert usage.cycle.app == 6


def test_a_debt_is_paid_by_what_comes_back() -> None:
    lease = Reservation("mine", NOW, Channel.API, "202611")
    assert report(replace(BILLED, prepaid=-1, reservations=(lease,))).prepaid == 0
    assert report(replace(BILLED, prepaid=0, reservations=(lease,))).prepaid == 1


def test_credits_are_the_plan_s_allowance_and_membership_its_name() -> None:
    usage = report(BILLED, stripe(S3, S4, 7, 3))
    assert (usage.membership, usage.credits) == ("Paid", 1000)
    ended = replace(BILLED, subscription=replace(ACTIVE, status=SubscriptionStatus.CANCELED))
    assert (report(ended).membership, report(ended).credits) == ("Free", 50)
    dropped = replace(UNBILLED, plan="Gold-2024", included=99)
    assert (report(dropped).membership, report(dropped).credits) == ("Gold-2024", 99)
