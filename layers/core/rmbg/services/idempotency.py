"""Idempotency-Key: a request that is sent again is charged once (docs/billing.md, Idempotency-Key)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rmbg.domain.calendar import DAY_SECONDS
from rmbg.errors import PublicError
from rmbg.storage import limits, schema
from rmbg.storage.credits import integer, text
from rmbg.storage.database import ConditionFailed, Row, StoreUnavailable
from rmbg.storage.expressions import Request
from rmbg.storage.schema import Key
from rmbg.storage.store import Store

MAX_REPLAYS: Final = 3
_TRIES: Final = 3
_ABANDON_TRIES: Final = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request under a key. `replay`: it was done before, so it is made again and costs nothing."""

    key: Key
    owner: str
    replay: bool


def is_valid(key: str) -> bool:
    """1 to 255 printable ASCII characters."""
    return 1 <= len(key) <= 255 and key.isascii() and key.isprintable()


class IdempotencyKeys:
    """The keys of a day, by account. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def begin(self, uid: str, key: str, *, fingerprint: str, owner: str, lease_seconds: float) -> Attempt:
        """Begin a request, or find out that it was made before.

        Raises PublicError: 409 while it is running or after too many replays, 422 if the key was used for another
        request; and StoreUnavailable.
        """
        database, table = self._store.database, self._store.ephemeral
        item_key = schema.idempotency(uid, key)
        for _ in range(_TRIES):
            now = int(self._clock())
            try:
                database.update(
                    limits.start_idempotent(
                        table,
                        item_key,
                        fingerprint=fingerprint,
                        owner=owner,
                        lease_until=now + int(lease_seconds) + 1,
                        expires_at=now + DAY_SECONDS,
                        now=now,
                    )
                )
            except ConditionFailed as failure:
                row = failure.row or {}
            except StoreUnavailable:
                self.abandon(Attempt(item_key, owner, replay=False))  # it may have begun all the same
                raise
            else:
                return Attempt(item_key, owner, replay=False)
            if text(row, "owner") == owner:  # our own, its answer was lost
                return Attempt(item_key, owner, replay=False)
            _check(row, fingerprint, now)
            replay = limits.replay_idempotent(
                table, item_key, fingerprint=fingerprint, replayer=owner, max_replays=MAX_REPLAYS
            )
            try:
                database.update(replay)
            except ConditionFailed as failure:
                if text(failure.row or {}, "replayer") == owner:  # our own, its answer was lost
                    return Attempt(item_key, owner, replay=True)
                if integer(failure.row or {}, "attempts") >= MAX_REPLAYS:
                    raise _replayed_too_often() from None
                continue  # it changed in between
            return Attempt(item_key, owner, replay=True)
        raise StoreUnavailable

    def finish_request(self, attempt: Attempt) -> Request:
        """Mark as done, as a part of the transaction that commits the credit."""
        return limits.finish_idempotent(self._store.ephemeral, attempt.key, owner=attempt.owner)

    def is_finished(self, attempt: Attempt, row: Row | None) -> bool:
        """Whether an item is that of this very attempt, and done."""
        return row is not None and text(row, "owner") == attempt.owner and text(row, "state") == "done"

    def abandon(self, attempt: Attempt) -> None:
        """It failed: a retry runs. What fails here is left to the lease."""
        if attempt.replay:
            return
        request = limits.abandon_idempotent(self._store.ephemeral, attempt.key, owner=attempt.owner)
        for _ in range(_ABANDON_TRIES):
            try:
                self._store.database.delete(request, brief=True)
            except ConditionFailed:
                return
            except StoreUnavailable:
                continue
            else:
                return


def other_request() -> PublicError:
    return PublicError(422, "This Idempotency-Key was used with a different request.")


def _check(row: Row, fingerprint: str, now: int) -> None:
    """What a key's item says against this request, if anything."""
    if row and text(row, "fingerprint") != fingerprint:
        raise other_request()
    if text(row, "state") == "running":
        wait_seconds = max(1, integer(row, "lease") - now)
        raise PublicError(
            409,
            "A request with this Idempotency-Key is still running.",
            headers={"Retry-After": str(min(wait_seconds, 2))},
        )
    if integer(row, "attempts") >= MAX_REPLAYS:
        raise _replayed_too_often()


def _replayed_too_often() -> PublicError:
    return PublicError(409, f"This Idempotency-Key was already used {MAX_REPLAYS + 1} times. Use a new one.")
