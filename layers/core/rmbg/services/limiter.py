"""The short-term limit (row 4): who calls too quickly is told when to come again. Fails open, with a metric."""

import time
from collections.abc import Callable
from typing import Final

from rmbg.domain.gcra import Decision, Gcra
from rmbg.domain.plans import RateLimit
from rmbg.errors import PublicError
from rmbg.observability import count_metric
from rmbg.storage import credits, limits
from rmbg.storage.database import ConditionFailed, StoreUnavailable
from rmbg.storage.schema import Key
from rmbg.storage.store import Store

_TRIES: Final = 2  # the item may vanish, or time may pass, between the two updates


def too_quick(decision: Decision) -> PublicError:
    """Row 4."""
    return PublicError(
        429,
        "You're making requests too quickly, Please Upgrade or slow down.",
        headers={"Retry-After": str(decision.retry_after_seconds)},
    )


class Limiter:
    """GCRA on one item a caller, in at most two conditional updates. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def check(self, key: Key, rate: RateLimit) -> Decision:
        """Count a request; `allowed` is False where it is one too many."""
        gcra = Gcra.of(rate)
        now_ms = int(self._clock() * 1000)
        try:
            for _ in range(_TRIES):
                tat_ms, allowed = self._count(key, gcra, now_ms)
                if tat_ms is not None:
                    return gcra.decision(tat_ms, now_ms, allowed=allowed)
        except StoreUnavailable:
            count_metric("LimiterUnavailable")
        return gcra.decision(now_ms + gcra.interval_ms, now_ms, allowed=True)

    def _count(self, key: Key, gcra: Gcra, now_ms: int) -> tuple[int | None, bool]:
        """The theoretical arrival time, in milliseconds, and whether the request conforms."""
        database, table = self._store.database, self._store.ephemeral
        try:
            row = database.update(limits.rate_when_idle(table, key, gcra, now_ms), brief=True)
        except ConditionFailed:
            pass
        else:
            return credits.integer(row, "tat"), True
        try:
            row = database.update(limits.rate_when_busy(table, key, gcra, now_ms), brief=True)
        except ConditionFailed as failure:
            tat_ms = credits.integer(failure.row or {}, "tat")
            return (tat_ms, False) if tat_ms > now_ms + gcra.tolerance_ms else (None, False)
        return credits.integer(row, "tat"), True
