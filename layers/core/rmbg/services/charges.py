"""How work from a queue is paid: once a charge id, however often and wherever at once it is delivered."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Final

from rmbg.domain.credits import Account, Channel
from rmbg.domain.keys import base62
from rmbg.services.credits import Charge, Credits
from rmbg.services.deadline import Deadline
from rmbg.services.payments import LEASE_MARGIN_SECONDS, RESERVATION_CHARACTERS
from rmbg.storage import jobs, schema
from rmbg.storage.credits import text
from rmbg.storage.database import Row, StoreUnavailable, TransactionFailed
from rmbg.storage.expressions import Write, get
from rmbg.storage.store import Store

_COMMIT_PAUSE_SECONDS: Final = 0.2


def is_paid(store: Store, uid: str, charge_id: str, now: int) -> bool:
    """Whether a charge id was paid already, and what for is still kept. Raises StoreUnavailable."""
    return jobs.is_done(store.database.get(get(store.core, schema.done(uid, charge_id))), now)


class ChargePayment:
    """One credit of an account for one charge id. `lease_seconds`: how long the function may still run.

    The credit is kept in the very transaction that notes the charge id as done (and the job, where there is one): of
    many who did the same work one is paid, and the others' credits are given back.
    """

    def __init__(
        self,
        store: Store,
        credit_book: Credits,
        account: Account,
        channel: Channel,
        charge_id: str,
        *,
        lease_seconds: float,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._credits = credit_book
        self._account = account
        self._channel = channel
        self._charge_id = charge_id
        self._lease_seconds = lease_seconds + LEASE_MARGIN_SECONDS
        self._clock = clock
        self._pause = pause
        self._charge: Charge | None = None
        self._result_key = ""
        self._also: tuple[Write, ...] = ()
        self.credits_charged = 0

    def for_result(self, result_key: str, *also: Write) -> None:
        """What the payment is for, and what is written together with it."""
        self._result_key, self._also = result_key, also

    def begin(self, fingerprint: Callable[[], str]) -> None:  # noqa: ARG002 - the charge id says what is the same
        """Reserve, with no cap on what is in flight: the queue has its own."""
        self._credits.sweep_account(self._account, at_most=1)
        self._charge = self._credits.reserve(
            self._account,
            self._channel,
            base62(uuid.uuid4().int, RESERVATION_CHARACTERS),
            lease_seconds=self._lease_seconds,
            capped=False,
        )

    def commit(self, deadline: Deadline) -> None:
        """Keep the credit, unless somebody else was paid for the same: then give it back.

        Raises StoreUnavailable where it stays unknown, or the lease was over: the credit is given back, if it was not
        kept after all, and the next delivery finds out.
        """
        charge = self._charge
        if charge is None:
            return
        writes = self._writes(charge)
        while True:
            try:
                self._store.database.transact(writes)
            except TransactionFailed as failure:
                self._lost(charge, failure.failed, failure.rows)
                return
            except StoreUnavailable:
                if deadline.left_seconds <= _COMMIT_PAUSE_SECONDS:
                    self._credits.refund(charge)
                    raise
                self._pause(_COMMIT_PAUSE_SECONDS)
            else:
                self.credits_charged = 1
                return

    def refund(self) -> None:
        """There is no picture."""
        if self._charge is not None:
            self._credits.refund(self._charge)

    def _writes(self, charge: Charge) -> list[Write]:
        done = jobs.put_done(
            self._store.core,
            self._account.uid,
            self._charge_id,
            owner=charge.reservation.id,
            result_key=self._result_key,
            now=int(self._clock()),
        )
        return [{"Update": self._credits.commit_request(charge)}, {"Put": done}, *self._also]

    def _lost(self, charge: Charge, failed: Sequence[bool], rows: Sequence[Row | None]) -> None:
        """The transaction's conditions do not hold."""
        if text(rows[1] or {}, "owner") == charge.reservation.id:  # they did, its answer was lost
            self.credits_charged = 1
            return
        self._credits.refund(charge)
        if failed[0] and not any(failed[1:]):  # swept: nobody was paid
            raise StoreUnavailable
