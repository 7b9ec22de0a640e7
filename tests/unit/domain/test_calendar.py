"""Months, renewals and days in UTC, at their edges."""

from datetime import UTC, datetime

import pytest

from rmbg.domain.calendar import (
    DAY_SECONDS,
    Interval,
    Period,
    add_months,
    boundary,
    calendar_month,
    day_name,
    month_name,
    month_period,
    next_boundary,
    seconds_to_midnight,
    utc,
)


def at(text: str) -> int:
    """Seconds since the epoch of `yyyy-mm-dd[ hh:mm:ss]`, UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def day(instant: int) -> str:
    return f"{utc(instant):%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00")


def test_a_period_includes_its_start_and_excludes_its_end() -> None:
    period = Period(10, 20)
    assert [instant in period for instant in (9, 10, 19, 20)] == [False, True, True, False]
    assert 5 not in Period(5, 5)


@pytest.mark.parametrize(
    ("other", "expected"),
    [((0, 10), False), ((0, 11), True), ((19, 30), True), ((20, 30), False), ((12, 13), True), ((0, 99), True)],
)
def test_periods_that_only_touch_do_not_overlap(other: tuple[int, int], expected: bool) -> None:
    assert Period(10, 20).overlaps(Period(*other)) is expected
    assert Period(*other).overlaps(Period(10, 20)) is expected


@pytest.mark.parametrize(
    ("instant", "start", "end"),
    [
        ("2026-11-01", "2026-11-01", "2026-12-01"),
        ("2026-11-30 23:59:59", "2026-11-01", "2026-12-01"),
        ("2026-12-31 23:59:59", "2026-12-01", "2027-01-01"),
        ("2024-02-29 12:00:00", "2024-02-01", "2024-03-01"),
        ("2026-02-28 23:59:59", "2026-02-01", "2026-03-01"),
        ("1969-12-31 23:59:59", "1969-12-01", "1970-01-01"),
    ],
)
def test_the_month_of_an_instant(instant: str, start: str, end: str) -> None:
    assert month_period(at(instant)) == Period(at(start), at(end))
    assert at(instant) in month_period(at(instant))


@pytest.mark.parametrize(
    ("year", "days"), [(2024, 29), (2023, 28), (2000, 29), (1900, 28), (2100, 28), (2400, 29), (4, 29)]
)
def test_leap_years_are_gregorian(year: int, days: int) -> None:
    february = calendar_month(year, 2)
    assert february.end - february.start == days * DAY_SECONDS


def test_the_first_and_the_last_month_of_the_calendar() -> None:
    assert calendar_month(1, 1) == Period(-62_135_596_800, -62_135_596_800 + 31 * DAY_SECONDS)
    assert calendar_month(9999, 12) == Period(253_399_622_400, 253_402_300_800)
    assert month_name(calendar_month(1, 1).start) == "000101"
    assert month_name(calendar_month(9999, 12).end - 1) == "999912"


def test_months_follow_each_other_without_a_gap() -> None:
    for year in (1, 1969, 1970, 1999, 2000, 2026, 2100, 9998):
        months = [calendar_month(year, month) for month in range(1, 13)] + [calendar_month(year + 1, 1)]
        assert [month.end for month in months[:-1]] == [month.start for month in months[1:]]


def test_names_of_months_and_days() -> None:
    assert month_name(at("2026-01-31 23:59:59")) == "202601"
    assert month_name(at("2026-02-01")) == "202602"
    assert day_name(at("2026-11-30 23:59:59")) == "2026-11-30"
    assert day_name(at("2026-12-01")) == "2026-12-01"
    assert day_name(0) == "1970-01-01"


def test_seconds_to_midnight() -> None:
    assert seconds_to_midnight(at("2026-11-22")) == DAY_SECONDS
    assert seconds_to_midnight(at("2026-11-22 00:00:01")) == DAY_SECONDS - 1
    assert seconds_to_midnight(at("2026-11-22 23:59:59")) == 1
    assert seconds_to_midnight(-1) == 1


@pytest.mark.parametrize(
    ("instant", "months", "expected"),
    [
        ("2026-01-15 08:30:00", 1, "2026-02-15 08:30:00"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-01-31", 3, "2026-04-30"),
        ("2026-12-31 23:59:59", 2, "2027-02-28 23:59:59"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-01", -1, "2025-12-01"),
        ("2026-05-05", 0, "2026-05-05"),
        ("1970-01-01", -1, "1969-12-01"),
        ("2096-02-29", 48, "2100-02-28"),
    ],
)
def test_months_later_is_the_same_day_or_the_month_s_last(instant: str, months: int, expected: str) -> None:
    assert day(add_months(at(instant), months)) == expected


@pytest.mark.parametrize("anchor", ["2024-01-29", "2024-01-30", "2024-01-31 13:14:15"])
def test_anchors_on_days_29_to_31_are_never_chained(anchor: str) -> None:
    wanted = utc(at(anchor)).day
    for index in range(60):
        renewal = utc(boundary(at(anchor), Interval.MONTH, 1, index))
        length = calendar_month(renewal.year, renewal.month)
        assert renewal.day == min(wanted, (length.end - length.start) // DAY_SECONDS)
        assert renewal.time() == utc(at(anchor)).time()


def test_a_year_after_29_february_comes_back_to_it() -> None:
    anchor = at("2024-02-29")
    days = [day(boundary(anchor, Interval.YEAR, 1, index)) for index in range(5)]
    assert days == ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


@pytest.mark.parametrize(
    ("interval", "count", "expected"),
    [
        (Interval.DAY, 1, "2026-01-02"),
        (Interval.DAY, 90, "2026-04-01"),
        (Interval.WEEK, 1, "2026-01-08"),
        (Interval.WEEK, 2, "2026-01-15"),
        (Interval.MONTH, 1, "2026-02-01"),
        (Interval.MONTH, 3, "2026-04-01"),
        (Interval.MONTH, 12, "2027-01-01"),
        (Interval.YEAR, 1, "2027-01-01"),
        (Interval.YEAR, 3, "2029-01-01"),
    ],
)
def test_the_first_renewal_of_every_interval_and_count(interval: Interval, count: int, expected: str) -> None:
    anchor = at("2026-01-01")
    assert day(boundary(anchor, interval, count, 1)) == expected
    assert day(next_boundary(anchor, interval, count, anchor)) == expected
    assert next_boundary(anchor, interval, count, at(expected) - 1) == at(expected)
    assert next_boundary(anchor, interval, count, at(expected)) > at(expected)
    assert next_boundary(anchor, interval, count, anchor - 1) == anchor


def test_renewals_before_the_anchor() -> None:
    anchor = at("2026-03-31")
    assert day(boundary(anchor, Interval.MONTH, 1, -1)) == "2026-02-28"
    assert day(next_boundary(anchor, Interval.MONTH, 1, at("2026-02-27"))) == "2026-02-28"
    assert day(next_boundary(anchor, Interval.MONTH, 1, at("2026-02-28"))) == "2026-03-31"


def test_past_the_last_year_there_is_nothing_to_compute() -> None:
    with pytest.raises(ValueError, match="year"):
        add_months(at("9999-12-31"), 1)
    with pytest.raises(ValueError, match=r"year|month"):
        add_months(calendar_month(1, 1).start, -1)
