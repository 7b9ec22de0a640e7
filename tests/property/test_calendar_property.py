"""Months and renewals, against counting days one by one."""

import calendar
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rmbg.domain.calendar import (
    DAY_SECONDS,
    Interval,
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

FIRST, LAST = int(datetime(1, 1, 1, tzinfo=UTC).timestamp()), int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
instants = st.integers(FIRST, LAST + DAY_SECONDS - 1)
anchors = st.one_of(
    st.integers(0, 4 * 10**9),
    # the days that months and years do not all have
    st.tuples(st.integers(1990, 2080), st.integers(1, 12), st.integers(28, 31), st.integers(0, DAY_SECONDS - 1)).map(
        lambda when: (
            int(datetime(when[0], when[1], min(when[2], calendar.monthrange(*when[:2])[1]), tzinfo=UTC).timestamp())
            + when[3]
        )
    ),
)
counts = {
    Interval.DAY: st.integers(1, 365),
    Interval.WEEK: st.integers(1, 52),
    Interval.MONTH: st.integers(1, 36),
    Interval.YEAR: st.integers(1, 3),
}
recurrences = st.sampled_from(list(Interval)).flatmap(lambda interval: st.tuples(st.just(interval), counts[interval]))


def months_later(instant: int, months: int) -> int:
    """Day by day from the first of the month, counting months as they turn."""
    moment = utc(instant)
    first, turned = date(moment.year, moment.month, 1), 0
    while turned != months:
        first = (
            (first + timedelta(days=31)).replace(day=1) if months > 0 else (first - timedelta(days=1)).replace(day=1)
        )
        turned += 1 if months > 0 else -1
    found = first
    while found.day < moment.day and (found + timedelta(days=1)).month == first.month:
        found += timedelta(days=1)
    return int(datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp()) + instant % DAY_SECONDS


@given(st.integers(0, 4 * 10**9), st.integers(-60, 60))
def test_months_later_is_what_counting_says(instant: int, months: int) -> None:
    assert add_months(instant, months) == months_later(instant, months)


@given(anchors, recurrences, st.integers(-12, 12))
def test_a_renewal_is_the_anchor_moved_once(anchor: int, recurrence: tuple[Interval, int], index: int) -> None:
    interval, count = recurrence
    steps = index * count
    expected = {
        Interval.DAY: lambda: anchor + steps * DAY_SECONDS,
        Interval.WEEK: lambda: anchor + steps * 7 * DAY_SECONDS,
        Interval.MONTH: lambda: months_later(anchor, steps),
        Interval.YEAR: lambda: months_later(anchor, 12 * steps),
    }[interval]()
    assert boundary(anchor, interval, count, index) == expected


@given(anchors, recurrences, st.integers(-(10**8), 10**8))
def test_the_next_renewal_is_the_first_of_all_that_are_later(
    anchor: int, recurrence: tuple[Interval, int], elapsed: int
) -> None:
    interval, count = recurrence
    after = anchor + elapsed
    shortest = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 28, Interval.YEAR: 365}[interval] * DAY_SECONDS
    reach = abs(elapsed) // (shortest * count) + 2
    if interval is Interval.DAY or interval is Interval.WEEK:
        length = shortest * count
        assert next_boundary(anchor, interval, count, after) == anchor + (elapsed // length + 1) * length
        return
    every = [boundary(anchor, interval, count, index) for index in range(-reach, reach + 1)]
    assert next_boundary(anchor, interval, count, after) == min(one for one in every if one > after)


@given(anchors, recurrences)
def test_renewals_only_go_forward(anchor: int, recurrence: tuple[Interval, int]) -> None:
    every = [boundary(anchor, *recurrence, index) for index in range(-8, 9)]
    assert every == sorted(set(every))


@given(instants)
def test_every_instant_is_in_its_month_and_no_other(instant: int) -> None:
    period = month_period(instant)
    assert instant in period
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant)
    assert period == calendar_month(moment.year, moment.month)
    assert month_name(instant) == month_name(period.start) == month_name(period.end - 1)
    assert (month_name(instant), day_name(instant)) == (f"{moment.year:04d}{moment.month:02d}", str(moment.date()))


@given(instants)
def test_midnight_comes_within_a_day(instant: int) -> None:
    left = seconds_to_midnight(instant)
    assert 1 <= left <= DAY_SECONDS
    assert (instant + left) % DAY_SECONDS == 0
