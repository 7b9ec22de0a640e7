"""Calendar arithmetic in UTC, in whole seconds since the epoch. A period is [start, end)."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

DAY_SECONDS: Final = 86_400
_MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Period:
    """From `start`, included, to `end`, excluded; both in seconds since the epoch."""

    start: int
    end: int

    def __contains__(self, instant: int) -> bool:
        return self.start <= instant < self.end

    def spanning(self, other: "Period") -> "Period":
        """From the first start of both to the last end."""
        return Period(min(self.start, other.start), max(self.end, other.end))

    def overlaps(self, other: "Period") -> bool:
        return self.start < other.end and other.start < self.end


class Interval(StrEnum):
    """Stripe's units of a recurring price."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


def utc(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def month_name(instant: int) -> str:
    """`yyyymm` of the UTC month that holds an instant."""
    moment = utc(instant)
    return f"{moment.year:04d}{moment.month:02d}"  # %Y has four digits only on some platforms


def day_name(instant: int) -> str:
    """`yyyy-mm-dd` of the UTC day that holds an instant."""
    return utc(instant).date().isoformat()


def month_period(instant: int) -> Period:
    """The UTC calendar month that holds an instant."""
    moment = utc(instant)
    return calendar_month(moment.year, moment.month)


def calendar_month(year: int, month: int) -> Period:
    """A UTC calendar month; years 1 to 9999."""
    start = _epoch(date(year, month, 1))
    return Period(start, start + calendar.monthrange(year, month)[1] * DAY_SECONDS)


def seconds_to_midnight(instant: int) -> int:
    """From an instant to the end of its UTC day: 1 to 86,400."""
    return DAY_SECONDS - instant % DAY_SECONDS


def add_months(instant: int, months: int) -> int:
    """The same time of day, months later, on the same day or the last one of a shorter month.

    Stripe's rule for anchors on days 29 to 31. Always computed from the original anchor: chained, 31 January would
    stay on the 28th after its first February.
    """
    moment = utc(instant)
    year, month = divmod(moment.year * _MONTHS_A_YEAR + moment.month - 1 + months, _MONTHS_A_YEAR)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return _epoch(date(year, month + 1, day)) + instant % DAY_SECONDS


def boundary(anchor: int, interval: Interval, count: int, index: int) -> int:
    """The `index`-th renewal of a subscription after its anchor (0 is the anchor itself, negative is before)."""
    steps = index * count
    match interval:
        case Interval.DAY:
            return anchor + steps * DAY_SECONDS
        case Interval.WEEK:
            return anchor + steps * 7 * DAY_SECONDS
        case Interval.MONTH:
            return add_months(anchor, steps)
        case Interval.YEAR:
            return add_months(anchor, steps * _MONTHS_A_YEAR)


def next_boundary(anchor: int, interval: Interval, count: int, after: int) -> int:
    """The first renewal later than `after`."""
    shortest_days = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 28, Interval.YEAR: 365}[interval]
    longest_days = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 31, Interval.YEAR: 366}[interval]
    elapsed = after - anchor
    step = (longest_days if elapsed >= 0 else shortest_days) * count * DAY_SECONDS
    index = elapsed // step  # not later than the right one
    while boundary(anchor, interval, count, index) <= after:
        index += 1
    return boundary(anchor, interval, count, index)


def _epoch(day: date) -> int:
    # datetime.timestamp() cannot say the year 1 on every platform
    return (day - date(1970, 1, 1)) // timedelta(days=1) * DAY_SECONDS
