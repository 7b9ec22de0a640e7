"""GET /api/membership-usage: what an account has, what it used, and when it begins anew."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from rmbg.domain.calendar import Period, add_months, calendar_month, utc
from rmbg.domain.credits import COST, Account, Channel, Window, WindowKind, expired
from rmbg.domain.plans import Catalogue
from rmbg.domain.usage_query import UsageQuery
from rmbg.domain.windows import Standing, standing
from rmbg.services.credits import Credits
from rmbg.storage import credits, schema
from rmbg.storage.expressions import query
from rmbg.storage.store import Store


@dataclass(frozen=True, slots=True)
class Cycle:
    """One billing cycle as the contract shows it; `end` is the last second, or Stripe's own end while it runs."""

    start: int
    end: int
    app: int
    api: int
    included: int
    remaining: int
    synced: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """The whole report. `credits` is the current allowance, `cycle` None unless it was asked for."""

    membership: str
    credits: int
    prepaid: int
    app: int
    api: int
    cycle: Cycle | None


class ReportUsage:
    """Reads an account's windows; leases that are over are reported as given back, and are given back."""

    def __init__(
        self, store: Store, catalogue: Catalogue, credit_book: Credits, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._credits = credit_book
        self._clock = clock

    def report(self, account: Account, asked: UsageQuery) -> Usage:
        """The report for a month or for one window. Raises StoreUnavailable."""
        now = int(self._clock())
        state = standing(account, self._catalogue, now)
        account = self._swept(account, now)
        today = utc(now)
        year, month = asked.year or today.year, asked.month or today.month
        if asked.period_start is not None:
            asked_period = Period(asked.period_start, asked.period_start + 1)
        else:
            asked_period = calendar_month(year, month)
        windows = self._windows(account, asked_period.spanning(state.period), now)
        current = self._current_cycle(state, windows)
        if asked.period_start is not None:
            cycle = self._cycle_at(asked.period_start, state, windows)
            app, api = cycle.app, cycle.api
        else:
            cycle = current
            counters = (f"m{year:04d}{month:02d}_{channel}" for channel in Channel)
            app, api = (sum(window.months.get(counter, 0) for window in windows) for counter in counters)
        return Usage(
            membership=state.plan.name,
            credits=current.included,
            prepaid=max(0, account.prepaid),
            app=app,
            api=api,
            cycle=cycle if asked.billing_cycle else None,
        )

    def cycles(self, account: Account) -> list[Cycle]:
        """Stripe's windows, newest first: those with usage, and the account's current one. Raises StoreUnavailable."""
        now = int(self._clock())
        state = standing(account, self._catalogue, now)
        windows = [
            window
            for window in self._windows(account, None, now)
            if window.kind is WindowKind.STRIPE and not window.merged
        ]
        found = []
        for window in windows:
            current = _is_current(window, state)
            if window.used or window.app or window.api or current:
                found.append(self._shown(window, state, windows))
        if state.kind is WindowKind.STRIPE and not any(_is_current(window, state) for window in windows):
            found.append(self._unused(state))
        return sorted(found, key=lambda cycle: cycle.start, reverse=True)

    def _swept(self, account: Account, now: int) -> Account:
        over = expired(account.reservations, now)
        if not over:
            return account
        self._credits.sweep_account(account)
        return replace(account, prepaid=account.prepaid + COST * len(over), in_flight=account.in_flight - len(over))

    def _windows(self, account: Account, period: Period | None, now: int) -> list[Window]:
        """The windows that touch a period, or did before their end was moved; all for None.

        Without the leases that are over: those are given back.
        """
        first, last = schema.window_range(period)
        rows = self._store.database.query(query(self._store.core, schema.account(account.uid).pk, first, last + "~"))
        windows = []
        for row in rows:
            window = credits.read_window(row)
            over = expired(window.reservations, now)
            if over:
                self._credits.sweep_window(account.uid, window)
            for reservation in over:
                window = window.without(reservation)
            windows.append(window)
        return windows

    def _cycle_at(self, start: int, state: Standing, windows: list[Window]) -> Cycle:
        """The window that starts at an instant, Stripe's before a month's; without one, an empty one."""
        matching = {window.kind: window for window in windows if window.period.start == start and not _is_gone(window)}
        window = matching.get(WindowKind.STRIPE)
        if window is None and not (state.kind is WindowKind.STRIPE and state.period.start == start):
            window = matching.get(WindowKind.MONTH)
        if window is not None:
            return self._shown(window, state, windows)
        if state.period.start == start:
            return self._unused(state)
        return Cycle(
            start=start,
            end=_one_month_later(start) - 1,
            app=0,
            api=0,
            included=state.plan.included,
            remaining=state.plan.included,
            synced=False,
        )

    def _current_cycle(self, state: Standing, windows: list[Window]) -> Cycle:
        current = next((window for window in windows if _is_current(window, state)), None)
        return self._shown(current, state, windows) if current else self._unused(state)

    def _shown(self, window: Window, state: Standing, others: list[Window]) -> Cycle:
        synced = window.kind is WindowKind.STRIPE
        current = _is_current(window, state)
        if synced and current:
            end = window.period.end
        elif synced:
            starts = [
                other.period.start
                for other in others
                if other.kind is WindowKind.STRIPE and other.period.start > window.period.start and not other.merged
            ]
            if state.kind is WindowKind.STRIPE and state.period.start > window.period.start:
                starts.append(state.period.start)
            end = min([window.period.end, *starts]) - 1
        else:
            end = window.period.end - 1
        closed = window.hold or (current and state.closed)
        return Cycle(
            start=window.period.start,
            end=end,
            app=window.app,
            api=window.api,
            included=window.included,
            remaining=0 if closed else max(0, window.included - window.app - window.api),
            synced=synced,
        )

    def _unused(self, state: Standing) -> Cycle:
        """The current window before its first picture."""
        synced = state.kind is WindowKind.STRIPE
        return Cycle(
            start=state.period.start,
            end=state.period.end if synced else state.period.end - 1,
            app=0,
            api=0,
            included=state.plan.included,
            remaining=0 if state.closed else state.plan.included,
            synced=synced,
        )


def _is_gone(window: Window) -> bool:
    """A provisional window that Stripe's took the place of; a month goes on."""
    return window.merged and window.kind is WindowKind.STRIPE


def _is_current(window: Window, state: Standing) -> bool:
    return window.kind is state.kind and window.period.start == state.period.start


def _one_month_later(start: int) -> int:
    try:
        return add_months(start, 1)
    except ValueError:  # beyond the year 9999
        return start
