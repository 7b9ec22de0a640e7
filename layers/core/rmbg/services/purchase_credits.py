"""Prepaid credits that are bought, refunded and disputed: one line of the ledger a purchase, and the account's balance.

The line holds what was heard and how many credits the account has got of it; both are written in one transaction with
the difference, under the line's revision.
"""

import time
from collections.abc import Callable
from typing import Final

from rmbg.domain.purchases import Purchase
from rmbg.storage import credits, schema, stripe
from rmbg.storage.database import StoreUnavailable, TransactionFailed
from rmbg.storage.expressions import Write, get
from rmbg.storage.store import Store

_TRIES: Final = 20


class PurchaseCredits:
    """Purchases of one store. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def hear(self, uid: str, source_id: str, merge: Callable[[Purchase], Purchase]) -> None:
        """Merge what was heard of a purchase; the account gets or loses the difference. Raises StoreUnavailable.

        The account exists. Its balance may fall below zero: that is a debt.
        """
        database, core = self._store.database, self._store.core
        for _ in range(_TRIES):
            known = stripe.read_purchase(database.get(get(core, schema.ledger(uid, "pack", source_id))))
            after = merge(known)
            if after == known and after.worth == known.applied:
                return
            difference = after.worth - known.applied
            writes: list[Write] = [
                {"Put": stripe.put_purchase(core, uid, source_id, after, int(self._clock()))},
            ]
            if difference:
                writes.append({"Update": credits.add_prepaid(core, schema.account(uid), difference)})
            try:
                database.transact(writes)
            except TransactionFailed:
                continue  # overtaken
            return
        raise StoreUnavailable
