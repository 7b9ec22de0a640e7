"""How a picture is paid: by an account's credit, under an Idempotency-Key or not, or from a day's free allowance."""

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from rmbg.domain.credits import COST
from rmbg.domain.keys import base62
from rmbg.services.anonymous import AnonymousCallers, DayCount
from rmbg.services.authenticate import Identity
from rmbg.services.credits import Charge, Credits
from rmbg.services.deadline import Deadline
from rmbg.services.idempotency import Attempt, IdempotencyKeys
from rmbg.storage.database import StoreUnavailable, TransactionFailed
from rmbg.storage.store import Store

LEASE_MARGIN_SECONDS: Final = 30.0
RESERVATION_CHARACTERS: Final = 22  # 128 bits in base62
_COMMIT_PAUSE_SECONDS: Final = 0.1


class Payment(Protocol):
    """What a picture costs its caller: taken before the work, kept or given back after it."""

    def begin(self, fingerprint: Callable[[], str]) -> None:
        """Take it, or raise PublicError: then nothing is taken."""

    def commit(self, deadline: Deadline) -> None:
        """The picture is made, and delivered in any case: raises only where it would be made anew."""

    def refund(self) -> None:
        """There is no picture. Never raises."""


class AccountPayment:
    """One credit of an account. `lease_seconds`: how long the function may still run."""

    def __init__(
        self,
        store: Store,
        credit_book: Credits,
        idempotency_keys: IdempotencyKeys,
        identity: Identity,
        *,
        idempotency_key: str,
        lease_seconds: float,
    ) -> None:
        self._store = store
        self._credits = credit_book
        self._keys = idempotency_keys
        self.identity = identity
        self._idempotency_key = idempotency_key
        self._lease_seconds = lease_seconds + LEASE_MARGIN_SECONDS
        self._attempt: Attempt | None = None
        self._charge: Charge | None = None
        self.credits_charged = 0

    def begin(self, fingerprint: Callable[[], str]) -> None:
        """Look the Idempotency-Key up, then reserve."""
        account = self.identity.account
        reservation_id = base62(uuid.uuid4().int, RESERVATION_CHARACTERS)
        self._credits.sweep_account(account, at_most=1)
        if self._idempotency_key:
            self._attempt = self._keys.begin(
                account.uid,
                self._idempotency_key,
                fingerprint=fingerprint(),
                owner=reservation_id,
                lease_seconds=self._lease_seconds,
            )
            if self._attempt.replay:
                return
        try:
            self._charge = self._credits.reserve(
                account, self.identity.channel, reservation_id, lease_seconds=self._lease_seconds
            )
        except BaseException:
            self._abandon()
            raise

    def commit(self, deadline: Deadline) -> None:
        """Keep the credit; with an Idempotency-Key in one transaction with its mark."""
        if self._charge is None:
            return
        self.credits_charged = 1
        if self._attempt is None:
            self._credits.commit(self._charge, deadline=lambda: deadline.left_seconds)
            return
        writes = [
            {"Update": self._credits.commit_request(self._charge)},
            {"Update": self._keys.finish_request(self._attempt)},
        ]
        while True:
            try:
                self._store.database.transact(writes, brief=True)
            except TransactionFailed as failure:
                if not failure.failed[0]:  # the lease of the key was over and another request has it: that one pays
                    self._credits.refund(self._charge)
                if not self._keys.is_finished(self._attempt, failure.rows[1]):  # else it is our own, its answer lost
                    self.credits_charged = 0
                self._abandon()
                return
            except StoreUnavailable:
                if deadline.left_seconds <= _COMMIT_PAUSE_SECONDS:
                    return
                time.sleep(_COMMIT_PAUSE_SECONDS)
            else:
                return

    def refund(self) -> None:
        """Give the credit back, and let a retry under the same key run."""
        if self._charge is not None:
            self._credits.refund(self._charge)
            self._charge = replace(self._charge, balance=self._charge.balance + COST)
        self._abandon()

    @property
    def remaining(self) -> int | None:
        """Credits left to the account; None as long as nobody has looked, a repetition that cost nothing included."""
        return self._charge.balance if self._charge else None

    def _abandon(self) -> None:
        if self._attempt is not None:
            self._keys.abandon(self._attempt)


class AnonymousPayment:
    """One picture of the day's allowance of a caller without an account; costs no credit."""

    credits_charged = 0

    def __init__(self, callers: AnonymousCallers, caller: str) -> None:
        self._callers = callers
        self._caller = caller
        self._counted: DayCount | None = None

    def begin(self, fingerprint: Callable[[], str]) -> None:  # noqa: ARG002 - an Idempotency-Key needs an account
        self._counted = self._callers.count(self._caller)

    def commit(self, deadline: Deadline) -> None:
        """It is counted already."""

    def refund(self) -> None:
        if self._counted is not None:
            self._callers.give_back(self._counted)
            self._counted = replace(self._counted, remaining=self._counted.remaining + 1)

    @property
    def remaining(self) -> int | None:
        """Pictures left to the caller today; None before the picture."""
        return self._counted.remaining if self._counted else None
