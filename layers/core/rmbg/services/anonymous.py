"""Callers without an account: who they are, and their allowance of a UTC day (row 13)."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rmbg.domain.addresses import caller_network
from rmbg.domain.calendar import day_name, seconds_to_midnight
from rmbg.errors import PublicError
from rmbg.observability import logger
from rmbg.storage import credits, limits, schema
from rmbg.storage.database import ConditionFailed, StoreUnavailable
from rmbg.storage.expressions import get
from rmbg.storage.schema import Key
from rmbg.storage.store import Store

_HASH_CHARACTERS: Final = 32


class DailyLimitReached(PublicError):
    """Row 13."""

    def __init__(self, now: int) -> None:
        super().__init__(
            429,
            "You've reached your daily limit. Please sign up for more access.",
            headers={"Retry-After": str(seconds_to_midnight(now))},
        )


@dataclass(frozen=True, slots=True)
class DayCount:
    """A picture counted on a day; `remaining` is what the caller has left."""

    keys: tuple[Key, ...]
    remaining: int


class AnonymousCallers:
    """Counts by address, hashed with a salt of the day. `clock` gives seconds since the epoch.

    `daily_limit` a caller (0: none are served) and `daily_limit_total` for all together.
    """

    def __init__(
        self,
        store: Store,
        *,
        daily_limit: int,
        daily_limit_total: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.daily_limit = daily_limit
        self._daily_limit_total = daily_limit_total
        self._store = store
        self._clock = clock
        self._salts: dict[str, str] = {}

    def identify(self, address: str) -> str:
        """A name for the caller that leads back to no address once the day's salt is gone. Raises StoreUnavailable."""
        salt = self._salt(day_name(int(self._clock())))
        digest = hmac.new(salt.encode(), caller_network(address).encode(), hashlib.sha256)
        return digest.hexdigest()[:_HASH_CHARACTERS]

    def count(self, caller: str) -> DayCount:
        """One picture more. Raises DailyLimitReached and StoreUnavailable."""
        now = int(self._clock())
        day = day_name(now)
        own, everyone = schema.anonymous_day(day, caller), schema.anonymous_day_total(day)
        if not (self.daily_limit and self._daily_limit_total):
            raise DailyLimitReached(now)
        used = self._count(own, self.daily_limit, now)
        try:
            self._count(everyone, self._daily_limit_total, now)
        except (DailyLimitReached, StoreUnavailable):
            self.give_back(DayCount((own,), 0))
            raise
        return DayCount((own, everyone), max(0, self.daily_limit - used))

    def give_back(self, counted: DayCount) -> None:
        """No picture came of it. What fails here stays counted until midnight."""
        for key in counted.keys:
            try:
                self._store.database.update(limits.uncount_anonymous(self._store.ephemeral, key))
            except ConditionFailed:
                continue
            except StoreUnavailable:
                logger.warning("an anonymous picture stays counted")

    def _count(self, key: Key, limit: int, now: int) -> int:
        try:
            row = self._store.database.update(limits.count_anonymous(self._store.ephemeral, key, limit, now))
        except ConditionFailed:
            raise DailyLimitReached(now) from None
        return credits.integer(row, "count")

    def _salt(self, day: str) -> str:
        if day not in self._salts:
            self._salts = {day: self._shared_salt(day)}
        return self._salts[day]

    def _shared_salt(self, day: str) -> str:
        """The first salt that anybody made for the day."""
        database, table, key = self._store.database, self._store.ephemeral, schema.salt(day)
        row = database.get(get(table, key))
        if row is None:
            salt = secrets.token_hex(32)
            try:
                database.put(limits.put_salt(table, key, salt, int(self._clock())))
            except ConditionFailed as failure:
                row = failure.row or {}
            else:
                return salt
        return credits.text(row, "salt")
