"""Credits: reserve, then commit or refund. A reservation is a lease; nobody needs to be told when it is over.

Exact under races (each step is one conditional update), under crashes (an expired lease is given back by whoever next
meets it) and under lost answers (a step that is repeated finds its own trace).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rmbg.domain.calendar import month_name
from rmbg.domain.credits import Account, Bucket, Channel, Reservation, Window, expired
from rmbg.domain.plans import Catalogue
from rmbg.domain.windows import Standing, standing
from rmbg.errors import PublicError
from rmbg.observability import count_metric, logger
from rmbg.storage import accounts, credits, schema
from rmbg.storage.database import ConditionFailed, Row, StoreUnavailable
from rmbg.storage.expressions import Request, get
from rmbg.storage.schema import Key
from rmbg.storage.store import Store

_ROUNDS: Final = 4  # provision, sweep, and each of them once more after a race
_COMMIT_PAUSE_SECONDS: Final = 0.1
_REFUND_TRIES: Final = 2
_IN_FLIGHT_RETRY_SECONDS: Final = 1


class CreditsExhausted(PublicError):
    """Row 14. `retry_after_seconds` is the time to the window's end."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            429,
            "You've reached your monthly limit. Consider purchasing more credits.",
            headers={"Retry-After": str(max(1, retry_after_seconds))},
        )


class TooManyInFlight(PublicError):
    """Row 4, for as many pictures in flight as the plan allows."""

    def __init__(self) -> None:
        super().__init__(
            429,
            "You're making requests too quickly, Please Upgrade or slow down.",
            headers={"Retry-After": str(_IN_FLIGHT_RETRY_SECONDS)},
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """A credit taken, and where from. `balance` is what is left to the account after it."""

    key: Key
    reservation: Reservation
    bucket: Bucket
    balance: int


class Credits:
    """The credits of all accounts of one store. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, catalogue: Catalogue, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock

    def reserve(
        self, account: Account, channel: Channel, reservation_id: str, *, lease_seconds: float, capped: bool = True
    ) -> Charge:
        """Take one credit: an included one, else a prepaid one.

        `lease_seconds` from now on the reservation is void. `capped` False is for work from a queue, whose
        concurrency is bounded there. Raises CreditsExhausted, TooManyInFlight, and StoreUnavailable: then nothing is
        taken, or the lease gives it back.
        """
        for _ in range(_ROUNDS):
            now = int(self._clock())
            state = standing(account, self._catalogue, now)
            if state.overdue:
                count_metric("RenewalOverdue")
            reservation = Reservation(reservation_id, now + int(lease_seconds) + 1, channel, month_name(now))
            try:
                if not state.closed:
                    charge = self._reserve_included(account, state, reservation, now, capped=capped)
                    if charge is not None:
                        return charge
                return self._reserve_prepaid(account, state, reservation, now, capped=capped)
            except _WindowEnded:
                account = self._read_account(account)
        raise StoreUnavailable

    def commit(self, charge: Charge, *, deadline: Callable[[], float]) -> bool:
        """The picture is made. Tried until no time is left (`deadline` gives the seconds); False if it stays unknown.

        A reservation that is gone was given back when its lease was over: then the picture was free.
        """
        while True:
            try:
                request = credits.commit(self._store.core, charge.key, charge.reservation)
                row = self._store.database.update(request, brief=True)
            except ConditionFailed:
                return True
            except StoreUnavailable:
                if deadline() <= _COMMIT_PAUSE_SECONDS:
                    return False
                time.sleep(_COMMIT_PAUSE_SECONDS)
            else:
                self._sweep(charge.key, credits.read_reservations(row), charge.bucket, at_most=1)
                return True

    def commit_request(self, charge: Charge) -> Request:
        """COMMIT as a part of a transaction."""
        return credits.commit(self._store.core, charge.key, charge.reservation)

    def refund(self, charge: Charge) -> None:
        """No picture came of it. What fails here is left to the lease."""
        request = credits.refund(self._store.core, charge.key, charge.reservation, charge.bucket)
        for _ in range(_REFUND_TRIES):
            try:
                self._store.database.update(request, brief=True)
            except ConditionFailed:
                return
            except StoreUnavailable:
                continue
            else:
                return
        logger.warning("refund left to the lease")

    def sweep_account(self, account: Account, *, at_most: int | None = None) -> None:
        """Give back the prepaid credits of leases that are over. Never raises."""
        self._sweep(schema.account(account.uid), account.reservations, Bucket.PREPAID, at_most)

    def sweep_window(self, uid: str, window: Window, *, at_most: int | None = None) -> None:
        """Give back the included credits of leases that are over. Never raises."""
        key = schema.window(uid, window.kind, window.period.start)
        self._sweep(key, window.reservations, Bucket.INCLUDED, at_most)

    def _reserve_included(
        self, account: Account, state: Standing, reservation: Reservation, now: int, *, capped: bool
    ) -> Charge | None:
        """RESERVE, and what its failure tells; None if the window has no credit for it."""
        key = schema.window(account.uid, state.kind, state.period.start)
        request = credits.reserve_included(
            self._store.core,
            key,
            reservation,
            now=now,
            max_in_flight=state.plan.max_in_flight if capped else None,
        )
        swept = provisioned = False
        while True:
            try:
                row = self._take(request, key, reservation, Bucket.INCLUDED)
            except ConditionFailed as failure:
                row_before = failure.row
            else:
                return Charge(key, reservation, Bucket.INCLUDED, _left(row) + max(0, account.prepaid))
            if row_before is None or "sv" not in row_before:
                if provisioned:
                    raise StoreUnavailable
                provisioned = True
                self._provision(key, state)
                continue
            if schema.RESERVATION_PREFIX + reservation.id in row_before:  # our own, its answer was lost
                balance = _left(row_before) + max(0, account.prepaid)
                return Charge(key, _own(row_before, reservation), Bucket.INCLUDED, balance)
            window = credits.read_window(row_before)
            if now >= window.period.end:
                raise _WindowEnded
            if not swept and expired(window.reservations, now):
                swept = True
                self.sweep_window(account.uid, window)
                continue
            if capped and window.in_flight >= state.plan.max_in_flight:
                raise TooManyInFlight
            return None

    def _reserve_prepaid(
        self, account: Account, state: Standing, reservation: Reservation, now: int, *, capped: bool
    ) -> Charge:
        key = schema.account(account.uid)
        request = credits.reserve_prepaid(
            self._store.core, key, reservation, max_in_flight=state.plan.max_in_flight if capped else None
        )
        swept = False
        while True:
            try:
                row = self._take(request, key, reservation, Bucket.PREPAID)
            except ConditionFailed as failure:
                row_before = failure.row
            else:
                return Charge(key, reservation, Bucket.PREPAID, max(0, credits.integer(row, "prepaid")))
            if row_before is None:
                raise CreditsExhausted(state.period.end - now)
            if schema.RESERVATION_PREFIX + reservation.id in row_before:
                balance = max(0, credits.integer(row_before, "prepaid"))
                return Charge(key, _own(row_before, reservation), Bucket.PREPAID, balance)
            seen = accounts.read_account(row_before)
            if not swept and expired(seen.reservations, now):
                swept = True
                self.sweep_account(seen)
                continue
            if capped and seen.prepaid >= 1 and seen.in_flight >= state.plan.max_in_flight:
                raise TooManyInFlight
            raise CreditsExhausted(state.period.end - now)

    def _provision(self, key: Key, state: Standing) -> None:
        """Make the window that is not there; of many who try, one does."""
        request = credits.sync_window(
            self._store.core,
            key,
            period=state.period,
            included=state.plan.included,
            version=0,
            source=credits.RENEWAL_SOURCE if state.kind == "S" else credits.MONTH_SOURCE,
        )
        try:
            self._store.database.update(request)
        except ConditionFailed:
            return

    def _take(self, request: Request, key: Key, reservation: Reservation, bucket: Bucket) -> Row:
        """RESERVE or PREPAID; the item after it. Raises ConditionFailed and StoreUnavailable."""
        try:
            row = self._store.database.update(request)
        except StoreUnavailable:
            # It may have been applied all the same: given back now, or when the lease is over.
            self.refund(Charge(key, reservation, bucket, 0))
            raise
        self._sweep(key, credits.read_reservations(row), bucket, at_most=1)
        return row

    def _read_account(self, account: Account) -> Account:
        row = self._store.database.get(get(self._store.core, schema.account(account.uid)))
        return accounts.read_account(row) if row is not None else account

    def _sweep(self, key: Key, reservations: tuple[Reservation, ...], bucket: Bucket, at_most: int | None) -> None:
        for reservation in expired(reservations, int(self._clock()))[:at_most]:
            try:
                request = credits.refund(self._store.core, key, reservation, bucket, sweep=True)
                self._store.database.update(request, brief=True)
            except ConditionFailed:
                continue  # committed or swept by somebody else
            except StoreUnavailable:
                return  # somebody will meet it again


class _WindowEnded(Exception):
    """The window that was chosen is over by what the store says of it."""


def _left(row: Row) -> int:
    return max(0, credits.integer(row, "rem"))


def _own(row: Row, reservation: Reservation) -> Reservation:
    """The reservation as it was stored the first time."""
    return Reservation.parse(reservation.id, str(row[schema.RESERVATION_PREFIX + reservation.id]))
